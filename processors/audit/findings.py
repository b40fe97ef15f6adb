"""What an audit can find: a closed list. Each kind has a test and a repair (`processors.audit.repair_plan`)."""

from datetime import date
from enum import StrEnum

import msgspec

from schemas.ledger_snapshot import RowRef


class Kind(StrEnum):
    """What is wrong."""

    ROW_MISSING = "row_missing"  # a live activity is in no group, and nothing says why
    ROW_EXTRA = "row_extra"  # a group holds an activity that isn't there any more
    ROW_DOUBLE = "row_double"  # two groups hold one activity
    STALE_VERSION = "stale_version"  # a group holds another content of the activity than its row
    EXCLUDED_GROUPED = "excluded_grouped"  # an excluded activity is in a group
    DECISION_MISSED = "decision_missed"  # the worker doesn't go by a feedback, release or activation as it is
    DECISION_EXTRA = "decision_extra"  # the worker goes by one that isn't there any more
    WRONG_OWNER = "wrong_owner"  # something of one timekeeper hangs on another's
    TOMBSTONE_IGNORED = "tombstone_ignored"  # the tables keep a group that the topic says is gone
    GROUP_MISSING = "group_missing"  # the topic says a group that the tables haven't got
    GROUP_DIFFERS = "group_differs"  # the tables hold another value of a group than the topic
    MEMBER_ROW_MISSING = "member_row_missing"  # a group's member rows aren't its value's members
    ENTRY_MISSING = "entry_missing"  # a group's work on a day has no entry
    ENTRY_DOUBLED = "entry_doubled"  # an activity's time of a day is in two entries, or an entry is there twice
    ENTRY_ORPHAN = "entry_orphan"  # an entry of a group or day that has no such work
    MINUTES_OFF = "minutes_off"  # minutes aren't those of the activities, or don't add up (law 10)


class At(StrEnum):
    """Where it is wrong: on the topic `groups`, in the tables that `bill` keeps, or in both."""

    TOPIC = "topic"
    TABLES = "tables"
    BOTH = "both"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. `detail` says what is there and what should be, for people.

    `state` is the same as long as both sides stay as they are: what is found again in the same state, after everything
    that was under way has arrived, is damage; what changed meanwhile was only in flight.
    """

    kind: Kind
    at: At
    detail: str
    state: str
    activity: int | None = None
    group: int | None = None
    entry: int | None = None
    day: date | None = None
    row: RowRef | None = None

    @property
    def subject(self) -> tuple[object, ...]:
        """What it is about, in whatever state."""
        return self.kind, self.activity, self.group, self.entry, self.day, self.row
