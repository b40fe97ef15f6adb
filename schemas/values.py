"""The rows of one timekeeper, as typed values. Instants are microseconds since 1970 in UTC; an id is the row's.

A change event (`schemas.changes`) and the row itself (`connectors.mariadb.source.captured_rows`) give the same value. A
contract test holds the two together, because the content hash is made from it.
"""

from enum import StrEnum
from hashlib import blake2b

import msgspec

from schemas.keys import Scope

WORDS_MAX_BYTES = 65_536
"""Most bytes the words of one activity take as JSON; the table has it as a CHECK, importers truncate and say so."""


class Kind(StrEnum):
    """What sort of thing an activity is."""

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
    """What an activity says: the one field that may be sealed. Every part may be empty.

    Values that there are many of are in no circle, so Python isn't to look for them in one (`gc=False`): each look goes
    through all that it is to look at, and grouping a whole set made it look often.
    """

    title: str = ""
    text: str = ""
    url: str = ""
    actor: str = ""
    people: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Activity(msgspec.Struct, frozen=True, gc=False):
    """One row that a collector wrote: an interval, or a point in time (`ended_at` is None).

    `zone` is where it happened (IANA name): it decides the billing day. `matter` and `billable` are what the row
    claims, None where it doesn't; they never take part in grouping. `excluded` keeps it out of groups, minutes of it
    are still counted.
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
    """A person says that these activities are one piece of work."""

    id: int
    ids: tuple[int, ...]


class Apart(msgspec.Struct, frozen=True, gc=False, tag="apart", tag_field="verb"):
    """A person says that no activity of `left` is one piece of work with any of `right`."""

    id: int
    left: tuple[int, ...]
    right: tuple[int, ...]


Feedback = Together | Apart


class Release(msgspec.Struct, frozen=True):
    """A person released these activities; what they saw is `seen` (opaque here). They are anchors from now on."""

    id: int
    activities: tuple[int, ...]
    seen: str = ""


class Activation(msgspec.Struct, frozen=True):
    """From here on this timekeeper is grouped with the model of that version; the highest id wins."""

    id: int
    model: str


class MarkKind(StrEnum):
    """What a mark is for."""

    CLOSE = "close"
    VERIFY = "verify"
    CANARY = "canary"


class Mark(msgspec.Struct, frozen=True):
    """A row that goes the way of every change, and so separates what came before from what comes after.

    `token` is unique; `period` is the id of the period row that a close mark closes.
    """

    id: int
    kind: MarkKind
    token: str
    period: int | None = None


Value = Activity | Together | Apart | Release | Activation | Mark


class ScopedValue(msgspec.Struct, frozen=True):
    """A value with the scope that it belongs to."""

    scope: Scope
    value: Value


def content_hash(activity: Activity) -> str:
    """32 hex digits over all that a narrative or an entry reads of an activity, its id included.

    No model, no float and no write time is in it, so the same row hashes the same everywhere.
    """
    return blake2b(msgspec.json.encode(activity, order="deterministic"), digest_size=16).hexdigest()
