"""Whose rows a statement is about: conditions for statements that are made once, and their values.

Those that `bill` runs for each timekeeper of a batch are made once: making one costs as much as running it.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam

from schemas.keys import Scope


def owned(of: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Only the rows of the timekeeper that `owner` gives; `of` has the columns."""
    return of.firm_id == bindparam("firm"), of.timekeeper_id == bindparam("timekeeper")


def owner(scope: Scope) -> dict[str, int]:
    """The values of `owned`."""
    return {"firm": scope.firm, "timekeeper": scope.timekeeper}
