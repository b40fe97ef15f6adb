"""`bill` that dies, freezes, is doubled or cut off from its servers: no entry is doubled, no place lost, a period is
closed once and in order, a narrative is bought once.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from processors.billing.entries.billing_day import instant
from schemas.dead_letters import DeadLetterRecord
from schemas.keys import Scope
from streams.bill.due_periods import Scheduler
from streams.verify.audit import Auditor
from tests.entries import EVERY, SHUT, bill_by, close_the_week, row, settled, settles
from tests.live import Live
from tests.llm_server import Call, LanguageModelServer, good, language_model
from tests.programs import Program, eventually, running

pytestmark = pytest.mark.stack
HERE = Path(__file__).parent
FAULTY = HERE / "faulty_bill.py"
NARRATING = ("--llm", "--budget-usd", "50", *EVERY)


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


@pytest.fixture
def model(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[LanguageModelServer]:
    """A model for `bill`; what other tests left to narrate is out of the way."""
    with live.pipeline.begin() as connection:
        connection.execute(text("UPDATE entry SET status = 'accepted' WHERE period_id IS NOT NULL"))
    with language_model() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        yield server


def work(live: Live, people: list[Scope], start: int, count: int = 8) -> None:
    """Some interleaved work of each, `start` minutes after the morning began."""
    for n in range(start, start + count):
        for who in people:
            live.insert(who, f"{('Harbour lease', 'Tax return 2025')[n % 2]} {n // 6}.docx", minute=n * 4)


def all_right(live: Live, people: list[Scope], within_s: float = 60) -> None:
    """The entries are what the groups say, by SQL; and `verify` finds nothing."""
    eventually(lambda: all(settled(live, who) for who in people), within_s, "entries are those of the set")
    verdict = Auditor(live.pipeline, live.settings.kafka(), 60).verify(people)
    assert verdict.damage == {}


def has_partitions(bill: Program) -> bool:
    """Has it been assigned some, as far as its log tells?"""
    said = [json.loads(line) for line in bill.said().splitlines() if '"event": "assigned"' in line]
    return any(one["places"] for one in said)


def narrated_once(live: Live, people: list[Scope]) -> bool:
    """Has every entry of theirs a model's narrative, each from one answered call and no other?"""
    for who in people:
        if row(live, "SELECT COUNT(*), COUNT(narrative_id) FROM entry WHERE timekeeper_id = :timekeeper", who) != (
            *[row(live, "SELECT COUNT(*) FROM entry WHERE timekeeper_id = :timekeeper", who)[0]] * 2,
        ):
            return False
    for who in people:
        assert row(live, _CALLS, who) == (1, 1), "each narrative is paid once"
    return True


_CALLS = (
    "SELECT MIN(n), MAX(n) FROM (SELECT COUNT(*) n FROM narrative_call WHERE timekeeper_id = :timekeeper"
    " GROUP BY narrative_id) each_one"
)
CLOSED = "SELECT COUNT(*), COUNT(closed_at) FROM period WHERE timekeeper_id = :timekeeper"
MARKS = "SELECT COUNT(*) FROM mark WHERE timekeeper_id = :timekeeper AND kind = 'close'"


def test_killed_at_any_point_of_a_batch(live: Live) -> None:
    people = [live.timekeeper() for _ in range(2)]
    for n, point in enumerate(("before_take", "inside_take", "after_take")):
        with running(live.stack.home.path, point, "KILL", script=FAULTY) as doomed:
            work(live, people, n * 10)
            eventually(lambda doomed=doomed: doomed.ended() is not None, what=doomed.said)  # type: ignore[misc]
            assert doomed.ended() == -signal.SIGKILL, doomed.said()
    with running(live.stack.home.path, "bill") as heir:
        all_right(live, people)
        assert heir.stop() == 0


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("before_take", '"event": "fenced"'),
        pytest.param("inside_take", "does not answer", marks=pytest.mark.long),
    ],
)
def test_frozen_at_any_point_of_a_batch_it_writes_nothing_when_it_wakes(live: Live, point: str, said: str) -> None:
    """Before its transaction it is fenced. Inside it holds the place's lock, until the server rolls it back."""
    people = [live.timekeeper() for _ in range(2)]
    with running(live.stack.home.path, point, "STOP", script=FAULTY) as frozen:
        work(live, people, 0)
        eventually(lambda: "now STOP" in frozen.said(), what=frozen.said)
        with running(live.stack.home.path, "bill") as heir:
            work(live, people, 20)
            all_right(live, people, within_s=40)
            frozen.wake()
            eventually(lambda: said in frozen.said(), what=frozen.said)
            work(live, people, 40)
            all_right(live, people)
            assert heir.stop() == 0
        assert frozen.ended() in (None, 3), frozen.said()


def test_two_at_once_of_which_one_is_killed_and_one_frozen(live: Live, model: LanguageModelServer) -> None:
    """Both have partitions, periods are due for everybody meanwhile, and everything is narrated."""
    home, people = live.stack.home.path, [live.timekeeper() for _ in range(8)]
    with running(home, "bill", *NARRATING) as first, running(home, "bill", *NARRATING) as second:
        eventually(lambda: has_partitions(first) and has_partitions(second), what="both have partitions")
        work(live, people, 0)
        first.kill()
        work(live, people, 10)
        with running(home, "bill", *NARRATING) as third:
            second.freeze()
            for who in people:
                close_the_week(live, who)
            work(live, people, 20)
            # Frozen in mid-transaction, the second holds its locks for half a minute.
            eventually(lambda: all(row(live, SHUT, who) for who in people), 120, "all weeks are closed")
            second.wake()
            work(live, people, 30)
            all_right(live, people)
            eventually(lambda: narrated_once(live, people), what="all is narrated")
            assert [row(live, CLOSED, who) for who in people] == [(1, 1)] * len(people)
            assert [row(live, MARKS, who) for who in people] == [(1,)] * len(people)
            assert third.stop() == 0
        # Frozen in mid-transaction for longer than half a minute it ends, for its supervisor to start it again.
        assert second.ended() == 3 or second.stop() == 0, second.said()


@pytest.mark.long
@pytest.mark.parametrize("point", ["reserving", "asking"])
def test_frozen_while_it_buys_the_narrative_is_bought_once(live: Live, model: LanguageModelServer, point: str) -> None:
    """Reserving, it holds the budget until the server rolls it back; asking, its reservation holds for minutes."""
    home, who = live.stack.home.path, live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    with running(home, "bill") as bill:
        settles(live, who)
        assert bill.stop() == 0
    bought = "SELECT narrative, narrative_id IS NOT NULL FROM entry WHERE timekeeper_id = :timekeeper"
    with running(home, point, "STOP", *NARRATING, script=FAULTY) as frozen:
        close_the_week(live, who)
        eventually(lambda: "now STOP" in frozen.said(), what=frozen.said)
        with running(home, "bill", *NARRATING) as heir:
            eventually(lambda: '"event": "assigned"' in heir.said(), what=heir.said)
            if point == "reserving":
                eventually(lambda: row(live, bought, who)[1], what=heir.said)
            else:
                assert model.calls == []
            frozen.wake()
            eventually(lambda: row(live, bought, who) == ("Reviewed Harbour lease.docx.", 1), what=frozen.said)
            assert narrated_once(live, [who])
            assert heir.ended() is None
    asked = [a["title"] for call in model.calls for e in call.question["entries"] for a in e["activities"]]
    assert asked.count("Harbour lease.docx") == 1


def test_a_server_that_hangs_up_in_the_middle_of_a_batch(live: Live) -> None:
    """It ends for its supervisor with one line that says so; nothing of the batch is there, and its heir takes it."""
    who = live.timekeeper()
    with running(live.stack.home.path, "inside_take", "CUT", script=FAULTY) as bill:
        work(live, [who], 0)
        eventually(lambda: bill.ended() is not None, what=bill.said)
        assert bill.ended() == 3
    last = bill.said().splitlines()[-1]
    assert last.startswith("timeloom: MariaDB does not answer at "), bill.said()
    assert "Traceback" not in bill.said()
    assert row(live, "SELECT COUNT(*) FROM activity_group WHERE timekeeper_id = :timekeeper", who) == (0,)
    with running(live.stack.home.path, "bill"):
        all_right(live, [who])


def test_it_catches_up_in_order_after_two_days(live: Live) -> None:
    """Work and close marks of three days wait on the topic, and the fourth period is due when it starts. Two start."""
    who = live.timekeeper()
    bill_by(live, who, "FREQ=DAILY;COUNT=5", "2026-03-01", cutoff_minutes=0)
    day = 24 * 60
    for n in (2, 3, 4):  # each evening somebody works on, the next morning another scheduler looks
        live.insert(who, f"Harbour lease {n}.docx", minute=(n - 2) * day, minutes=30)
        live.insert(who, "Late work of the second.docx", minute=n * 10, minutes=5)
        Scheduler(live.pipeline).open_due(instant(datetime(2026, 3, n, 6, tzinfo=UTC)))
    assert row(live, CLOSED, who) == (3, 0)
    home = live.stack.home.path
    with running(home, "bill", *EVERY) as one, running(home, "bill", *EVERY) as other:
        eventually(lambda: row(live, CLOSED, who) == (4, 4), what="all four are closed")
        all_right(live, [who])
        assert (one.stop(), other.stop()) == (0, 0)
    in_order = (
        "SELECT GROUP_CONCAT(DAY(starts_on) ORDER BY closed_at, id) FROM period WHERE timekeeper_id = :timekeeper"
    )
    assert row(live, in_order, who) == ("1,2,3,4",)
    assert row(live, MARKS, who) == (4,)
    strangers = (
        "SELECT COUNT(*), SUM(e.billing_day < p.starts_on OR e.billing_day >= p.ends_on) FROM entry e"
        " JOIN period p ON p.id = e.period_id WHERE e.timekeeper_id = :timekeeper"
    )
    entries = row(live, "SELECT COUNT(*) FROM entry WHERE timekeeper_id = :timekeeper", who)
    assert row(live, strangers, who) == (*entries, 0)
    assert entries[0] >= 3


def places(live: Live) -> dict[str, int]:
    query = text("SELECT partition_no, next_offset FROM consumer_offset WHERE consumer = 'bill' AND topic = 'groups'")
    with live.pipeline.connect() as connection:
        return {str(partition): place for partition, place in connection.execute(query)}


def test_told_to_stop_in_mid_flow_it_ends_what_it_began(live: Live) -> None:
    """Exit 0 within seconds, and the next one goes on at just the place that was kept."""
    home, people = live.stack.home.path, [live.timekeeper() for _ in range(3)]
    over = threading.Event()

    def load() -> None:
        n = 0
        while not over.wait(0.05):
            work(live, people, n, 1)
            n += 1

    with running(home, "bill", *EVERY) as bill:
        thread = threading.Thread(target=load)
        thread.start()
        try:
            query = "SELECT COUNT(*) > 0 FROM activity_group WHERE timekeeper_id = :timekeeper"
            eventually(lambda: row(live, query, people[0]) == (1,), what="it is taking")
            began = time.monotonic()
            assert bill.stop() == 0, bill.said()
            assert time.monotonic() - began < 10
        finally:
            over.set()
            thread.join()
    assert json.loads(bill.said().splitlines()[-1])["event"] == "stopped"
    kept = places(live)
    with running(home, "bill", *EVERY) as heir:
        eventually(lambda: has_partitions(heir), what=heir.said)
        assigned = next(json.loads(line) for line in heir.said().splitlines() if '"event": "assigned"' in line)
        assert assigned["places"] == {n: place for n, place in kept.items() if n in assigned["places"]}
        all_right(live, people)


@pytest.mark.long
def test_told_to_stop_while_a_narrative_is_bought_it_waits_for_the_answer(
    live: Live, model: LanguageModelServer
) -> None:
    who, asked = live.timekeeper(), threading.Event()
    live.insert(who, "Harbour lease.docx")

    def slow(call: Call) -> None:
        asked.set()
        model.stopped.wait(3)
        good(call)

    model.then = slow
    with running(live.stack.home.path, "bill", *NARRATING) as bill:
        settles(live, who)
        close_the_week(live, who)
        eventually(asked.is_set, what=bill.said)
        assert bill.stop() == 0, bill.said()
    assert narrated_once(live, [who])


def test_a_record_on_which_our_own_code_fails_is_a_dead_letter_the_third_time(live: Live) -> None:
    """It crashes twice, and then stops nobody: what is before and behind it is kept."""
    home, who, other = live.stack.home.path, live.timekeeper(), live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    eventually(lambda: live.groups(who), what="it is grouped")
    with running(home, str(who.timekeeper), script=HERE / "broken_bill.py") as bill:
        eventually(lambda: bill.ended() is not None, what=bill.said)
        assert bill.ended() == 1, bill.said()
    work(live, [other], 0)
    with running(home, str(who.timekeeper), script=HERE / "broken_bill.py") as bill:
        eventually(lambda: bill.ended() is not None, what=bill.said)
        assert bill.ended() == 1, bill.said()
    theirs = f"[{who.firm},{who.timekeeper},".encode()

    def letters() -> list[DeadLetterRecord]:
        return [letter for letter in live.dead_letters() if (letter.key or b"").startswith(theirs)]

    with running(home, str(who.timekeeper), script=HERE / "broken_bill.py") as bill:
        eventually(lambda: settled(live, other), what=bill.said)
        eventually(letters, what="the third time it is buried")
        assert bill.ended() is None
    assert [letter.reason for letter in letters()] == ["bug"]
    assert "nobody foresaw" not in letters()[0].detail
