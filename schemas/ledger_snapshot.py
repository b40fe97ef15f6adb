"""Defines what an audit compares: all that database and topic `groups` hold of one timekeeper at one moment."""

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
    """A row of `activity`. Where it can't be decoded, `activity` is None and `hash` is empty.

    `changed_at` is when the row was last written, in microseconds since 1970. It shows also a change that was undone.
    """

    activity: Activity | None
    hash: str
    changed_at: int

    @property
    def excluded(self) -> bool:
        """Whether the row is kept out of groups on purpose; False where it can't be decoded."""
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
    """A row of `entry`. It is `frozen` once it is released, because it then stays as the person saw it."""

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
        """The sum of the classes, which `captured_us` must equal (law 10)."""
        return self.billable_us + self.non_billable_us + self.held_us + self.outlier_us + self.excluded_us


class LedgerSnapshot(msgspec.Struct, frozen=True):
    """One timekeeper's rows, and what the pipeline has stored and published of them.

    `dead_letters` has, for each row with dead letters, their content hashes (empty where it isn't an activity or can't
    be decoded). `decisions` are people's decisions on grouping (None: can't be decoded), `applied` those that the
    partition worker uses. `published` are the groups on the topic as far as `bill` has read it. `other_owners` has the
    scope of activities that the ledger or the topic names but this timekeeper doesn't have. `foreign_parts` are parts
    of an entry with another scope than the entry.
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
        """Returns whether this live activity may be in no group: excluded, or its present content is a dead letter."""
        live = self.live[activity]
        return live.excluded or live.hash in self.dead_letters.get(("activity", activity), frozenset())
