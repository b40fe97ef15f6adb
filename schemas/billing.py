"""Defines the values of billing: memberships, slices and drafts of a day, entries, periods, clients and matters.

Instants and durations are whole microseconds. A billing day is a date; it begins at 04:00 in the activity's time zone.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from schemas.groups import Disposition


class MinuteClass(StrEnum):
    """The class of a captured minute. Every minute is in exactly one class (law 10)."""

    BILLABLE = "billable"
    NON_BILLABLE = "non_billable"
    HELD = "held"
    OUTLIER = "outlier"
    EXCLUDED = "excluded"


class Membership(msgspec.Struct, frozen=True):
    """The group that an activity is in, the disposition of that group, and the hash of the content that was grouped."""

    group: int
    disposition: Disposition
    hash: str


class SlicePart(msgspec.Struct, frozen=True):
    """What one activity contributes to a slice.

    `allocated_us` may be 0: another activity owns the minutes, but the words of this one stay in the slice. `hash` is
    `schemas.values.content_hash`. `imputed` is true where the minutes were inferred from a point in time.
    """

    activity: int
    hash: str
    allocated_us: int
    imputed: bool


class Slice(msgspec.Struct, frozen=True):
    """The part of a group that lies in one billing day and one matter. A slice of a WORK group becomes an entry.

    `matter` is None where the slice is unassigned. Parts are sorted by activity id.
    """

    group: int
    disposition: Disposition
    day: date
    matter: int | None
    billable: bool
    parts: tuple[SlicePart, ...]

    @property
    def key(self) -> tuple[int, int]:
        """Identifies its entry within the day: group and matter (0: unassigned)."""
        return self.group, self.matter or 0

    @property
    def allocated_us(self) -> int:
        """The microseconds that belong to this slice and to no other."""
        return sum(part.allocated_us for part in self.parts)

    @property
    def imputed_us(self) -> int:
        """The microseconds of `allocated_us` that were inferred from points in time."""
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
        """All captured time of that day, each minute once."""
        return self.billable_us + self.non_billable_us + self.held_us + self.outlier_us + self.excluded_us


class SlicedDay(msgspec.Struct, frozen=True):
    """One billing day of one timekeeper, sliced: groups of every disposition, and the minutes by class."""

    minutes: DayMinutes
    slices: tuple[Slice, ...]


class Draft(msgspec.Struct, frozen=True):
    """An entry as it should be now: a WORK slice, its content hash and its extractive narrative.

    `processors.billing.entries.drafts.content_of` makes the hash.
    """

    slice: Slice
    content: str
    narrative: str


class StoredEntry(msgspec.Struct, frozen=True):
    """A stored entry of one day: its group and matter, and its microseconds by activity id."""

    id: int
    group: int
    matter: int | None
    parts_us: Mapping[int, int]

    @property
    def key(self) -> tuple[int, int]:
        """Identifies the entry within the day: group and matter (0: unassigned)."""
        return self.group, self.matter or 0


class DraftedDay(msgspec.Struct, frozen=True):
    """One timekeeper's billing day as the database should hold it."""

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
    """A firm's client. `domains` are the mail domains that identify it."""

    id: int
    name: str
    domains: tuple[str, ...] = ()


class Matter(msgspec.Struct, frozen=True):
    """A firm's matter, to which work is billed. `aliases` are other names of it in titles and mails."""

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
    """When a timekeeper's time is billed: an RRULE (RFC 5545) from `dtstart`, a wall time in `zone`.

    A period is due `cutoff_minutes` after its end.
    """

    id: int
    rrule: str
    dtstart: datetime
    zone: str
    cutoff_minutes: int


class Occurrence(msgspec.Struct, frozen=True):
    """The period that one occurrence of a cadence closes: the billing days [starts_on, ends_on), due at `due_at`."""

    starts_on: date
    ends_on: date
    due_at: int
