"""Defines scopes and the keys of records. A key is encoded as a short JSON array, the same bytes on every machine."""

from typing import TypeVar

import msgspec


class Scope(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """The owner of data: a timekeeper inside a firm. No code of ours ever mixes the data of two scopes."""

    firm: int
    timekeeper: int


INTERNAL_PREFIX = "ours:"
"""The prefix of table names in keys of `working-set` that hold our own state instead of a captured row.

A change of a table with such a name is about no row.
"""


class RowKey(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """The key of a row of one timekeeper in `working-set`: `[firm, timekeeper, table, id]`."""

    firm: int
    timekeeper: int
    table: str
    id: int


class GroupKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The key of a group in `groups`: `[firm, timekeeper, group]`. A group's id is its smallest activity id."""

    firm: int
    timekeeper: int
    group: int


class MarkKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The key of a mark in `groups`, such as `[firm, timekeeper, "verify"]` or `[firm, timekeeper, "close:42"]`.

    Compaction may replace a verify or canary mark by the next one of its kind, because ids grow and a reader waits for
    its own id or a higher one. It never replaces a close mark, so a reader that was down for days still finds it.
    """

    firm: int
    timekeeper: int
    mark: str


class OriginKey(msgspec.Struct, frozen=True, array_like=True, order=True):
    """The key of a dead letter, its origin: `[topic, partition, offset]`."""

    topic: str
    partition: int
    offset: int


class DiscardKey(msgspec.Struct, frozen=True, array_like=True, order=True, tag="discard"):
    """The key of a discarded dead letter in `dead-letters`: `["discard", topic, partition, offset]`.

    It differs from the dead letter's own key, so that a dead letter which is written again after a crash doesn't undo
    the person's decision to discard it.
    """

    topic: str
    partition: int
    offset: int


K = TypeVar("K", RowKey, GroupKey, MarkKey, OriginKey)


def encode_key(key: RowKey | GroupKey | MarkKey | OriginKey | DiscardKey) -> bytes:
    """Returns the key's bytes on the topic."""
    return msgspec.json.encode(key)


def decode_key(raw: bytes, kind: type[K]) -> K:
    """Decodes a key of a topic that holds one kind of key. Raises msgspec.ValidationError on other bytes."""
    return msgspec.json.decode(raw, type=kind)


def decode_groups_key(raw: bytes) -> GroupKey | MarkKey:
    """Decodes the key of a record in `groups`: a number is a group's id, a text is a mark.

    Raises msgspec.DecodeError or ValidationError on other bytes.
    """
    firm, timekeeper, name = msgspec.json.decode(raw, type=tuple[int, int, int | str])
    if isinstance(name, int):
        return GroupKey(firm, timekeeper, name)
    return MarkKey(firm, timekeeper, name)


def decode_dead_letter_key(raw: bytes) -> OriginKey | DiscardKey:
    """Decodes the key of a record in `dead-letters`. Raises msgspec.DecodeError or ValidationError on other bytes."""
    if raw.startswith(b'["discard",'):
        return msgspec.json.decode(raw, type=DiscardKey)
    return msgspec.json.decode(raw, type=OriginKey)
