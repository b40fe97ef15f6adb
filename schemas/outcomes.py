"""Defines what a step returns for one record: a closed union that one handler at the edge turns into I/O.

A known transient failure is retried, a known bad record becomes a dead letter, and anything unknown is raised and ends
the process.
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from schemas.keys import RowKey

MAX_ATTEMPTS = 3
"""A record on which our own code fails this often becomes a dead letter with the reason `bug`."""

T = TypeVar("T")


class Reason(StrEnum):
    """Why a record can't be used. A closed list: each has a test and a line in the runbook."""

    NOT_JSON = "not_json"  # the bytes aren't JSON (or not UTF-8)
    NULL_VALUE = "null_value"  # a record without a value on a topic that has no tombstones
    NO_PAYLOAD = "no_payload"  # JSON, but no change envelope
    UNKNOWN_OP = "unknown_op"  # the envelope's operation isn't c, u, d or r
    UNKNOWN_TABLE = "unknown_table"  # a table that has no decoder
    MISSING_COLUMN = "missing_column"  # a column that the decoder needs isn't in the row
    BAD_COLUMN = "bad_column"  # a column holds what its type doesn't allow
    WRONG_PARTITION = "wrong_partition"  # the row's owner has another partition of `changes`
    NO_OWNER = "no_owner"  # the row has no firm or no timekeeper
    BAD_WORDS = "bad_words"  # the words field isn't the typed object it must be
    SEALED = "sealed"  # the words are sealed and no key opens them
    BAD_INTERVAL = "bad_interval"  # ends before it starts, or outside what a calendar can hold
    UNKNOWN_MODEL = "unknown_model"  # an activation names a model that isn't here
    BUG = "bug"  # our own code failed on this record MAX_ATTEMPTS times


class Ok(msgspec.Struct, Generic[T], frozen=True):
    """The step succeeded; `value` is its result."""

    value: T


class Skip(msgspec.Struct, frozen=True):
    """The step ignores this record on purpose; `why` is for the log."""

    why: str


class DeadLetter(msgspec.Struct, frozen=True):
    """The record can't be used. It is stored whole as a dead letter; `detail` says what, where and how to mend it."""

    reason: Reason
    detail: str
    row: RowKey | None = None
    """The row that the record is about, whose older value is no longer true; None where the record doesn't show it."""


Outcome = Ok[T] | Skip | DeadLetter
