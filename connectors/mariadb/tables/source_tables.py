"""The tables that people and collectors write: whose work it is, what was done, and what was decided about it.

Debezium captures `activity`, `feedback`, `release`, `activation`, `mark` and `cadence` to the topic `changes`;
`connectors.mariadb.tables.ledger_tables` has the tables that `bill` keeps for itself.
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
"""The tables of a timekeeper that reach `changes`."""

LISTS_MAX_BYTES = 1_000_000
"""Most bytes of a list of ids, or of what a person saw: a row with its before, escaped, stays below the 8 MB that the
topic takes. One row above that would stop capture for everybody.
"""

MODEL_MAX_BYTES = 8_000_000
"""Most bytes of a model: half of what the database takes in one packet."""


def size_checks(limit: int, *columns: str) -> list[CheckConstraint]:
    """The checks that keep these columns' bytes in bounds."""
    return [CheckConstraint(f"octet_length({column}) <= {limit}", name=f"{column}_size") for column in columns]


class Firm(Base):
    """Whom timekeepers work for; nothing ever crosses from one firm to another."""

    __tablename__ = "firm"
    __table_args__ = (UniqueConstraint("name"), TABLE_OPTIONS)
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(191))
    created_at: Mapped[CreatedAt]


class Timekeeper(Base):
    """A person whose time it is. `zone` is where they usually are (cadences, defaults); an activity has its own."""

    __tablename__ = "timekeeper"
    __table_args__ = (
        UniqueConstraint("firm_id", "email"),
        UniqueConstraint("firm_id", "id"),  # what every owned table's key points to
        TABLE_OPTIONS,
    )
    id: Mapped[Id]
    firm_id: Mapped[int] = mapped_column(ForeignKey("firm.id"))
    email: Mapped[str] = mapped_column(String(191))
    name: Mapped[Name]
    zone: Mapped[Zone]
    created_at: Mapped[CreatedAt]


class Client(Base):
    """For whom a firm works. `domains` are the mail domains that mean this client."""

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
    """What time is billed to. `aliases` are other names by which activities speak of it."""

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
    """What a collector wrote (`schemas.values.Activity`). `words` is JSON text, perhaps sealed.

    `source` and `source_id` say what it is where it came from, so that writing it again changes it and adds nothing.
    `said` is raised to have the binlog say the row again; it means nothing else.
    """

    __tablename__ = "activity"
    __table_args__ = scoped_table_args(
        UniqueConstraint("firm_id", "timekeeper_id", "source", "source_id", name="uq_activity_source"),
        Index(None, "firm_id", "timekeeper_id", "started_at"),
        Index(None, "firm_id", "timekeeper_id", "id"),  # reading one timekeeper's rows in chunks, by id
        Index(None, "firm_id", "timekeeper_id", "ended_at"),  # with started_at: what covers an instant
        Index(None, "firm_id", "timekeeper_id", "zone"),  # the few zones in which somebody ever was
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
    """A person says that activities are one piece of work (`together`) or aren't (`apart`, with both sides)."""

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
    """A person released these activities; `seen` is what they saw, as JSON text."""

    __tablename__ = "release"  # a reserved word: SQLAlchemy quotes it, SQL by hand must too
    __table_args__ = scoped_table_args(
        json_check("activity_ids"), json_check("seen"), *size_checks(LISTS_MAX_BYTES, "activity_ids", "seen")
    )
    id: Mapped[Id]
    activity_ids: Mapped[Ids]
    seen: Mapped[Text | None]
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]


class Activation(ScopedTable, Base):
    """From here on the timekeeper is grouped with the model of that version; the highest id wins."""

    __tablename__ = "activation"
    __table_args__ = scoped_table_args()
    id: Mapped[Id]
    model_version: Mapped[str] = mapped_column(String(128))
    said: Mapped[int] = mapped_column(INTEGER(unsigned=True), server_default="0")
    created_at: Mapped[CreatedAt]


class GroupingModel(Base):
    """A grouping model of a firm's own. Its version has its bytes' hash in it: rows are added, and never changed."""

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
    """When a timekeeper's time is billed: an RRULE from `dtstart`, a local wall time in `zone`.

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
