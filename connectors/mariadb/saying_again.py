"""Has the database say rows again, so that what the stream missed reaches it the way that everything does.

Done as a collector: the pipeline's user may not write an activity. Each function is one transaction, and changes
nothing that a person could see.
"""

from collections.abc import Sequence

from sqlalchemy import Engine, TextClause, bindparam, text
from sqlalchemy.exc import IntegrityError

from schemas.books import RowName
from schemas.keys import Scope

_MINE = "firm_id = :firm AND timekeeper_id = :timekeeper AND id IN :ids"
_THERE = f"SELECT id FROM `{{table}}` WHERE {_MINE} FOR UPDATE"
_AGAIN = f"UPDATE `{{table}}` SET said = said + 1 WHERE {_MINE}"

# The id comes back for a moment that only the binlog sees: an insert of nearly nothing and a delete in one transaction.
_APPEAR = {
    "activity": (
        "source, source_id, kind, started_at, zone, words",
        "'mend', CONCAT('gone-', :id), 'other', UTC_TIMESTAMP(6), 'UTC', '{}'",
    ),
    "feedback": ("verb, left_ids", "'together', '[]'"),
    "release": ("activity_ids", "'[]'"),
    "activation": ("model_version", ":model"),
}

_OWNER = text("SELECT firm_id, timekeeper_id FROM activity WHERE id = :id FOR UPDATE")
_MOVE = text("UPDATE activity SET firm_id = :firm, timekeeper_id = :timekeeper WHERE id = :id")


def say_again(collector: Engine, scope: Scope, names: Sequence[RowName]) -> list[RowName]:
    """Says these rows again, as they are; returns those that aren't there, or not this timekeeper's."""
    there: set[RowName] = set()
    with collector.begin() as connection:
        for table in sorted({table for table, _ in names}):
            values = _owner(scope) | {"ids": [id for of, id in names if of == table]}
            ids = connection.execute(_of(_THERE, table), values).scalars().all()
            there |= {(table, id) for id in ids}
            if ids:
                connection.execute(_of(_AGAIN, table), values)
    return [name for name in names if name not in there]


def say_deletes_again(collector: Engine, scope: Scope, names: Sequence[RowName], model: str) -> list[RowName]:
    """Says again that these rows are gone; returns those that aren't (the id is in use, perhaps somebody else's).

    `model` is a version that the workers know: an activation has to name one, though it is gone at once.
    """
    there = []
    for table, id in names:
        columns, literals = _APPEAR[table]
        appear = text(
            f"INSERT INTO `{table}` (id, firm_id, timekeeper_id, {columns})"
            f" VALUES (:id, :firm, :timekeeper, {literals})"
        )
        values = _owner(scope) | {"id": id}
        try:
            with collector.begin() as connection:
                connection.execute(appear, values | ({"model": model} if table == "activation" else {}))
                connection.execute(text(f"DELETE FROM `{table}` WHERE id = :id"), {"id": id})
        except IntegrityError:
            there.append((table, id))
    return there


def say_moves_again(collector: Engine, left: Scope, ids: Sequence[int]) -> list[int]:
    """Says again that these rows left a timekeeper for the one who has them; returns those for which it can't.

    A row goes to who had it and back, in one transaction. It can't where the matter is of a firm that the other isn't
    in, or the other has a row of the same source id.
    """
    failed = []
    for id in ids:
        try:
            with collector.begin() as connection:
                owner = connection.execute(_OWNER, {"id": id}).one_or_none()
                if owner is None:
                    failed.append(id)
                    continue
                for firm, timekeeper in ((left.firm, left.timekeeper), tuple(owner)):
                    connection.execute(_MOVE, {"id": id, "firm": firm, "timekeeper": timekeeper})
        except IntegrityError:
            failed.append(id)
    return failed


def _of(statement: str, table: str) -> TextClause:
    return text(statement.format(table=table)).bindparams(bindparam("ids", expanding=True))


def _owner(scope: Scope) -> dict[str, object]:
    return {"firm": scope.firm, "timekeeper": scope.timekeeper}
