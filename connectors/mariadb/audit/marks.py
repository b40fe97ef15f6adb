"""Marks: rows that go the way of every change, so that whoever sees one has seen all that was before it."""

from collections.abc import Iterable, Mapping
from uuid import uuid4

from sqlalchemy import Engine, insert, select

from connectors.mariadb.tables.ledger_tables import MarkSeen
from connectors.mariadb.tables.source_tables import Mark
from schemas.keys import Scope
from schemas.values import MarkKind

CHUNK_MARKS = 1_000


def insert_marks(engine: Engine, scopes: Iterable[Scope], kind: MarkKind) -> dict[Scope, int]:
    """Inserts a mark for each timekeeper, committed; returns their ids."""
    run = uuid4().hex
    rows = [
        {"firm_id": of.firm, "timekeeper_id": of.timekeeper, "kind": kind.value, "token": f"{kind}-{run}-{number}"}
        for number, of in enumerate(scopes)
    ]
    if not rows:
        return {}
    with engine.begin() as connection:
        connection.execute(insert(Mark), rows)
        ours = select(Mark.firm_id, Mark.timekeeper_id, Mark.id).where(Mark.token.startswith(f"{kind}-{run}-"))
        return {Scope(firm, timekeeper): id for firm, timekeeper, id in connection.execute(ours)}


def pending_marks(engine: Engine, marks: Mapping[Scope, int]) -> dict[Scope, int]:
    """Those of the marks that `bill` hasn't consumed yet."""
    ids = list(marks.values())
    seen: set[int] = set()
    with engine.connect() as connection:
        for first in range(0, len(ids), CHUNK_MARKS):
            query = select(MarkSeen.mark_id).where(MarkSeen.mark_id.in_(ids[first : first + CHUNK_MARKS]))
            seen.update(connection.execute(query).scalars())
    return {scope: id for scope, id in marks.items() if id not in seen}
