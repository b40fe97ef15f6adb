"""Defines the tables that people and collectors write: firms and their directory, activities, and decisions on them.

Debezium captures `activity`, `feedback`, `release`, `activation`, `mark` and `cadence` to the topic `changes`;
`connectors.mariadb.tables.ledger_tables` has the tables that `bill` writes.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.mysql import DATETIME, INTEGER, LONGBLOB
from sqlalchemy.orm import Mapped, mapped_column

from connectors.mariadb.tables.column_types import (
    TABLE_OPTIONS,
    Base,
    CreatedAt,
    Id,
    Ids,
    InstantColumn,
    Name,
    Text,
    Texts,
    UpdatedAt,
    Zone,
    json_check,
)
from connectors.mariadb.tables.scope import ScopedTable, same_firm_key, scoped_table_args
from schemas.values import WORDS_MAX_BYTES

CAPTURED_TABLES = ("activity", "feedback", "release", "activation", "mark", "cadence")
"""The tables of a timekeeper that Debezium captures to `changes`."""

LISTS_MAX_BYTES = 1_000_000
"""Maximum bytes of a list of ids, or of what a person saw at a release. With it a change event (the row before and
after, escaped) stays below the 8 MB that the topic accepts. One larger row would stop capture for all timekeepers.
"""

MODEL_MAX_BYTES = 8_000_000
"""Maximum bytes of a model: half of what the database accepts in one packet."""


def size_checks(limit: int, *columns: str) -> list[CheckConstraint]:
    """Returns checks that each of the columns holds at most `limit` bytes."""
    return [CheckConstraint(f"octet_length({column}) <= {limit}", name=f"{column}_size") for column in columns]


class Firm(Base):
    """A firm that timekeepers work for. No data ever crosses from one firm to another."""

    __tablename__ = "firm"
    __table_args__ = (UniqueConstraint("name"), TABLE_OPTIONS)
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(191))
    created_at: Mapped[CreatedAt]


class Timekeeper(Base):
    """A person whose time is recorded and billed.

    `zone` is the time zone where they usually are (for cadences and defaults); each activity has its own.
    """

    __tablename__ = "timekeeper"
    __table_args__ = (
        UniqueConstraint("firm_id", "email"),
        UniqueConstraint("firm_id", "id"),  # the target of every scoped table's key
        TABLE_OPTIONS,
    )
    id: Mapped[Id]
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"))
    email: Mapped[str] = mapped_column(String(191))
    name: Mapped[Name]
    zone: Mapped[Zone]
    created_at: Mapped[CreatedAt]


class Client(Base):
    """A client of a firm. `domains` are the mail domains that identify this client."""

    __tablename__ = "client"
    __table_args__ = (
        UniqueConstraint("firm_id", "id"),
        UniqueConstraint("firm_id", "name"),
        json_check("domains"),
        TABLE_OPTIONS,
    )
    id: Mapped[Id]
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"))
    name: Mapped[str] = mapped_column(String(191))
    domains: Mapped[Texts]


class Matter(Base):
    """What time is billed to. `aliases` are other names for it that appear in activities."""

    __tablename__ = "matter"
    __table_args__ = (
        UniqueConstraint("firm_id", "id"),
        UniqueConstraint("firm_id", "number"),
        same_firm_key("client_id", "client"),
        json_check("aliases"),
        TABLE_OPTIONS,
    )
    id: Mapped[Id]
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"))
    client_id: Mapped[int]
    number: Mapped[str] = mapped_column(String(64))
    name: Mapped[Name]
    aliases: Mapped[Texts]
    billable: Mapped[bool]


class Activity(ScopedTable, Base):
    """An activity as a collector wrote it (`schemas.values.Activity`). `words` is JSON text, possibly sealed.

    `source` and `source_id` identify it in the system that it came from, so that writing it again updates the row.
    `said` is a counter. A resend increments it, so that the binlog holds the row again; it has no other meaning.
    """

    __tablename__ = "activity"
    __table_args__ = scoped_table_args(
        UniqueConstraint("firm_id", "timekeeper_id", "source", "source_id", name="uq_activity_source"),
        Index(None, "firm_id", "timekeeper_id", "started_at"),
        Index(None, "firm_id", "timekeeper_id", "id"),  # to read one timekeeper's rows in chunks, by id
        Index(None, "firm_id", "timekeeper_id", "ended_at"),  # with started_at: to find what covers an instant
        Index(None, "firm_id", "timekeeper_id", "zone"),  # to list the few zones of a timekeeper
        same_firm_key("matter_id", "matter"),
        json_check("words"),
        CheckConstraint(f"octet_length(words) <= {WORDS_MAX_BYTES}", name="words_size"),
    )
    id: Mapped[Id]
    source: Mapped[str] = mapped_column(String(32))
    source_id: Mapped[str] = mapped_column(String(191))
    kind: Mapped[str] = mapped_column(String(16))
    app: Mapped[str | None] = mapped_column(String(255))
    started_at: Mapped[InstantColumn]
    ended_at: Mapped[InstantColumn | None]
    zone: Mapped[Zone]
    words: Mapped[Text]
    matter_id: Mapped[int | None]
    billable: Mapped[bool | None]
    excluded: Mapped[bool] = mapped_column(server_default="0")
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class Feedback(ScopedTable, Base):
    """A person's decision that activities are one piece of work (`together`) or aren't (`apart`, with both sides)."""

    __tablename__ = "feedback"
    __table_args__ = scoped_table_args(
        json_check("left_ids"), json_check("right_ids"), *size_checks(LISTS_MAX_BYTES, "left_ids", "right_ids")
    )
    id: Mapped[Id]
    verb: Mapped[str] = mapped_column(String(16))
    left_ids: Mapped[Ids]
    right_ids: Mapped[Ids | None]
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]


class Release(ScopedTable, Base):
    """A person's release of these activities. `seen` is what they saw, as JSON text."""

    __tablename__ = "release"  # a reserved word: SQLAlchemy quotes it, and SQL written by hand must, too
    __table_args__ = scoped_table_args(
        json_check("activity_ids"), json_check("seen"), *size_checks(LISTS_MAX_BYTES, "activity_ids", "seen")
    )
    id: Mapped[Id]
    activity_ids: Mapped[Ids]
    seen: Mapped[Text | None]
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]


class Activation(ScopedTable, Base):
    """The model version that the timekeeper is grouped with from here on. The row with the highest id wins."""

    __tablename__ = "activation"
    __table_args__ = scoped_table_args()
    id: Mapped[Id]
    model_version: Mapped[str] = mapped_column(String(128))
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]


class GroupingModel(Base):
    """A grouping model that belongs to a firm. The version contains the hash of the bytes, so a row never changes."""

    __tablename__ = "model"
    __table_args__ = (CheckConstraint(f"octet_length(bytes) <= {MODEL_MAX_BYTES}", name="bytes_size"), TABLE_OPTIONS)
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(128), primary_key=True)
    bytes: Mapped[bytes] = mapped_column(LONGBLOB)
    created_at: Mapped[CreatedAt]


class Mark(ScopedTable, Base):
    """Separates the changes before it from those after it (`schemas.values.Mark`)."""

    __tablename__ = "mark"
    __table_args__ = scoped_table_args(UniqueConstraint("token"))
    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(16))
    token: Mapped[str] = mapped_column(String(64))
    period_id: Mapped[int | None]
    created_at: Mapped[CreatedAt]


class Cadence(ScopedTable, Base):
    """When a timekeeper's time is billed: an RRULE (RFC 5545) from `dtstart`, a local wall time in `zone`.

    A period is due `cutoff_minutes` after its end.
    """

    __tablename__ = "cadence"
    __table_args__ = scoped_table_args()
    id: Mapped[Id]
    rrule: Mapped[str] = mapped_column(String(255))
    dtstart: Mapped[datetime] = mapped_column(DATETIME)
    zone: Mapped[Zone]
    cutoff_minutes: Mapped[int] = mapped_column(INTEGER)
    created_at: Mapped[CreatedAt]
