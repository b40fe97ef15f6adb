"""The records that a partition's owner writes, each as its topic takes it: none is larger than the broker's limit."""

import msgspec

from schemas.changes import WorkingSetRow, encode_working_set_row
from schemas.dead_letters import DeadLetterRecord, encode_dead_letter
from schemas.groups import Lineage, PublishedMark, encode_published
from schemas.keys import GroupKey, MarkKey, OriginKey, RowKey, Scope, encode_key
from schemas.outcomes import DeadLetter
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.topics import DEAD_LETTERS, GROUPS, MAX_RECORD_BYTES, WORKING_SET
from schemas.values import Mark, MarkKind

DETAIL_CHARS = 2_000
"""Most characters of a detail: an error's text may hold whatever it was about."""


def group_record(number: int, scope: Scope, name: int, value: bytes | None) -> ProducerRecord:
    """A group's value, or its tombstone."""
    return _fitting(
        ProducerRecord(GROUPS.name, number, encode_key(GroupKey(scope.firm, scope.timekeeper, name)), value)
    )


def mark_record(number: int, scope: Scope, mark: Mark, lineage: Lineage) -> ProducerRecord:
    """A mark passed on."""
    name = f"close:{mark.id}" if mark.kind is MarkKind.CLOSE else str(mark.kind)
    key = MarkKey(scope.firm, scope.timekeeper, name)
    return _fitting(
        ProducerRecord(GROUPS.name, number, encode_key(key), encode_published(PublishedMark(mark, lineage)))
    )


def kept_record(number: int, key: RowKey, kept: WorkingSetRow | None) -> ProducerRecord:
    """A row to remember; None to forget it."""
    value = None if kept is None else encode_working_set_row(kept)
    return _fitting(ProducerRecord(WORKING_SET.name, number, encode_key(key), value))


def letter_record(
    origin: OriginKey, record: ConsumerRecord, letter: DeadLetter, whose: Scope | None = None
) -> ProducerRecord:
    """The dead letter with its record whole. One that no letter can hold stays at its origin, and the letter says so.

    `whose` it is, where that is known without a row.
    """
    row, detail = letter.row, letter.detail[:DETAIL_CHARS]
    scope = Scope(row.firm, row.timekeeper) if row else whose
    whole = DeadLetterRecord(
        letter.reason,
        detail,
        record.key,
        record.value,
        scope.firm if scope else None,
        scope.timekeeper if scope else None,
        row.table if row else None,
        row.id if row else None,
    )
    key, value = encode_key(origin), encode_dead_letter(whole)
    if len(key) + len(value) > MAX_RECORD_BYTES[DEAD_LETTERS.name]:
        why = f"{detail} (too large for a letter: read the record at its origin)"
        value = encode_dead_letter(msgspec.structs.replace(whole, detail=why, key=None, value=None))
    return _fitting(ProducerRecord(DEAD_LETTERS.name, 0, key, value))


def answer_record(origin: OriginKey) -> ProducerRecord:
    """Takes a dead letter back: what it was about has come well, or is gone."""
    return ProducerRecord(DEAD_LETTERS.name, 0, encode_key(origin), None)


def _fitting(record: ProducerRecord) -> ProducerRecord:
    """The record. Raises ValueError where the broker would refuse it, and with it everything beside it, each time."""
    size, most = len(record.key) + len(record.value or b""), MAX_RECORD_BYTES[record.topic]
    if size > most:
        raise ValueError(f"{record.topic} takes {most} bytes, and {record.key.decode(errors='replace')} has {size}")
    return record
