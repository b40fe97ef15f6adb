"""Whether everything is back after a fault: marks go the whole way, from the database to the database."""

from collections.abc import Callable, Iterable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from connectors.mariadb.audit.marks import insert_marks, pending_marks
from connectors.stack.waiting import wait_until
from schemas.errors import StackError
from schemas.keys import Scope
from schemas.values import MarkKind


def through(engine: Engine, whose: Callable[[], Iterable[Scope]], within_s: float) -> bool:
    """Sets a mark for each of these as soon as the database takes it, and waits for all; False if not in time."""
    marks: dict[Scope, int] = {}

    def marked() -> bool:
        try:
            marks.update(marks or insert_marks(engine, whose(), MarkKind.CANARY))
            return not pending_marks(engine, marks)
        except (StackError, DBAPIError):
            return False  # the database is away

    return wait_until(marked, within_s)
