"""Law 6, paid once: a narrative is bought once for each content, within the budget, whatever fails; and it says nothing
that isn't in what it cites. Against the real database and an HTTP server that fails on demand.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from connectors.llm.gateway import ATTEMPTS
from connectors.mariadb.narration import llm_calls, reservations
from connectors.mariadb.narration.llm_calls import CallBudget
from processors.billing.narratives.pricing import cost
from schemas.groups import Disposition
from tests.contracts.conftest import Database, session
from tests.contracts.ledger import MINUTE, Books
from tests.contracts.narration_runs import BOUGHT, KIND, NINE, OWN, PRICE, calls, close, narrator, texts, two_entries
from tests.llm_server import (
    Call,
    failing,
    good,
    inventing,
    language_model,
    limited,
    prose,
    truncated,
)

pytestmark = pytest.mark.stack


@pytest.fixture
def books(collector: Engine, pipeline: Engine) -> Books:
    return two_entries(collector, pipeline)


def test_nothing_is_sent_before_the_period_is_closed(books: Books) -> None:
    with language_model() as server:
        assert narrator(books, server).narrate() == 0
        assert server.calls == []
    assert texts(books) == OWN


def test_a_closed_period_is_narrated_in_one_call_and_paid_as_used(books: Books) -> None:
    close(books)
    with language_model() as server:
        assert narrator(books, server).narrate() == 2
        body = server.calls[0].body
        assert len(server.calls) == 1
    assert texts(books) == BOUGHT
    sent = sum(len(message["content"]) for message in body["messages"]) // 4
    with books.pipeline.connect() as connection:
        output = connection.scalar(text("SELECT MAX(output_tokens) FROM llm_call"))
    assert calls(books) == [("answered", cost(PRICE, sent, output))]


def test_equal_content_is_never_bought_twice(books: Books) -> None:
    close(books)
    with language_model() as server:
        buyer = narrator(books, server)
        buyer.narrate()
        buyer.narrate()
        books.dispositions["a"] = Disposition.HELD
        books.say()
        assert texts(books) == {"Reviewed Tax return.": True}
        books.dispositions["a"] = Disposition.WORK
        books.say()
        assert buyer.narrate() == 1
        assert len(server.calls) == 1
    assert texts(books) == BOUGHT


def test_other_content_is_narrated_again(books: Books) -> None:
    close(books)
    with language_model() as server:
        buyer = narrator(books, server)
        buyer.narrate()
        books.insert(NINE + 90 * MINUTE, 45, "b", words='{"title":"Tax appendix"}')
        books.say()
        assert texts(books) == {"Reviewed Lease draft.": True, "Tax appendix; Tax return.": False}
        buyer.narrate()
        assert len(server.calls) == 2
    assert texts(books) == {"Reviewed Lease draft.": True, "Reviewed Tax appendix.": True}


def test_a_question_is_about_one_timekeeper_and_one_matter(books: Books, collector: Engine, pipeline: Engine) -> None:
    other = Books(collector, pipeline)
    other.insert(NINE, 30, "x", words='{"title":"Somebody else"}')
    other.say()
    books.insert(NINE + 120 * MINUTE, 30, "c", words='{"title":"Opinion"}', matter=books.matters[0])
    books.place = other.place
    books.say()
    other.place = books.place
    close(books)
    other.place = books.place
    close(other)
    with language_model() as server:
        narrator(books, server).narrate()
        asked = [
            (call.question["matter"], [a["title"] for e in call.question["entries"] for a in e["activities"]])
            for call in server.calls
        ]
    assert sorted(asked) == [
        ("", ["Lease draft", "Tax return"]),
        ("", ["Somebody else"]),
        ("2026-0001 Matter 1", ["Opinion"]),
    ]


def test_what_is_in_nothing_that_it_cites_is_left_out(books: Books) -> None:
    close(books)
    with language_model(then=inventing) as server:
        narrator(books, server).narrate()
    assert texts(books) == BOUGHT


@pytest.mark.parametrize("behaviour", [prose, truncated])
def test_an_unusable_answer_is_paid_once_and_leaves_the_own_words(books: Books, behaviour: Any) -> None:
    close(books)
    with language_model(then=behaviour) as server:
        buyer = narrator(books, server, stale_s=0.0)
        buyer.narrate()
        buyer.narrate()
        assert len(server.calls) == 1
    assert texts(books) == OWN


def test_an_outage_costs_nothing_and_is_made_up_for(books: Books) -> None:
    close(books)
    with language_model(*[failing(503)] * ATTEMPTS) as server:
        buyer = narrator(books, server, stale_s=0.0)
        assert buyer.narrate() == 0
        assert texts(books) == OWN
        assert calls(books) == [("failed", 0)] * ATTEMPTS
        assert buyer.narrate() == 2
    assert texts(books) == BOUGHT


def test_a_hiccup_is_bridged(books: Books) -> None:
    close(books)
    with language_model(limited(), failing(500)) as server:
        assert narrator(books, server).narrate() == 2
    assert [state for state, _ in calls(books)] == ["limited", "failed", "answered"]


def contents(books: Books) -> list[str]:
    query = text("SELECT content FROM entry WHERE timekeeper_id = :t")
    with books.pipeline.connect() as connection:
        return list(connection.execute(query, {"t": books.scope.timekeeper}).scalars())


def test_a_reservation_of_a_process_that_died_is_taken_over_when_it_is_stale(books: Books) -> None:
    """It died between reserving and the answer: whether it was paid can't be known, so it counts at its estimate."""
    close(books)
    spending = CallBudget("somewhere", 1234, 1_000_000)
    reservations.reserve_narratives(books.pipeline, books.scope, KIND, contents(books), spending, 60.0)
    with language_model() as server:
        assert narrator(books, server, stale_s=60.0).narrate() == 0
        assert server.calls == []
        assert narrator(books, server, stale_s=0.0).narrate() == 2
        assert len(server.calls) == 1
    assert [state for state, _ in calls(books)] == ["lost", "answered"]
    assert calls(books)[0] == ("lost", 1234)


def test_an_answer_outlives_a_database_that_goes_away_during_the_call(books: Books, database: Database) -> None:
    """Its connections are cut and its user is kept out for a second: what is paid for is written after that."""
    close(books)
    user = database.pipeline.username
    back = threading.Timer(1.0, lambda: shut_out("UNLOCK"))

    def shut_out(say: str) -> None:
        with session(database.admin) as connection:
            connection.execute(text(f"ALTER USER '{user}'@'%' ACCOUNT {say}"))

    def away(call: Call) -> None:
        shut_out("LOCK")
        back.start()
        with session(database.admin) as connection:
            connection.execute(text(f"KILL USER '{user}'"))
        good(call)

    with language_model(away) as server:
        try:
            assert narrator(books, server).narrate() == 2
        finally:
            back.join()  # the user is the server's: other tests need it
        assert len(server.calls) == 1
    assert texts(books) == BOUGHT
    assert [state for state, _ in calls(books)] == ["answered"]


def test_two_narrators_buy_everything_once(books: Books) -> None:
    for n in range(20):
        books.insert(NINE + (200 + n * 10) * MINUTE, 5, f"g{n}", words=f'{{"title":"Task number{chr(97 + n)}"}}')
    books.say()
    close(books)
    with language_model() as server:
        both = [narrator(books, server) for _ in range(2)]
        with ThreadPoolExecutor(len(both)) as pool:
            rounds = [pool.submit(one.narrate) for one in both]
            attached = sum(one.result() for one in rounds)
        asked = [e["activities"][0]["id"] for call in server.calls for e in call.question["entries"]]
    assert len(asked) == len(set(asked)) == attached == 22
    assert set(texts(books).values()) == {True}


def test_the_budget_is_kept(books: Books) -> None:
    close(books)
    with language_model() as server:
        assert narrator(books, server, budget_usd=0.0001).narrate() == 0
        assert server.calls == []
    assert calls(books) == []
    assert texts(books) == OWN


def test_a_call_under_way_counts_against_the_budget(books: Books) -> None:
    close(books)
    with books.pipeline.connect() as connection:
        already = llm_calls.read_spent_microdollars(connection)
    spending = CallBudget("somewhere", 900_000, 1_000_000)
    reservations.reserve_narratives(books.pipeline, books.scope, KIND, ["0" * 32], spending, 60.0)
    with language_model() as server:
        assert narrator(books, server, budget_usd=0.9).narrate() == 0
        assert server.calls == []
    assert already == 0


def test_an_entry_that_changes_while_it_is_narrated_keeps_its_new_words(books: Books) -> None:
    close(books)

    def meanwhile(call: Call) -> None:
        books.insert(NINE + 90 * MINUTE, 45, "b", words='{"title":"Tax appendix"}')
        books.say()
        good(call)

    with language_model(meanwhile) as server:
        narrator(books, server).narrate()
    assert texts(books) == {"Reviewed Lease draft.": True, "Tax appendix; Tax return.": False}


def test_what_a_person_accepted_is_left_alone(books: Books) -> None:
    close(books)
    with books.pipeline.begin() as connection:
        connection.execute(text("UPDATE entry SET status = 'accepted' WHERE narrative = 'Lease draft.'"))
    with language_model() as server:
        narrator(books, server).narrate()
    assert texts(books) == {"Lease draft.": False, "Reviewed Tax return.": True}


def test_every_narrative_leads_back_to_its_calls_and_citations(books: Books) -> None:
    close(books)
    with language_model(failing(500)) as server:
        narrator(books, server).narrate()
    query = text(
        "SELECT n.citations, COUNT(*) FROM entry e JOIN narrative n ON n.id = e.narrative_id"
        " JOIN narrative_call c ON c.narrative_id = n.id JOIN llm_call l ON l.id = c.llm_call_id"
        " WHERE e.timekeeper_id = :t GROUP BY n.id"
    )
    with books.pipeline.connect() as connection:
        rows = connection.execute(query, {"t": books.scope.timekeeper}).fetchall()
    assert [calls for _, calls in rows] == [2, 2]
    assert all('"cites":[' in citations for citations, _ in rows)
