"""Scopes and the keys of records. A key's wire form is a short JSON array, the same bytes on every machine."""

from typing import TypeVar

import msgspec


class Scope(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """Whose data it is: a timekeeper inside a firm. Nothing of ours ever mixes two scopes (the walls)."""

    firm: int
    timekeeper: int


INTERNAL_PREFIX = "ours:"
"""How the names begin under which `working-set` keeps what is no captured row; a change of a table so named is about no
row.
"""


class RowKey(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """A row of one timekeeper, in the working-set topic: `[firm, timekeeper, table, id]`."""

    firm: int
    timekeeper: int
    table: str
    id: int


class GroupKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A group, in `groups`: `[firm, timekeeper, group]`; the group is named by its smallest activity id."""

    firm: int
    timekeeper: int
    group: int


class MarkKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A mark, in `groups`: `[firm, timekeeper, "verify"]`, `[firm, timekeeper, "close:42"]`.

    Verify and canary marks replace one another under compaction, since ids grow and a reader waits for "at least mine";
    a close mark is never replaced: a reader that was away for days still finds it.
    """

    firm: int
    timekeeper: int
    mark: str


class OriginKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where a dead letter came from: `[topic, partition, offset]`."""

    topic: str
    partition: int
    offset: int


class DiscardKey(msgspec.Struct, frozen=True, array_like=True, order=True, tag="discard"):
    """That a person gave up the dead letter of this origin, in `dead-letters`: `["discard", topic, partition, offset]`.

    A key of its own: a letter that is written again after a crash takes the decision about it back in no case.
    """

    topic: str
    partition: int
    offset: int


K = TypeVar("K", RowKey, GroupKey, MarkKey, OriginKey)


def encode_key(key: RowKey | GroupKey | MarkKey | OriginKey | DiscardKey) -> bytes:
    """The key's bytes on the topic."""
    return msgspec.json.encode(key)


def decode_key(raw: bytes, kind: type[K]) -> K:
    """The key of a topic that holds one kind only. Raises msgspec.ValidationError on other bytes."""
    return msgspec.json.decode(raw, type=kind)


def decode_groups_key(raw: bytes) -> GroupKey | MarkKey:
    """The key of a record in `groups`: a number names a group, a text a mark."""
    firm, timekeeper, name = msgspec.json.decode(raw, type=tuple[int, int, int | str])
    if isinstance(name, int):
        return GroupKey(firm, timekeeper, name)
    return MarkKey(firm, timekeeper, name)


def decode_dead_letter_key(raw: bytes) -> OriginKey | DiscardKey:
    """The key of a record in `dead-letters`. Raises msgspec.DecodeError or ValidationError on other bytes."""
    if raw.startswith(b'["discard",'):
        return msgspec.json.decode(raw, type=DiscardKey)
    return msgspec.json.decode(raw, type=OriginKey)
