"""What billing passes around: where an activity was put, the slices of a day, and a firm's clients and matters.

Instants and durations are whole microseconds; a billing day is a date (it begins at 04:00 where the activity happened).
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from schemas.groups import Disposition


class MinuteClass(StrEnum):
    """Where a captured minute ends up; every minute is in exactly one (law 10)."""

    BILLABLE = "billable"
    NON_BILLABLE = "non_billable"
    HELD = "held"
    OUTLIER = "outlier"
    EXCLUDED = "excluded"


class Membership(msgspec.Struct, frozen=True):
    """The group that an activity is in, what becomes of that group's minutes, and the hash of what was grouped."""

    group: int
    disposition: Disposition
    hash: str


class SlicePart(msgspec.Struct, frozen=True):
    """What one activity gives to a slice. `allocated_us` may be 0: another activity has its minutes, its words stay.

    `hash` is `schemas.values.content_hash`; `imputed` is true where the minutes were inferred from a point in time.
    """

    activity: int
    hash: str
    allocated_us: int
    imputed: bool


class Slice(msgspec.Struct, frozen=True):
    """The part of a group that lies in one billing day and one matter; of WORK it becomes an entry.

    `matter` is None where it is unassigned. Parts are sorted by activity id.
    """

    group: int
    disposition: Disposition
    day: date
    matter: int | None
    billable: bool
    parts: tuple[SlicePart, ...]

    @property
    def key(self) -> tuple[int, int]:
        """What names its entry within the day: group, and matter (0: unassigned)."""
        return self.group, self.matter or 0

    @property
    def allocated_us(self) -> int:
        """Microseconds that belong to this slice and to no other."""
        return sum(part.allocated_us for part in self.parts)

    @property
    def imputed_us(self) -> int:
        """How much of `allocated_us` was inferred from points in time."""
        return sum(part.allocated_us for part in self.parts if part.imputed)


class DayMinutes(msgspec.Struct, frozen=True):
    """A timekeeper's billing day by class, in microseconds. `captured_us` is the sum of the others (law 10)."""

    day: date
    billable_us: int = 0
    non_billable_us: int = 0
    held_us: int = 0
    outlier_us: int = 0
    excluded_us: int = 0

    @property
    def captured_us(self) -> int:
        """Everything that was captured on that day, each minute once."""
        return self.billable_us + self.non_billable_us + self.held_us + self.outlier_us + self.excluded_us


class SlicedDay(msgspec.Struct, frozen=True):
    """One billing day of one timekeeper, sliced: groups of every disposition, and the minutes by class."""

    minutes: DayMinutes
    slices: tuple[Slice, ...]


class Draft(msgspec.Struct, frozen=True):
    """An entry as it should be now: a WORK slice, its content (`processors.billing.entries.content`) and its extractive
    narrative.
    """

    slice: Slice
    content: str
    narrative: str


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry row of some day: what it is named by within the day, and its microseconds by activity."""

    id: int
    group: int
    matter: int | None
    parts_us: Mapping[int, int]

    @property
    def key(self) -> tuple[int, int]:
        """What names it within the day: group, and matter (0: unassigned)."""
        return self.group, self.matter or 0


class DraftedDay(msgspec.Struct, frozen=True):
    """What the database should hold of one timekeeper's billing day."""

    minutes: DayMinutes
    drafts: tuple[Draft, ...]


class TimesheetEntry(msgspec.Struct, frozen=True):
    """An entry as a timesheet shows it. `extractive`: the narrative is the activities' own words, not a model's."""

    day: date
    group: int
    matter: int | None
    billable: bool
    allocated_us: int
    imputed_us: int
    narrative: str
    extractive: bool = True
    status: str = "proposed"


class Client(msgspec.Struct, frozen=True):
    """A firm's client. Mail from `domains` means this client."""

    id: int
    name: str
    domains: tuple[str, ...] = ()


class Matter(msgspec.Struct, frozen=True):
    """A firm's matter: what work is billed to. `aliases` are what people call it in titles and mails."""

    id: int
    client: int
    number: str
    name: str
    aliases: tuple[str, ...] = ()
    billable: bool = True


class Directory(msgspec.Struct, frozen=True):
    """All clients and matters of one firm."""

    clients: tuple[Client, ...] = ()
    matters: tuple[Matter, ...] = ()


class Cadence(msgspec.Struct, frozen=True):
    """When a timekeeper's time is billed: an RRULE from `dtstart`, a wall time in `zone`, due `cutoff_minutes` late."""

    id: int
    rrule: str
    dtstart: datetime
    zone: str
    cutoff_minutes: int


class Occurrence(msgspec.Struct, frozen=True):
    """The period that one occurrence of a cadence closes: the billing days [starts_on, ends_on), due at an instant."""

    starts_on: date
    ends_on: date
    due_at: int
