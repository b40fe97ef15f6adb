"""Restricts tables and statements to one timekeeper: keys for tables, and conditions with parameters for statements.

Statements that `bill` runs for each timekeeper of a batch are built once, at import, and get the timekeeper as
parameters, because building one costs as much as running it.
"""

from typing import Any

from sqlalchemy import ColumnElement, ForeignKeyConstraint, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from connectors.mariadb.tables.column_types import TABLE_OPTIONS
from schemas.keys import Scope


class ScopedTable:
    """Adds the columns of a table whose rows belong to one timekeeper; `scoped_table_args` adds the matching key."""

    firm_id: Mapped[int] = mapped_column(sort_order=-1)
    timekeeper_id: Mapped[int] = mapped_column(sort_order=-1)


def scoped_table_args(*more: Any) -> tuple[Any, ...]:
    """Returns the arguments of a scoped table: `more`, and the key by which a row's timekeeper belongs to its firm.

    That key is what keeps the data of two firms apart.
    """
    key = ForeignKeyConstraint(["firm_id", "timekeeper_id"], ["timekeeper.firm_id", "timekeeper.id"])
    return (key, *more, TABLE_OPTIONS)


def same_firm_key(column: str, table: str) -> ForeignKeyConstraint:
    """Returns the key by which `column` refers to a row of `table` of the same firm."""
    return ForeignKeyConstraint(["firm_id", column], [f"{table}.firm_id", f"{table}.id"])


def in_scope(columns: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Returns the conditions that select the rows of one timekeeper; `of` is the model or table columns.

    `scope_params` gives the values of the two parameters.
    """
    return columns.firm_id == bindparam("firm"), columns.timekeeper_id == bindparam("timekeeper")


def scope_params(scope: Scope) -> dict[str, int]:
    """Returns the values of the parameters of `in_scope`."""
    return {"firm": scope.firm, "timekeeper": scope.timekeeper}
