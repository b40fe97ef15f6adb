"""Defines the ledger: groups as published, entries, periods, narratives, calls, and the offset that `bill` has reached.

Debezium captures none of them. A timekeeper's rows change in the transaction that advances `consumer_offset`. The last
two tables are the connector's own.
"""

from datetime import date

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.mysql import INTEGER
from sqlalchemy.orm import Mapped, mapped_column

from connectors.mariadb.tables.column_types import (
    TABLE_OPTIONS,
    Base,
    CreatedAt,
    Hash,
    Id,
    InstantColumn,
    Text,
    UpdatedAt,
    Zone,
    json_check,
)
from connectors.mariadb.tables.scope import ScopedTable, same_firm_key, scoped_table_args


class Period(ScopedTable, Base):
    """The local days `[starts_on, ends_on)` that one occurrence of a cadence closes; `closed_at` is None while open."""

    __tablename__ = "period"
    __table_args__ = scoped_table_args(UniqueConstraint("cadence_id", "starts_on"))
    id: Mapped[Id]
    cadence_id: Mapped[int] = mapped_column(ForeignKey("cadence.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    due_at: Mapped[InstantColumn]
    mark_id: Mapped[int | None] = mapped_column(ForeignKey("mark.id"))
    closed_at: Mapped[InstantColumn | None]


class ActivityGroup(ScopedTable, Base):
    """A group as last published on `groups`, with the offset in `changes` at which it was decided.

    `value` is what `schemas.groups.encode_group` returns.
    """

    __tablename__ = "activity_group"
    __table_args__ = scoped_table_args(Index(None, "changes_partition"))
    firm_id: Mapped[int] = mapped_column(primary_key=True)
    timekeeper_id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[Text]
    disposition: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[int]
    changes_partition: Mapped[int] = mapped_column(INTEGER)
    changes_offset: Mapped[int]
    updated_at: Mapped[UpdatedAt]


class GroupMember(ScopedTable, Base):
    """An activity of a group, with the hash of the content that was grouped.

    Two groups may hold one activity for a moment; the one decided at the higher offset wins.
    """

    __tablename__ = "group_member"
    __table_args__ = scoped_table_args(Index(None, "firm_id", "timekeeper_id", "activity_id"))
    firm_id: Mapped[int] = mapped_column(primary_key=True)
    timekeeper_id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[Hash]


class SlicedActivity(ScopedTable, Base):
    """An activity as it was when its days were last sliced, so that these days are known when it changes or is deleted.

    `hash` is the content that took part in slicing. It is empty for a stale member: the hashes of row and group
    differed, so the activity takes no part until its group is published again.
    """

    __tablename__ = "sliced_activity"
    __table_args__ = scoped_table_args()
    firm_id: Mapped[int] = mapped_column(primary_key=True)
    timekeeper_id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[Hash]
    started_at: Mapped[InstantColumn]
    ended_at: Mapped[InstantColumn | None]
    zone: Mapped[Zone]
    excluded: Mapped[bool]


class Entry(ScopedTable, Base):
    """A time entry: the slice of a group for one billing day and matter, which people review, release and bill."""

    __tablename__ = "entry"
    __table_args__ = scoped_table_args(
        UniqueConstraint("firm_id", "timekeeper_id", "group_id", "billing_day", "matter_key", name="uq_entry_slice"),
        Index(None, "firm_id", "timekeeper_id", "billing_day"),
        same_firm_key("matter_id", "matter"),
        CheckConstraint("status in ('proposed', 'accepted', 'released', 'locked')", name="status"),
    )
    id: Mapped[Id]
    group_id: Mapped[int]
    billing_day: Mapped[date]
    matter_id: Mapped[int | None]
    # A unique key treats every NULL as different, and a group and day may have "unassigned" only once.
    matter_key: Mapped[int] = mapped_column(Computed("coalesce(matter_id, 0)", persisted=True))
    period_id: Mapped[int | None] = mapped_column(ForeignKey("period.id"))
    status: Mapped[str] = mapped_column(String(16), server_default="proposed")
    billable: Mapped[bool]
    allocated_us: Mapped[int]
    imputed_us: Mapped[int]
    content: Mapped[Hash]
    narrative: Mapped[Text]
    narrative_id: Mapped[int | None] = mapped_column(ForeignKey("narrative.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class EntryActivity(ScopedTable, Base):
    """The time that an activity contributes to an entry, in microseconds; `imputed` for a point in time."""

    __tablename__ = "entry_activity"
    __table_args__ = scoped_table_args(Index(None, "firm_id", "timekeeper_id", "activity_id"))
    entry_id: Mapped[int] = mapped_column(ForeignKey("entry.id"), primary_key=True)
    activity_id: Mapped[int] = mapped_column(primary_key=True)
    allocated_us: Mapped[int]
    imputed: Mapped[bool]


class DayMinutes(ScopedTable, Base):
    """The time of a billing day by class, in microseconds. `captured_us` is the sum of the other classes (law 10)."""

    __tablename__ = "day_minutes"
    __table_args__ = scoped_table_args()
    firm_id: Mapped[int] = mapped_column(primary_key=True)
    timekeeper_id: Mapped[int] = mapped_column(primary_key=True)
    billing_day: Mapped[date] = mapped_column(primary_key=True)
    captured_us: Mapped[int]
    billable_us: Mapped[int]
    non_billable_us: Mapped[int]
    held_us: Mapped[int]
    outlier_us: Mapped[int]
    excluded_us: Mapped[int]


class Narrative(ScopedTable, Base):
    """A generated text for one content. The process that inserts the row, once, may call a model for it (law 6)."""

    __tablename__ = "narrative"
    __table_args__ = scoped_table_args(
        UniqueConstraint(
            "firm_id",
            "timekeeper_id",
            "content",
            "prompt_version",
            "guidelines",
            "model",
            name="uq_paid_once",
        ),
        CheckConstraint("state in ('reserved', 'written', 'rejected')", name="state"),
        json_check("citations"),
    )
    id: Mapped[Id]
    content: Mapped[Hash]
    prompt_version: Mapped[str] = mapped_column(String(64))
    guidelines: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16), server_default="reserved")
    text: Mapped[Text | None]
    citations: Mapped[Text | None]
    created_at: Mapped[CreatedAt]
    written_at: Mapped[InstantColumn | None]


class LlmCall(ScopedTable, Base):
    """One attempt at a language model call: its destination, its result and its cost in microdollars."""

    __tablename__ = "llm_call"
    __table_args__ = scoped_table_args()
    id: Mapped[Id]
    destination: Mapped[str] = mapped_column(String(255))
    model: Mapped[str] = mapped_column(String(128))
    prompt_version: Mapped[str] = mapped_column(String(64))
    attempt: Mapped[int] = mapped_column(INTEGER)
    state: Mapped[str] = mapped_column(String(16))
    status_code: Mapped[int | None] = mapped_column(INTEGER)
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cost_microdollars: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[Text | None]
    started_at: Mapped[InstantColumn]
    ended_at: Mapped[InstantColumn | None]


class NarrativeCall(ScopedTable, Base):
    """Links a narrative to a call. One call may write several narratives, and one narrative may take several calls."""

    __tablename__ = "narrative_call"
    __table_args__ = scoped_table_args()
    narrative_id: Mapped[int] = mapped_column(ForeignKey("narrative.id"), primary_key=True)
    llm_call_id: Mapped[int] = mapped_column(ForeignKey("llm_call.id"), primary_key=True)


class MarkSeen(ScopedTable, Base):
    """A mark that `bill` has consumed: everything before it for that timekeeper is in the ledger.

    The transaction that consumes the mark writes the row. It has no foreign key to `mark`, because a deleted mark must
    not stop the consumer.
    """

    __tablename__ = "mark_seen"
    __table_args__ = scoped_table_args()
    mark_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    partition_no: Mapped[int] = mapped_column(INTEGER)
    next_offset: Mapped[int]
    seen_at: Mapped[CreatedAt]


class ConsumerOffset(Base):
    """The next offset of a consumer. It advances only from the expected value, so a second owner fails (the fence).

    `failures` counts how often our own code failed on the record at offset `failed_at`.
    """

    __tablename__ = "consumer_offset"
    __table_args__ = TABLE_OPTIONS
    consumer: Mapped[str] = mapped_column(String(64), primary_key=True)
    topic: Mapped[str] = mapped_column(String(249), primary_key=True)
    partition_no: Mapped[int] = mapped_column(INTEGER, primary_key=True, autoincrement=False)
    next_offset: Mapped[int]
    failed_at: Mapped[int | None]
    failures: Mapped[int] = mapped_column(INTEGER, server_default="0")


class DebeziumSignal(Base):
    """A request to the connector, such as an incremental snapshot."""

    __tablename__ = "debezium_signal"
    __table_args__ = TABLE_OPTIONS
    id: Mapped[str] = mapped_column(String(42), primary_key=True)
    type: Mapped[str] = mapped_column(String(32))
    data: Mapped[Text | None]


class DebeziumHeartbeat(Base):
    """The row that the connector updates, so that its binlog position advances while no captured table changes."""

    __tablename__ = "debezium_heartbeat"
    __table_args__ = TABLE_OPTIONS
    id: Mapped[int] = mapped_column(INTEGER, primary_key=True, autoincrement=False)
    ts: Mapped[InstantColumn]
