"""What an audit compares: everything that the database and the topic `groups` say of one timekeeper, at one moment."""

from collections.abc import Mapping
from datetime import date

import msgspec

from schemas.groups import Group
from schemas.keys import Scope
from schemas.values import Activation, Activity, Apart, Release, Together

Decision = Together | Apart | Release | Activation

RowRef = tuple[str, int]
"""A row of one timekeeper: its table and its id."""


class LiveActivity(msgspec.Struct, frozen=True):
    """A row of `activity`. Of one that can't be read, `activity` is None and `hash` is empty.

    `changed_at` is when it was last written: a row that went back to what it was has been written since.
    """

    activity: Activity | None
    hash: str
    changed_at: int

    @property
    def excluded(self) -> bool:
        """Kept out of groups on purpose; a row that can't be read is not known to be."""
        return self.activity is not None and self.activity.excluded


class StoredGroup(msgspec.Struct, frozen=True):
    """A row of `activity_group`: the value, and the offset in `changes` at which it was decided."""

    group: Group
    offset: int


class MemberRow(msgspec.Struct, frozen=True, order=True):
    """A row of `group_member`."""

    group: int
    activity: int
    hash: str


class EntryRow(msgspec.Struct, frozen=True):
    """A row of `entry`; `frozen` once it is released, since it then stays as the person saw it."""

    id: int
    group: int
    day: date
    frozen: bool
    billable: bool
    allocated_us: int
    imputed_us: int


class EntryPartRow(msgspec.Struct, frozen=True):
    """A row of `entry_activity`."""

    entry: int
    activity: int
    allocated_us: int
    imputed: bool


class DayRow(msgspec.Struct, frozen=True):
    """A row of `day_minutes`."""

    captured_us: int = 0
    billable_us: int = 0
    non_billable_us: int = 0
    held_us: int = 0
    outlier_us: int = 0
    excluded_us: int = 0

    @property
    def sum_of_classes_us(self) -> int:
        """What captured must be (law 10)."""
        return self.billable_us + self.non_billable_us + self.held_us + self.outlier_us + self.excluded_us


class LedgerSnapshot(msgspec.Struct, frozen=True):
    """One timekeeper's rows and what the pipeline made of them.

    `dead` holds for each row that has dead letters the content hashes of these (empty where it is no activity, or one
    that can't be read). `decisions` are the rows by which people decide on grouping (None: it can't be read), `heeded`
    those that the worker goes by. `said` are the groups on the topic as far as `bill` has read it. `owners` tells whose
    an activity is that the pipeline's tables name and this timekeeper hasn't got. `crossed` are parts whose owner isn't
    their entry's.
    """

    scope: Scope
    live: Mapping[int, LiveActivity] = {}
    dead_letters: Mapping[RowRef, frozenset[str]] = {}
    decisions: Mapping[RowRef, Decision | None] = {}
    applied: Mapping[RowRef, Decision] = {}
    groups: Mapping[int, StoredGroup] = {}
    members: tuple[MemberRow, ...] = ()
    published: Mapping[int, Group] = {}
    other_owners: Mapping[int, Scope] = {}
    entries: tuple[EntryRow, ...] = ()
    parts: tuple[EntryPartRow, ...] = ()
    foreign_parts: tuple[EntryPartRow, ...] = ()
    days: Mapping[date, DayRow] = {}

    def is_accounted_for(self, activity: int) -> bool:
        """Is there a reason why this live activity is in no group: excluded, or a dead letter of this very content?"""
        live = self.live[activity]
        return live.excluded or live.hash in self.dead_letters.get(("activity", activity), frozenset())
