"""What a change event means, and each reason for which one can't be used. Expected values are written by hand."""

import json
from typing import Any

import pytest

from schemas.changes import Change, decode_change
from schemas.keys import RowKey
from schemas.outcomes import DeadLetter, Ok, Reason, Skip
from schemas.values import Activity, Apart, Kind, Together, Words

ROW: dict[str, Any] = {
    "id": 5,
    "firm_id": 1,
    "timekeeper_id": 2,
    "source": "test",
    "source_id": "a",
    "kind": "mail",
    "app": None,
    "started_at": 1_700_000_000_000_001,
    "ended_at": None,
    "zone": "Europe/Berlin",
    "words": '{"title":"Offer","people":["a@example.com"]}',
    "matter_id": None,
    "billable": None,
    "excluded": 0,
    "said": 0,
    "created_at": 1_700_000_000_000_001,
    "updated_at": 1_700_000_000_000_001,
}


def event(table: str = "activity", op: str = "c", before: object = None, after: object = None) -> bytes:
    source = {"table": table, "ts_ms": 7, "gtid": "0-1-9", "file": "bin.1", "pos": 4}
    return json.dumps({"before": before, "after": after, "source": source, "op": op}).encode()


def activity(**columns: object) -> bytes:
    return event(after={**ROW, **columns})


def change(raw: bytes) -> Change:
    outcome = decode_change(raw, partition=3, offset=40)
    assert isinstance(outcome, Ok), outcome
    return outcome.value


def reason(raw: bytes | None) -> Reason:
    outcome = decode_change(raw, partition=3, offset=40)
    assert isinstance(outcome, DeadLetter), outcome
    assert outcome.detail
    return outcome.reason


def test_an_insert_is_its_row_with_the_offset_as_version() -> None:
    got = change(activity())
    assert got.key == RowKey(1, 2, "activity", 5)
    assert got.version == 40
    assert got.value == Activity(
        id=5,
        kind=Kind.MAIL,
        started_at=1_700_000_000_000_001,
        ended_at=None,
        zone="Europe/Berlin",
        words=Words(title="Offer", people=("a@example.com",)),
    )
    assert (got.lineage.partition, got.lineage.offset, got.lineage.gtid) == (3, 40, "0-1-9")


def test_a_snapshot_read_is_like_an_insert() -> None:
    assert change(event(op="r", after=ROW)).value == change(activity()).value


def test_a_delete_has_the_identity_of_the_row_before() -> None:
    got = change(event(op="d", before=ROW))
    assert (got.key, got.value, got.version) == (RowKey(1, 2, "activity", 5), None, 40)


def test_connects_schema_around_the_payload_is_opened() -> None:
    wrapped = json.dumps({"schema": {"type": "struct"}, "payload": json.loads(activity())}).encode()
    assert change(wrapped).value == change(activity()).value


def test_columns_that_nobody_knows_are_ignored() -> None:
    assert change(activity(colour="green")).value == change(activity()).value


def test_columns_that_came_later_have_the_default_of_rows_before_them() -> None:
    old = {k: v for k, v in ROW.items() if k not in ("billable", "excluded", "app", "matter_id", "ended_at")}
    assert change(event(after=old)).value == change(activity()).value


def test_feedback_is_together_or_apart() -> None:
    owner = {"id": 1, "firm_id": 1, "timekeeper_id": 2}
    together = {**owner, "verb": "together", "left_ids": "[5,6]", "right_ids": None}
    apart = {**owner, "verb": "apart", "left_ids": "[5]", "right_ids": "[6]"}
    assert change(event("feedback", after=together)).value == Together(1, (5, 6))
    assert change(event("feedback", after=apart)).value == Apart(1, (5,), (6,))


def test_tables_read_by_sql_are_skipped() -> None:
    assert isinstance(decode_change(event("cadence", after={"id": 1}), 3, 40), Skip)


WITHOUT_ZONE = {k: v for k, v in ROW.items() if k != "zone"}


UNUSABLE: list[tuple[bytes | None, Reason]] = [
    (None, Reason.NULL_VALUE),
    (b'{"op":', Reason.NOT_JSON),
    (b"\xff\xfe", Reason.NOT_JSON),
    (b"", Reason.NOT_JSON),
    (b"null", Reason.NO_PAYLOAD),
    (b"[1]", Reason.NO_PAYLOAD),
    (b'{"a":1}', Reason.NO_PAYLOAD),
    (b'{"payload":null}', Reason.NO_PAYLOAD),
    (event(op="c", after=None), Reason.NO_PAYLOAD),
    (event(op="t", after=ROW), Reason.UNKNOWN_OP),
    (event(op="", after=ROW), Reason.UNKNOWN_OP),
    (event("invoice", after=ROW), Reason.UNKNOWN_TABLE),
    (event(after=WITHOUT_ZONE), Reason.MISSING_COLUMN),
    (event(after={"firm_id": 1}), Reason.MISSING_COLUMN),
    (activity(id="five"), Reason.BAD_COLUMN),
    (activity(started_at="yesterday"), Reason.BAD_COLUMN),
    (activity(kind="dream"), Reason.BAD_COLUMN),
    (activity(zone="Mars/Olympus"), Reason.BAD_COLUMN),
    (activity(timekeeper_id=None), Reason.NO_OWNER),
    (activity(firm_id=None), Reason.NO_OWNER),
    (activity(words="not json"), Reason.BAD_WORDS),
    (activity(words='{"title":7}'), Reason.BAD_WORDS),
    (activity(words='{"title":"\\ud800"}'), Reason.BAD_WORDS),
    (activity(words='{"sealed":"c2VjcmV0"}'), Reason.SEALED),
    (activity(ended_at=1_600_000_000_000_000), Reason.BAD_INTERVAL),
    (activity(started_at=253_402_300_799_000_000), Reason.BAD_INTERVAL),
    (activity(started_at=-1), Reason.BAD_INTERVAL),
    (activity(ended_at=1_700_000_000_000_001 + 401 * 86_400_000_000), Reason.BAD_INTERVAL),
    (event("feedback", after={**ROW, "verb": "maybe", "left_ids": "[1]"}), Reason.BAD_COLUMN),
    (event("feedback", after={**ROW, "verb": "together", "left_ids": "1,2"}), Reason.BAD_COLUMN),
]


@pytest.mark.parametrize(("raw", "expected"), UNUSABLE)
def test_what_cannot_be_used_has_its_reason(raw: bytes | None, expected: Reason) -> None:
    assert reason(raw) == expected


def test_a_year_long_activity_is_odd_but_can_be_used() -> None:
    year = 366 * 86_400_000_000
    value = change(activity(ended_at=ROW["started_at"] + year)).value
    assert isinstance(value, Activity)
    assert value.ended_at == ROW["started_at"] + year


def test_a_bad_row_still_tells_which_row_it_is() -> None:
    """An older value of that row is no longer true, so the working set has to know which one to drop."""
    outcome = decode_change(activity(words="not json"), 3, 40)
    assert isinstance(outcome, DeadLetter)
    assert outcome.row == RowKey(1, 2, "activity", 5)


def test_every_reason_that_decoding_gives_is_tried_above() -> None:
    tried = {expected for _, expected in UNUSABLE}
    assert set(Reason) - tried == {Reason.UNKNOWN_MODEL, Reason.WRONG_PARTITION, Reason.BUG}, (
        "these come from the worker, not from decoding"
    )
