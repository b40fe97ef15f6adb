"""A thousand dead letters of five reasons, whose cause is mended: retried, each row is grouped once, whatever dies."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from confluent_kafka import Producer
from sqlalchemy import text

from connectors.kafka.records.dead_letter_writer import DeadLetters
from connectors.kafka.records.open_dead_letters import Letter, read_letters
from schemas.dead_letters import DeadLetterRecord, encode_dead_letter
from schemas.keys import GroupKey, OriginKey, Scope, encode_key
from schemas.outcomes import Reason
from schemas.topics import DEAD_LETTERS, GROUPS, partition_of
from streams.ops.dlq.retry import Retry, shown
from streams.shared.model_store import shipped_model
from streams.verify.audit import Auditor
from tests.entries import SHUT, close_the_week, row, settles
from tests.live import Live
from tests.programs import ROOT, Program, eventually, running

pytestmark = pytest.mark.stack
HERE = Path(__file__).parent

PEOPLE = 20
EACH = 10
"""Rows of each reason and timekeeper: 5 x 10 x 20 is a thousand."""
LOST = ("bad_column", "bad_interval", "bad_words", "unknown_model", "unknown_table")
DECIDED = (
    "activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, :m)",
    "feedback (firm_id, timekeeper_id, verb, left_ids) VALUES (:f, :t, 'together', :ids)",
)


@contextmanager
def both(live: Live) -> Iterator[tuple[Program, Program]]:
    with running(live.stack.home.path, "group") as group, running(live.stack.home.path, "bill", "--no-llm") as bill:
        yield group, bill


def dlq(live: Live, *arguments: str) -> "subprocess.Popen[str]":
    """`ops dlq` as a person would run it."""
    return subprocess.Popen(
        [sys.executable, "-m", "streams", "ops", "dlq", *arguments],
        cwd=ROOT,
        env={**os.environ, "TIMELOOM_HOME": str(live.stack.home.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(live: Live, *arguments: str) -> str:
    out, errors = (process := dlq(live, *arguments)).communicate(timeout=120)
    assert process.returncode == 0, out + errors
    return out


def waiting(live: Live, people: list[Scope]) -> list[Letter]:
    """The letters of these people that wait for somebody."""
    found = read_letters(live.settings.kafka()).open
    return [one for one in found if Scope(one.said.firm or 0, one.said.timekeeper or 0) in people]


def reasons(live: Live, people: list[Scope]) -> Counter[str]:
    """How many that are, by reason."""
    return Counter(one.said.reason.value for one in waiting(live, people))


def write_what_the_older_version_can_not_read(live: Live, people: list[Scope]) -> None:
    for who in people:
        good = [live.insert(who, f"Harbour lease {n}.docx", minute=n * 6) for n in range(2)]
        for n in range(EACH):
            live.insert(who, f"Harbour lease {n}.docx", minute=20 + n * 6, zone="Europe/Kyiv")
            live.insert(who, f"Tax return {n}.xlsx", minute=300 + n * 6, minutes=3_000)
            live.insert(who, f"Ω {n}.docx", minute=600 + n * 6)
        decided = {"f": who.firm, "t": who.timekeeper, "ids": json.dumps(good), "m": shipped_model().version}
        with live.collector.begin() as connection:
            for statement in DECIDED * EACH:
                connection.execute(text(f"INSERT INTO {statement}"), decided)


def said(live: Live) -> int:
    """How often rows were said again."""
    with live.pipeline.connect() as connection:
        return int(connection.execute(text("SELECT SUM(said) FROM activity")).scalar_one())


def test_a_thousand_letters_whose_cause_is_mended_are_grouped_once(live: Live) -> None:
    home, people = live.stack.home.path, [live.timekeeper() for _ in range(PEOPLE)]
    with running(home, script=HERE / "older_group.py") as older:
        write_what_the_older_version_can_not_read(live, people)
        expected = Counter(dict.fromkeys(LOST, PEOPLE * EACH))
        eventually(lambda: reasons(live, people) == expected, 120, older.said())
    with both(live) as (group, bill):
        listed = json.loads(told(live, "list", "--json"))
        assert all(listed["reasons"][reason] >= count for reason, count in expected.items())
        letter = waiting(live, people)[0]
        killed = dlq(live, "retry", "--reason", "bad_column")
        eventually(lambda: reasons(live, people)["bad_column"] < PEOPLE * EACH or killed.poll() is not None)
        killed.kill()
        killed.communicate()
        retry = Retry(live.settings.kafka(), live.collector, live.pipeline, 60)
        began = monotonic()
        for reason in LOST:
            done = retry.retry([one for one in waiting(live, people) if one.said.reason == reason])
            assert (done.again, done.left) == ([], [])
        took_s = monotonic() - began
        assert reasons(live, people) == Counter()
        assert live.groups(*people) == live.expected(*people)
        verdict = Auditor(live.pipeline, live.settings.kafka(), 60).verify(people)
        assert verdict.clean, verdict.damage
        before = said(live)
        again = dlq(live, "retry", shown(letter.origin))
        assert "No dead letter stands" in again.communicate(timeout=60)[1]
        assert (again.returncode, said(live)) == (1, before), "a second retry says nothing"
        assert (group.ended(), bill.ended()) == (None, None), group.said() + bill.said()
    assert took_s < 60, f"seconds, not minutes: {took_s:.1f}"


def test_a_letter_goes_with_its_cause(live: Live) -> None:
    """Corrected, deleted or moved, a row needs no retry; what never was a row can only be discarded."""
    with both(live):
        who, other = live.timekeeper(), live.timekeeper()
        corrected, deleted, moved, stays = (live.insert(who, "Deed.docx", minute=n, zone="Nowhere") for n in range(4))
        eventually(lambda: reasons(live, [who]) == {"bad_column": 4})
        live.update(corrected, zone="UTC")
        live.delete(deleted)
        live.update(moved, zone="UTC", firm_id=other.firm, timekeeper_id=other.timekeeper)
        eventually(lambda: reasons(live, [who, other]) == {"bad_column": 1})
        eventually(lambda: live.groups(who, other).keys() == {(who, corrected), (other, moved)}, what="moved, too")
        (letter,) = waiting(live, [who])
        retried = dlq(live, "retry", shown(letter.origin))
        out, _ = retried.communicate(timeout=60)
        assert retried.returncode == 1
        assert "0 answered, 1 are dead letters again" in out
        (again,) = waiting(live, [who])
        whole = told(live, "show", shown(again.origin))
        assert '"zone": "Nowhere"' in whole
        assert "Correct the row" in whole
        told(live, "discard", shown(again.origin), "--why", "a trial", "--by", "a tester")
        assert reasons(live, [who]) == {}
        discards = json.loads(told(live, "list", "--discarded", "--json"))["discarded"]
        (mine,) = [one for one in discards if one["origin"] == shown(again.origin)]
        assert (mine["by"], mine["why"], mine["row"]) == ("a tester", "a trial", stays)
        verdict = Auditor(live.pipeline, live.settings.kafka(), 60).verify([who, other])
        assert verdict.clean, verdict.damage
        live.update(stays, zone="UTC")
        eventually(lambda: live.groups(who) == live.expected(who), what="discarded, its row may still be corrected")


@pytest.mark.long
def test_a_bug_is_tried_on_one_record_before_the_others(live: Live) -> None:
    """Were it still there, each record would end the worker three times."""
    home, who = live.stack.home.path, live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    bad = [live.insert(who, f"BOOM {n}.docx", minute=200 + n * 5) for n in range(2)]

    def crash() -> None:
        with running(home, script=HERE / "broken_group.py") as program:
            eventually(lambda: program.ended() is not None or reasons(live, [who])["bug"] == len(bad), what="it ends")

    while reasons(live, [who])["bug"] < len(bad):
        crash()
    letters = waiting(live, [who])
    with both(live):
        done = Retry(live.settings.kafka(), live.collector, live.pipeline, 60).retry(letters)
        assert (len(done.answered), done.again, done.left) == (2, [], [])
        assert live.groups(who) == live.expected(who)


def test_a_period_whose_close_mark_became_a_dead_letter_is_closed_by_a_retry(live: Live) -> None:
    """Nobody else would say the mark again, and the cadence goes on behind that period."""
    home, who = live.stack.home.path, live.timekeeper()

    key = f'[{who.firm},{who.timekeeper},"close:'.encode()

    def of_it() -> list[Letter]:
        return [one for one in read_letters(live.settings.kafka()).open if (one.said.key or b"").startswith(key)]

    with running(home, "group"):
        with running(home, "bill", "--no-llm"):
            live.insert(who, "Harbour lease.docx")
            settles(live, who)
        close_the_week(live, who)
        while not of_it():
            with running(home, str(who.timekeeper), script=HERE / "broken_bill.py") as broken:
                eventually(lambda broken=broken: broken.ended() is not None or of_it(), what="it ends")  # type: ignore[misc]
        (letter,) = of_it()
        assert letter.said.reason is Reason.BUG
        assert not row(live, SHUT, who)
        with running(home, "bill", "--no-llm"):
            done = Retry(live.settings.kafka(), live.collector, live.pipeline, 60).retry([letter])
            assert (done.answered, done.again, done.left) == ([letter.origin], [], [])
            assert row(live, SHUT, who), "it is closed"
    assert of_it() == []
    assert row(live, "SELECT COUNT(*), COUNT(period_id) FROM entry WHERE timekeeper_id = :timekeeper", who) == (1, 1)


def test_what_a_stranger_wrote_over_a_group_is_said_anew(live: Live) -> None:
    """Its worker has to begin again for that, and ends: so there are two."""
    with both(live), running(live.stack.home.path, "group"):
        who = live.timekeeper()
        row = live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who), what="it is grouped")
        key = encode_key(GroupKey(who.firm, who.timekeeper, row))
        stranger = Producer(live.settings.kafka().client())
        stranger.produce(GROUPS.name, b"garbage", key, partition_of(who))
        assert stranger.flush(30) == 0

        def of_it() -> list[Letter]:
            return [one for one in read_letters(live.settings.kafka()).open if one.said.key == key]

        eventually(of_it, what="bill writes the letter")
        (letter,) = of_it()
        done = Retry(live.settings.kafka(), live.collector, live.pipeline, 60).retry([letter])
        assert (done.answered, done.again, done.left) == ([letter.origin], [], [])
        assert of_it() == []
        assert Auditor(live.pipeline, live.settings.kafka(), 60).verify([who]).clean


def test_a_hung_transaction_hides_no_letter(live: Live) -> None:
    """A frozen worker's open transaction would hide every letter that another wrote behind it."""
    hung = Producer(
        {**live.settings.kafka().client(), "transactional.id": "hung", "transaction.timeout.ms": 3_000, "linger.ms": 0}
    )
    hung.init_transactions(30)
    hung.begin_transaction()
    open_one = OriginKey("elsewhere", 0, 1)
    letter = DeadLetterRecord(Reason.NOT_JSON, "a test's", b"key", b"value")
    hung.produce(DEAD_LETTERS.name, encode_dead_letter(letter), encode_key(open_one))
    hung.flush(10)
    behind = OriginKey("elsewhere", 0, 2)
    DeadLetters(live.settings.kafka()).write([(behind, letter)])
    standing = read_letters(live.settings.kafka()).standing
    assert behind in standing
    assert open_one not in standing, "that transaction was ended by the broker"
    DeadLetters(live.settings.kafka()).answer([behind])
