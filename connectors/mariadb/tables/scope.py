"""Whose rows a statement is about: conditions for statements that are made once, and their values.

Those that `bill` runs for each timekeeper of a batch are made once: making one costs as much as running it.
"""

from typing import Any

from sqlalchemy import ColumnElement, ForeignKeyConstraint, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from connectors.mariadb.tables.column_types import TABLE_OPTIONS
from schemas.keys import Scope


class ScopedTable:
    """A table of one timekeeper; `owned` adds the key that keeps the timekeeper inside the firm."""

    firm_id: Mapped[int] = mapped_column(sort_order=-1)
    timekeeper_id: Mapped[int] = mapped_column(sort_order=-1)


def scoped_table_args(*more: Any) -> tuple[Any, ...]:
    """The table arguments of an owned table: a row's timekeeper is of the row's firm (the walls), and `more`."""
    key = ForeignKeyConstraint(["firm_id", "timekeeper_id"], ["timekeeper.firm_id", "timekeeper.id"])
    return (key, *more, TABLE_OPTIONS)


def same_firm_key(column: str, table: str) -> ForeignKeyConstraint:
    """`column` names a row of `table` that belongs to the same firm."""
    return ForeignKeyConstraint(["firm_id", column], [f"{table}.firm_id", f"{table}.id"])


def in_scope(of: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Only the rows of the timekeeper that `owner` gives; `of` has the columns."""
    return of.firm_id == bindparam("firm"), of.timekeeper_id == bindparam("timekeeper")


def scope_params(scope: Scope) -> dict[str, int]:
    """The values of `owned`."""
    return {"firm": scope.firm, "timekeeper": scope.timekeeper}
