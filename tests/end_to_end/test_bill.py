"""Rows in MariaDB become entries, on the real stack: what bill keeps is what slicing everything at once gives, whatever
happens to the process on the way.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from schemas.groups import PublishedGroup, decode_published
from schemas.keys import GroupKey, decode_groups_key
from schemas.outcomes import Reason
from schemas.topics import GROUPS
from tests.entries import EVERY, SHUT, close_the_week, held, row, settles
from tests.live import Live
from tests.llm_server import language_model
from tests.programs import Program, eventually, running
from tests.timesheets import stored

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


@pytest.fixture
def bill(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "bill", *EVERY) as program:
        yield program
        if program.ended() is None:
            assert program.stop() == 0


def test_inserts_updates_and_deletes_reach_the_entries(live: Live, bill: Program) -> None:
    who = live.timekeeper()
    lease = [live.insert(who, f"Harbour lease draft {n}.docx", minute=n * 6) for n in range(4)]
    tax = [live.insert(who, f"Tax return 2025 {n}.xlsx", minute=200 + n * 6, minutes=None) for n in range(3)]
    settles(live, who)
    assert stored(live.pipeline, who)[0], "there are entries"
    live.update(lease[0], words=json.dumps({"title": "Tax return 2025 0.xlsx"}))
    live.delete(tax[1])
    live.update(lease[3], excluded=True)
    settles(live, who)
    for activity in (*lease[:3], tax[0], tax[2]):
        live.delete(activity)
    settles(live, who)
    assert stored(live.pipeline, who)[0] == {}
    assert bill.stop() == 0


@pytest.mark.long
def test_bill_is_killed_again_and_again(live: Live) -> None:
    who, other = live.timekeeper(), live.timekeeper()
    order = random.Random(7)
    for round in range(4):
        with running(live.stack.home.path, "bill") as program:
            for n in range(25):
                live.insert(who, f"Harbour lease draft {n % 5}.docx", minute=round * 400 + n * 6)
                live.insert(other, f"Audit of the bakery {n % 5}.xlsx", minute=round * 400 + n * 6)
            # Killed at another place each time, wherever it is then: that is the test.
            some = round * 50 + order.randint(1, 50)
            eventually(lambda some=some: held(live, who, other) >= some, what=program.said)  # type: ignore[misc]
            program.kill()
    with running(live.stack.home.path, "bill"):
        settles(live, who)
        settles(live, other)


def test_a_due_period_is_closed_once_and_late_work_gets_into_it(live: Live, bill: Program) -> None:
    who = live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    settles(live, who)
    with running(live.stack.home.path, "bill", *EVERY):
        close_the_week(live, who)
        eventually(lambda: row(live, SHUT, who), what="the week is closed")
    marks = "SELECT COUNT(*) FROM mark WHERE timekeeper_id = :timekeeper AND kind = 'close'"
    assert row(live, marks, who) == (1,)
    assert row(live, "SELECT COUNT(*), COUNT(period_id) FROM entry WHERE timekeeper_id = :timekeeper", who) == (1, 1)
    live.insert(who, "Audit of the bakery.xlsx", minute=600)
    settles(live, who)
    period = row(live, SHUT, who)[0]
    assert row(live, "SELECT COUNT(*), MIN(period_id) FROM entry WHERE timekeeper_id = :timekeeper", who) == (2, period)


def test_a_record_that_can_not_be_used_is_dead_lettered_and_passed_over(live: Live, bill: Program) -> None:
    who = live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    settles(live, who)
    partition = next(
        record.partition
        for record in live.said()
        if isinstance(key := decode_groups_key(record.key or b""), GroupKey) and key.firm == who.firm
    )
    said = next(
        said
        for record in live.said()
        if record.value and isinstance(said := decode_published(record.value), PublishedGroup)
    )
    key = msgspec.json.encode([who.firm, who.timekeeper, 999])
    bad = {
        Reason.NOT_JSON: (key, b"\xff not json"),
        Reason.BAD_COLUMN: (key, b'{"said":"group","group":{}}'),
        Reason.NO_OWNER: (b"[999999,999999,1]", msgspec.json.encode(said)),
        Reason.NULL_VALUE: (b'[1,1,"verify"]', None),
    }
    producer = Producer(live.settings.kafka().client())
    for key, value in bad.values():
        producer.produce(GROUPS.name, value, key, partition)
    producer.flush()
    live.insert(who, "Audit of the bakery.xlsx", minute=600)
    settles(live, who)
    letters = {(letter.reason, letter.key, letter.value) for letter in live.dead_letters()}
    assert letters >= {(reason, key, value) for reason, (key, value) in bad.items()}
    assert bill.ended() is None


def test_a_verify_mark_is_seen_and_counts_what_is_excluded(live: Live, bill: Program) -> None:
    who = live.timekeeper()
    live.insert(who, "Harbour lease.docx", minutes=30)
    live.insert(who, "Private.docx", minute=10, minutes=5, excluded=True)
    with live.pipeline.begin() as connection:
        mark = connection.execute(
            text(
                "INSERT INTO mark (firm_id, timekeeper_id, kind, token) VALUES (:firm, :timekeeper, 'verify', :token)"
            ),
            {**msgspec.structs.asdict(who), "token": f"test:{who.timekeeper}"},
        ).lastrowid
    seen = "SELECT mark_id FROM mark_seen WHERE firm_id = :firm AND timekeeper_id = :timekeeper"
    eventually(lambda: row(live, seen, who) == (mark,), what="the mark is seen")
    minutes = (
        "SELECT captured_us DIV 60000000, excluded_us DIV 60000000 FROM day_minutes WHERE timekeeper_id = :timekeeper"
    )
    assert row(live, minutes, who) == (30, 5)


def test_words_leave_the_machine_only_when_narration_is_switched_on(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key and an address in the environment send nothing; with --llm the closed week is narrated, once."""
    who = live.timekeeper()
    narrative = "SELECT narrative, narrative_id IS NOT NULL FROM entry WHERE timekeeper_id = :timekeeper"
    with language_model() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        live.insert(who, "Harbour lease.docx")
        with running(live.stack.home.path, "bill", *EVERY) as bill:
            close_the_week(live, who)
            eventually(lambda: row(live, SHUT, who), what="the week is closed")
            settles(live, who)
            assert row(live, narrative, who) == ("Harbour lease.docx.", False)
            assert bill.stop() == 0
        assert server.calls == []
        with running(live.stack.home.path, "bill", "--llm", "--budget-usd", "0.10", *EVERY) as bill:
            bought = ("Reviewed Harbour lease.docx.", True)
            eventually(lambda: row(live, narrative, who) == bought, what="the entry is narrated")
            assert bill.stop() == 0
        said = [json.loads(line) for line in bill.said().splitlines()]
        assert [one["destination"] for one in said if one["event"] == "narration_is_on"] == [server.url]
        plan = next(one for one in said if one["event"] == "narrating")
        assert plan["calls"] >= 1
        assert 0 < plan["at_most_usd"] < 0.10
        asked = [id for call in server.calls for id in ids_in(call.question)]
        assert asked
        assert len(asked) == len(set(asked))


def ids_in(question: dict[str, Any]) -> list[int]:
    """The activities that a question shows."""
    return [activity["id"] for entry in question["entries"] for activity in entry["activities"]]


def test_a_place_that_the_topic_has_not_got_is_told_and_not_guessed(live: Live) -> None:
    """The topic was made anew, or it is another cluster's: reading on somewhere would lose or double."""
    place = text(
        "UPDATE consumer_offset SET next_offset = next_offset + :n WHERE consumer = 'bill' AND partition_no = 0"
    )
    with running(live.stack.home.path, "bill") as bill:
        eventually(lambda: "assigned" in bill.said(), what="bill has its partitions")
        assert bill.stop() == 0
    with live.pipeline.begin() as connection:
        connection.execute(place, {"n": 1_000_000})
    try:
        with running(live.stack.home.path, "bill") as bill:
            eventually(lambda: bill.ended() is not None, what="bill ends")
            assert bill.ended() == 3
            assert "isn't on the broker" in bill.said()
    finally:
        with live.pipeline.begin() as connection:
            connection.execute(place, {"n": -1_000_000})
