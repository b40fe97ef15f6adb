"""What a step says about one record: a closed union that one handler at the edge turns into I/O.

Known-transient is retried, known-bad is dead-lettered, unknown crashes (it is raised, not returned).
"""

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from schemas.keys import RowKey

MAX_ATTEMPTS = 3
"""A record on which our own code fails so often is dead-lettered with reason `bug`."""

T = TypeVar("T")


class Reason(StrEnum):
    """Why a record can't be used. A closed list: each has a test and a line in the runbook."""

    NOT_JSON = "not_json"  # the bytes aren't JSON (or not UTF-8)
    NULL_VALUE = "null_value"  # a record without a value, where none is meant to be
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
    BUG = "bug"  # our own code failed on this record `TRIES` times


class Ok(msgspec.Struct, Generic[T], frozen=True):
    """The step worked; `value` goes on."""

    value: T


class Skip(msgspec.Struct, frozen=True):
    """Nothing to do with this record, on purpose; `why` is for the log."""

    why: str


class DeadLetter(msgspec.Struct, frozen=True):
    """The record can't be used. It goes to the dead letters whole, with `reason` and `detail` (what, where, how to
    mend).
    """

    reason: Reason
    detail: str
    row: RowKey | None = None
    """The row that it is about, where the record still tells: an older value of that row is no longer true."""


Outcome = Ok[T] | Skip | DeadLetter
