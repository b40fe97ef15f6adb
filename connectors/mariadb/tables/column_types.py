"""Defines the base class of all table models and the column types for instants, JSON arrays, ids and texts.

Instants are whole microseconds since 1970 in Python (as everywhere in `schemas`) and DATETIME(6) in UTC in the table.
`to_datetime` and `to_micros` are the only conversion between the two.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from sqlalchemy import BIGINT, CheckConstraint, Dialect, MetaData, String, text
from sqlalchemy.dialects.mysql import CHAR, DATETIME, LONGTEXT
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # naive on purpose: that is what DATETIME holds, and it is UTC
MICROSECOND = timedelta(microseconds=1)

# The collation compares bytes, so that the database sorts and compares exactly as Python does. No key cascades, because
# cascaded changes never reach the binlog (ForeignKeyConstraint's default is RESTRICT).
TABLE_OPTIONS = {"mariadb_engine": "InnoDB", "mariadb_charset": "utf8mb4", "mariadb_collate": "utf8mb4_bin"}


def to_datetime(instant: int) -> datetime:
    """Converts microseconds since 1970 to the naive UTC datetime that a DATETIME(6) column holds."""
    return EPOCH + timedelta(microseconds=instant)


def to_micros(stored: datetime) -> int:
    """Converts a naive UTC datetime to microseconds since 1970, exactly."""
    return (stored - EPOCH) // MICROSECOND


class Instant(TypeDecorator[int]):
    """DATETIME(6) in UTC in the table, microseconds since 1970 in Python."""

    impl = DATETIME(fsp=6)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Converts the Python value to the table's form."""
        return None if value is None else to_datetime(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Converts the table's value to the Python form."""
        return None if value is None else to_micros(value)


class JsonArray(TypeDecorator[tuple[Any, ...]]):
    """A JSON array of ids or texts: compact JSON in the table (see `schemas.row_decoders`), a tuple in Python."""

    impl = LONGTEXT
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str | None:
        """Converts the Python value to the table's form."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Any, ...] | None:
        """Converts the table's value to the Python form."""
        return None if value is None else msgspec.json.decode(value, type=tuple[Any, ...])


class Base(DeclarativeBase):
    """The base class of all table models. It names every constraint, so that a migration can change it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
        }
    )
    type_annotation_map = {int: BIGINT()}  # noqa: RUF012  # SQLAlchemy's own name and form


Id = Annotated[int, mapped_column(primary_key=True, autoincrement=True, sort_order=-2)]
Name = Annotated[str, mapped_column(String(255))]
Zone = Annotated[str, mapped_column(String(64))]
"""An IANA time zone's name."""
Hash = Annotated[str, mapped_column(CHAR(32))]
Text = Annotated[str, mapped_column(LONGTEXT)]
InstantColumn = Annotated[int, mapped_column(Instant)]
Ids = Annotated[tuple[int, ...], mapped_column(JsonArray)]
Texts = Annotated[tuple[str, ...], mapped_column(JsonArray)]
CreatedAt = Annotated[int, mapped_column(Instant, server_default=text("CURRENT_TIMESTAMP(6)"))]
UpdatedAt = Annotated[
    int, mapped_column(Instant, server_default=text("CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"))
]


def json_check(column: str) -> CheckConstraint:
    """Returns the check that the column holds valid JSON."""
    return CheckConstraint(f"json_valid({column})", name=f"{column}_json")
