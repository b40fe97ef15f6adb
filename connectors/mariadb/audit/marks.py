"""Inserts marks and finds those that are pending.

A mark passes through capture, `group` and `bill` in order, so a program that has read it has read all that came before.
"""

from collections.abc import Iterable, Mapping
from uuid import uuid4

from sqlalchemy import Engine, insert, select

from connectors.mariadb.tables.ledger_tables import MarkSeen
from connectors.mariadb.tables.source_tables import Mark
from schemas.keys import Scope
from schemas.values import MarkKind

CHUNK_MARKS = 1_000


def insert_marks(engine: Engine, scopes: Iterable[Scope], kind: MarkKind) -> dict[Scope, int]:
    """Inserts a mark for each timekeeper and commits; returns the ids of the marks by scope."""
    run = uuid4().hex
    rows = [
        {
            "firm_id": scope.firm,
            "timekeeper_id": scope.timekeeper,
            "kind": kind.value,
            "token": f"{kind}-{run}-{number}",
        }
        for number, scope in enumerate(scopes)
    ]
    if not rows:
        return {}
    with engine.begin() as connection:
        connection.execute(insert(Mark), rows)
        ours = select(Mark.firm_id, Mark.timekeeper_id, Mark.id).where(Mark.token.startswith(f"{kind}-{run}-"))
        return {Scope(firm, timekeeper): id for firm, timekeeper, id in connection.execute(ours)}


def pending_marks(engine: Engine, marks: Mapping[Scope, int]) -> dict[Scope, int]:
    """Returns those of the marks that `bill` hasn't consumed yet."""
    ids = list(marks.values())
    seen: set[int] = set()
    with engine.connect() as connection:
        for first in range(0, len(ids), CHUNK_MARKS):
            query = select(MarkSeen.mark_id).where(MarkSeen.mark_id.in_(ids[first : first + CHUNK_MARKS]))
            seen.update(connection.execute(query).scalars())
    return {scope: id for scope, id in marks.items() if id not in seen}
