"""What a stranger writes to `changes`: each gets its reason or does no harm, and the next good record goes through.

All are written at once, before one good row; `group` and `bill` must be the processes that they were afterwards.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message, Producer

from connectors.kafka.records.open_dead_letters import Letter, read_letters
from connectors.kafka.records.partition_log import read_to_end
from schemas.changes import decode_change
from schemas.keys import OriginKey, Scope
from schemas.outcomes import Ok
from schemas.topics import CHANGES, PARTITIONS, partition_of
from streams.verify.audit import Auditor
from tests.bad_input import NONE, told
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack

SECTION = "To the topic"
NOBODYS = 4_000_000_000_000_000
"""Rows from this id on aren't in the database, so that nothing is missing when one is given up."""
DEEP = 100_000
EIGHT_MB = 8_388_608


class Sent(msgspec.Struct, frozen=True):
    """A record of the test: its bytes, whose key is made up unless given; `reason` is a dead letter's or a dash.

    `astray`: it goes to another partition than its owner's.
    """

    value: bytes | None
    reason: str
    key: bytes | None = b"key"
    astray: bool = False


class Made(msgspec.Struct, frozen=True):
    """What records are made of: a real envelope of a real row, and the same with a row that isn't there."""

    real: dict[str, Any]
    ids: Iterator[int]

    @property
    def row(self) -> dict[str, Any]:
        """A row that isn't there, another each time: one row has one letter at most."""
        return {**self.real["after"], "id": next(self.ids)}

    def change(self, table: str = "activity", op: str = "c", **columns: object) -> bytes:
        """An envelope of a row that isn't there, with these columns."""
        return self.envelope(table=table, op=op, after={**self.row, **columns})

    def envelope(self, table: str = "activity", **parts: object) -> bytes:
        """An envelope with other parts; a part that is `...` is left out."""
        whole = {**self.real, "before": None, "source": {**self.real["source"], "table": table}, **parts}
        return json.dumps({name: part for name, part in whole.items() if part is not ...}).encode()

    def with_raw(self, column: str, raw: bytes) -> bytes:
        """An envelope whose column holds these very bytes."""
        return self.change(**{column: "@@"}).replace(b'"@@"', raw)


def cases(made: Made) -> dict[str, Sent]:
    """By name. Those with a dash are of the real row, and say what it is."""
    real = json.dumps(made.real).encode()
    without_zone = {name: value for name, value in made.row.items() if name != "zone"}
    year_us = 366 * 86_400_000_000
    return {
        "bytes that aren't JSON": Sent(b"hello", "not_json"),
        "no bytes": Sent(b"", "not_json"),
        "bytes that aren't UTF-8": Sent(b"\xff\xfe\x00", "not_json"),
        "JSON in UTF-16": Sent(real.decode().encode("utf-16"), "not_json"),
        "a byte order mark before it": Sent(b"\xef\xbb\xbf" + real, "not_json"),
        "half an envelope": Sent(real[: len(real) // 2], "not_json"),
        "two envelopes in one record": Sent(real + real, "not_json"),
        "NaN": Sent(made.with_raw("billable", b"NaN"), "not_json"),
        "Infinity": Sent(made.with_raw("started_at", b"Infinity"), "not_json"),
        "half a letter (a lone surrogate)": Sent(made.with_raw("app", b'"\\ud800"'), "not_json"),
        "100,000 brackets": Sent(b"[" * DEEP + b"]" * DEEP, "no_payload"),
        "100,000 brackets in a column": Sent(made.with_raw("app", b"[" * DEEP + b"]" * DEEP), "not_json"),
        "100,000 brackets in a payload": Sent(b'{"payload":' + b"[" * DEEP + b"]" * DEEP + b"}", "not_json"),
        "8 MB": Sent(b"x" * (EIGHT_MB - 1_000), "not_json"),
        "no value": Sent(None, "null_value"),
        "JSON null": Sent(b"null", "no_payload"),
        "a list": Sent(b"[1,2]", "no_payload"),
        "an object of somebody else": Sent(b'{"hello":"world"}', "no_payload"),
        "an envelope without payload": Sent(b'{"schema":{"type":"struct"}}', "no_payload"),
        "a payload that is null": Sent(b'{"schema":null,"payload":null}', "no_payload"),
        "an envelope without source": Sent(made.envelope(source=...), "no_payload"),
        "an envelope without operation": Sent(made.envelope(op=...), "no_payload"),
        "an insert without after": Sent(made.envelope(op="c", after=...), "no_payload"),
        "an update whose after is null": Sent(made.envelope(op="u", after=None), "no_payload"),
        "a delete without before": Sent(made.envelope(op="d", after=None), "no_payload"),
        "an unknown operation": Sent(made.change(op="x"), "unknown_op"),
        "a truncate": Sent(made.envelope(op="t", after=None), "unknown_op"),
        "an unknown table": Sent(made.change("invoice"), "unknown_table"),
        "a column missing": Sent(made.envelope(op="c", after=without_zone), "missing_column"),
        "an after that is text": Sent(made.envelope(op="c", after="row"), "bad_column"),
        "a column that is null": Sent(made.change(words=None), "bad_column"),
        "text for a number": Sent(made.change(started_at="yesterday"), "bad_column"),
        "a fraction for a number": Sent(made.change(started_at=1.5), "bad_column"),
        "true for a number": Sent(made.change(started_at=True), "bad_column"),
        "a number for text": Sent(made.change(zone=7), "bad_column"),
        "a number of 5,000 digits": Sent(made.with_raw("started_at", b"9" * 5_000), "bad_column"),
        "an id beyond 64 bits": Sent(made.change(id=10**30), "bad_column"),
        "an id that is negative": Sent(made.change(id=-5), "bad_column"),
        "an id that is 0": Sent(made.change(id=0), "bad_column"),
        "a timekeeper beyond 64 bits": Sent(made.change(timekeeper_id=10**30), "bad_column"),
        "a matter beyond 64 bits": Sent(made.change(matter_id=10**30), "bad_column"),
        "a column that isn't UTF-8": Sent(made.with_raw("app", b'"\xff"'), "bad_column"),
        "an unknown kind": Sent(made.change(kind="dream"), "bad_column"),
        "a zone that is a path": Sent(made.change(zone="../../etc/passwd"), "bad_column"),
        "an unknown verb": Sent(made.change("feedback", verb="maybe", left_ids="[1]"), "bad_column"),
        "ids that aren't a list": Sent(made.change("feedback", verb="together", left_ids="1,2"), "bad_column"),
        "a mark of an unknown kind": Sent(made.change("mark", kind="x", token="t"), "bad_column"),
        "no owner": Sent(made.change(timekeeper_id=None), "no_owner"),
        "words that aren't JSON": Sent(made.change(words="hello"), "bad_words"),
        "words of another type": Sent(made.change(words='{"title":7}'), "bad_words"),
        "words of 30,000 brackets": Sent(made.change(words='{"x":' + "[" * 30_000 + "]" * 30_000 + "}"), "bad_words"),
        "sealed words": Sent(made.change(words='{"sealed":"c2VjcmV0"}'), "sealed"),
        "an end before the start": Sent(made.change(started_at=9, ended_at=8), "bad_interval"),
        "a time before 1970": Sent(made.change(started_at=-1, ended_at=None), "bad_interval"),
        "a time that no calendar has": Sent(made.change(started_at=10**20, ended_at=None), "bad_interval"),
        "400 days and more": Sent(made.change(started_at=0, ended_at=2 * year_us), "bad_interval"),
        "an unknown model": Sent(made.change("activation", model_version="none such"), "unknown_model"),
        "another partition than its owner's": Sent(made.change(), "wrong_partition", astray=True),
        "no key": Sent(real, NONE, key=None),
        "a key of another form": Sent(real, NONE, key=b"\xff not a key"),
        "a column that nobody knows": Sent(
            json.dumps({**made.real, "after": {**made.real["after"], "colour": "green"}}).encode(), NONE
        ),
        "a name twice": Sent(b'{"op":"d",' + real[1:], NONE),
        "Connect's schema around it": Sent(json.dumps({"schema": {}, "payload": made.real}).encode(), NONE),
        "the same change again": Sent(real, NONE),
    }


class Happened(msgspec.Struct, frozen=True):
    """What became of the records: the letters that stand, by name, and all cases."""

    cases: dict[str, Sent]
    letters: dict[str, Letter]
    live: Live
    who: Scope


@pytest.fixture(scope="module")
def happened(live: Live) -> Iterator[Happened]:
    with running(live.stack.home.path, "group") as group, running(live.stack.home.path, "bill", "--no-llm") as bill:
        who = live.timekeeper()
        first = live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who), what=group.said)
        partition, envelope = envelope_of(live, who, first)
        sent = cases(Made(envelope, count(NOBODYS)))
        origins = write(live, partition, sent)
        last = live.insert(who, "Quarterly audit of the bakery.xlsx", minute=600)
        eventually(lambda: (who, last) in live.groups(who) or group.ended(), what="the next good row comes through")
        eventually(lambda: origins["another partition than its owner's"] in standing(live), what=group.said)
        letters = standing(live)
        found = {name: letters[origin] for name, origin in origins.items() if origin in letters}
        yield Happened(sent, found, live, who)
        assert (group.ended(), bill.ended()) == (None, None), group.said() + bill.said()


def standing(live: Live) -> Mapping[OriginKey, Letter]:
    return read_letters(live.settings.kafka()).standing


def envelope_of(live: Live, who: Scope, row: int) -> tuple[int, dict[str, Any]]:
    """The partition and the envelope in which capture wrote a row."""
    for record in read_to_end(live.settings.kafka(), CHANGES.name, list(range(PARTITIONS))):
        outcome = decode_change(record.value, record.partition, record.offset)
        if isinstance(outcome, Ok) and (outcome.value.key.firm, outcome.value.key.id) == (who.firm, row):
            return record.partition, json.loads(record.value or b"")
    raise AssertionError(f"activity {row} isn't on the topic")


def write(live: Live, partition: int, sent: dict[str, Sent]) -> dict[str, OriginKey]:
    """Writes the records in one partition, and tells where each is."""
    origins: dict[str, OriginKey] = {}
    producer = Producer({**live.settings.kafka().client(), "message.max.bytes": EIGHT_MB, "acks": "all"})
    for name, one in sent.items():

        def delivered(error: object, message: Message, name: str = name) -> None:
            assert error is None, f"{name}: {error}"
            origins[name] = OriginKey(CHANGES.name, message.partition() or 0, message.offset() or 0)

        into = (partition + 1) % PARTITIONS if one.astray else partition
        producer.produce(CHANGES.name, one.value, one.key, into, on_delivery=delivered)
    assert producer.flush(60) == 0
    return origins


def test_the_page_names_these_and_no_others(happened: Happened) -> None:
    assert {name: one.reason for name, one in told(SECTION).items() if one.where == "`changes`"} == {
        name: one.reason for name, one in happened.cases.items()
    }


def test_each_has_its_reason_and_is_there_whole(happened: Happened) -> None:
    reasons = {name: letter.said.reason.value for name, letter in happened.letters.items()}
    assert reasons == {name: one.reason for name, one in happened.cases.items() if one.reason != NONE}
    for name, letter in happened.letters.items():
        assert letter.said.key == happened.cases[name].key, name
        assert letter.said.value == happened.cases[name].value, name


def test_capture_puts_a_timekeeper_where_the_worker_expects_it(live: Live) -> None:
    """With another hash every change would be a letter: the plugin's version is pinned, and this is why."""
    people = [live.timekeeper() for _ in range(40)]
    for who in people:
        live.insert(who, "Harbour lease.docx")

    def found() -> dict[Scope, int]:
        records = read_to_end(live.settings.kafka(), CHANGES.name, list(range(PARTITIONS)))
        outcomes = [decode_change(record.value, record.partition, record.offset) for record in records]
        changes = [one.value for one in outcomes if isinstance(one, Ok)]
        all_of_them = {Scope(c.key.firm, c.key.timekeeper): c.lineage.partition for c in changes}
        return {who: all_of_them[who] for who in people if who in all_of_them}

    eventually(lambda: len(found()) == len(people), what="capture writes")
    assert found() == {who: partition_of(who) for who in people}


def test_nothing_is_damaged(happened: Happened) -> None:
    live = happened.live
    assert live.groups(happened.who) == live.expected(happened.who)
    found = Auditor(live.pipeline, live.settings.kafka(), 60).verify([happened.who])
    assert found.clean, found.damage
