"""The records that a partition's owner writes, each as its topic takes it: none is larger than the broker's limit."""

import msgspec

from schemas.changes import Kept, encode_kept
from schemas.dead_letters import DeadLettered, encode_dead_letter
from schemas.groups import Lineage, MarkSaid, encode_said
from schemas.keys import GroupKey, MarkKey, OriginKey, RowKey, Scope, encode_key
from schemas.outcomes import DeadLetter
from schemas.records import Incoming, Outgoing
from schemas.topics import DEAD_LETTERS, GROUPS, MOST_BYTES, WORKING_SET
from schemas.values import Mark, MarkKind

DETAIL_CHARS = 2_000
"""Most characters of a detail: an error's text may hold whatever it was about."""


def group_record(number: int, scope: Scope, name: int, value: bytes | None) -> Outgoing:
    """A group's value, or its tombstone."""
    return _fitting(Outgoing(GROUPS.name, number, encode_key(GroupKey(scope.firm, scope.timekeeper, name)), value))


def mark_record(number: int, scope: Scope, mark: Mark, lineage: Lineage) -> Outgoing:
    """A mark passed on."""
    name = f"close:{mark.id}" if mark.kind is MarkKind.CLOSE else str(mark.kind)
    key = MarkKey(scope.firm, scope.timekeeper, name)
    return _fitting(Outgoing(GROUPS.name, number, encode_key(key), encode_said(MarkSaid(mark, lineage))))


def kept_record(number: int, key: RowKey, kept: Kept | None) -> Outgoing:
    """A row to remember; None to forget it."""
    value = None if kept is None else encode_kept(kept)
    return _fitting(Outgoing(WORKING_SET.name, number, encode_key(key), value))


def letter_record(origin: OriginKey, record: Incoming, letter: DeadLetter, whose: Scope | None = None) -> Outgoing:
    """The dead letter with its record whole. One that no letter can hold stays at its origin, and the letter says so.

    `whose` it is, where that is known without a row.
    """
    row, detail = letter.row, letter.detail[:DETAIL_CHARS]
    scope = Scope(row.firm, row.timekeeper) if row else whose
    whole = DeadLettered(
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
    if len(key) + len(value) > MOST_BYTES[DEAD_LETTERS.name]:
        why = f"{detail} (too large for a letter: read the record at its origin)"
        value = encode_dead_letter(msgspec.structs.replace(whole, detail=why, key=None, value=None))
    return _fitting(Outgoing(DEAD_LETTERS.name, 0, key, value))


def answer_record(origin: OriginKey) -> Outgoing:
    """Takes a dead letter back: what it was about has come well, or is gone."""
    return Outgoing(DEAD_LETTERS.name, 0, encode_key(origin), None)


def _fitting(record: Outgoing) -> Outgoing:
    """The record. Raises ValueError where the broker would refuse it, and with it everything beside it, each time."""
    size, most = len(record.key) + len(record.value or b""), MOST_BYTES[record.topic]
    if size > most:
        raise ValueError(f"{record.topic} takes {most} bytes, and {record.key.decode(errors='replace')} has {size}")
    return record
