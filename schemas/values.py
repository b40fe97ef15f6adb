"""Defines the rows of one timekeeper as typed values. Instants are microseconds since 1970 in UTC; `id` is the row's.

A change event (`schemas.changes`) and the row itself (`connectors.mariadb.source.captured_rows`) give the same value. A
contract test checks that, because the content hash is computed from the value.
"""

from enum import StrEnum
from hashlib import blake2b

import msgspec

from schemas.keys import Scope

WORDS_MAX_BYTES = 65_536
"""Maximum bytes of one activity's words as JSON. The table has it as a CHECK; importers truncate and report it."""


class Kind(StrEnum):
    """The kind of an activity."""

    WINDOW = "window"
    MAIL = "mail"
    MEETING = "meeting"
    DOCUMENT = "document"
    CALL = "call"
    COMMIT = "commit"
    MESSAGE = "message"
    ENTRY = "entry"
    OTHER = "other"


class Words(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The words of an activity: the one field that may be sealed. Every part may be empty.

    `gc=False` keeps these numerous values out of Python's search for reference cycles, which they can't be part of.
    Each search visits all tracked objects, and grouping a whole working set triggers it often.
    """

    title: str = ""
    text: str = ""
    url: str = ""
    actor: str = ""
    people: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Activity(msgspec.Struct, frozen=True, gc=False):
    """One row that a collector wrote: an interval, or a point in time (`ended_at` is None).

    `zone` is the IANA time zone where it happened; it decides the billing day. `matter` and `billable` are the row's
    own values, None where it has none; grouping never uses them. `excluded` keeps it out of groups; its minutes are
    still counted.
    """

    id: int
    kind: Kind
    started_at: int
    ended_at: int | None
    zone: str
    words: Words
    app: str = ""
    matter: int | None = None
    billable: bool | None = None
    excluded: bool = False


class Together(msgspec.Struct, frozen=True, gc=False, tag="together", tag_field="verb"):
    """A person's decision that these activities are one piece of work."""

    id: int
    ids: tuple[int, ...]


class Apart(msgspec.Struct, frozen=True, gc=False, tag="apart", tag_field="verb"):
    """A person's decision that no activity of `left` is one piece of work with any of `right`."""

    id: int
    left: tuple[int, ...]
    right: tuple[int, ...]


Feedback = Together | Apart


class Release(msgspec.Struct, frozen=True):
    """A person's release of these activities. `seen` is what they saw (opaque here). From now on they are anchors."""

    id: int
    activities: tuple[int, ...]
    seen: str = ""


class Activation(msgspec.Struct, frozen=True):
    """The model version that this timekeeper is grouped with from here on. The activation with the highest id wins."""

    id: int
    model: str


class MarkKind(StrEnum):
    """The purpose of a mark: to close a period, to verify, or only to show that changes arrive (canary)."""

    CLOSE = "close"
    VERIFY = "verify"
    CANARY = "canary"


class Mark(msgspec.Struct, frozen=True):
    """A row that passes through capture and grouping like every change, and so separates what came before from what
    comes after.

    `token` is unique. `period` is the id of the period that a close mark closes; None for other kinds.
    """

    id: int
    kind: MarkKind
    token: str
    period: int | None = None


Value = Activity | Together | Apart | Release | Activation | Mark


class ScopedValue(msgspec.Struct, frozen=True):
    """A value with its scope."""

    scope: Scope
    value: Value


def content_hash(activity: Activity) -> str:
    """Returns 32 hex digits over everything that narratives and entries use of an activity, including its id.

    It contains no model, float or write time, so the same row has the same hash everywhere.
    """
    return blake2b(msgspec.json.encode(activity, order="deterministic"), digest_size=16).hexdigest()
