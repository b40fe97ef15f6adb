"""Builds the records that a partition's owner writes. None is larger than its topic's limit."""

import msgspec

from schemas.changes import WorkingSetRow, encode_working_set_row
from schemas.dead_letters import DeadLetterRecord, encode_dead_letter
from schemas.groups import Lineage, PublishedMark, encode_published
from schemas.keys import GroupKey, MarkKey, OriginKey, RowKey, Scope, encode_key
from schemas.outcomes import DeadLetter
from schemas.topics import DEAD_LETTERS, GROUPS, MAX_RECORD_BYTES, WORKING_SET, ConsumerRecord, ProducerRecord
from schemas.values import Mark, MarkKind

DETAIL_CHARS = 2_000
"""Maximum length of a detail. The text of an error may contain any value."""


def group_record(number: int, scope: Scope, name: int, value: bytes | None) -> ProducerRecord:
    """Returns the record of a group; None as the value is its tombstone."""
    return _checked_size(
        ProducerRecord(GROUPS.name, number, encode_key(GroupKey(scope.firm, scope.timekeeper, name)), value)
    )


def mark_record(number: int, scope: Scope, mark: Mark, lineage: Lineage) -> ProducerRecord:
    """Returns the record of a published mark."""
    name = f"close:{mark.id}" if mark.kind is MarkKind.CLOSE else str(mark.kind)
    key = MarkKey(scope.firm, scope.timekeeper, name)
    return _checked_size(
        ProducerRecord(GROUPS.name, number, encode_key(key), encode_published(PublishedMark(mark, lineage)))
    )


def working_set_record(number: int, key: RowKey, kept: WorkingSetRow | None) -> ProducerRecord:
    """Returns the record that stores a row; None deletes the row."""
    value = None if kept is None else encode_working_set_row(kept)
    return _checked_size(ProducerRecord(WORKING_SET.name, number, encode_key(key), value))


def dead_letter_record(
    origin: OriginKey, record: ConsumerRecord, letter: DeadLetter, whose: Scope | None = None
) -> ProducerRecord:
    """Returns the dead letter with its whole record.

    A record that is too large for a dead letter stays only at its origin, and the detail says so. `whose` is the
    timekeeper, where it is known without a row.
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
    return _checked_size(ProducerRecord(DEAD_LETTERS.name, 0, key, value))


def dead_letter_tombstone(origin: OriginKey) -> ProducerRecord:
    """Returns the record that resolves a dead letter: a later version of its row is valid, or the row is deleted."""
    return ProducerRecord(DEAD_LETTERS.name, 0, encode_key(origin), None)


def _checked_size(record: ProducerRecord) -> ProducerRecord:
    """Returns the record.

    Raises ValueError where it is too large. The broker would refuse it at every try, with all other records of the
    transaction.
    """
    size, most = len(record.key) + len(record.value or b""), MAX_RECORD_BYTES[record.topic]
    if size > most:
        raise ValueError(f"{record.topic} takes {most} bytes, and {record.key.decode(errors='replace')} has {size}")
    return record
