"""Has the database say rows again, so that what the stream missed reaches it the way that everything does.

Done as a collector: the pipeline's user may not write an activity. Each function is one transaction, and changes
nothing that a person could see.
"""

from collections.abc import Sequence

from sqlalchemy import Engine, TextClause, bindparam, text
from sqlalchemy.exc import IntegrityError

from schemas.keys import Scope
from schemas.ledger_snapshot import RowRef

_IN_SCOPE = "firm_id = :firm AND timekeeper_id = :timekeeper AND id IN :ids"
_LOCK_ROWS = f"SELECT id FROM `{{table}}` WHERE {_IN_SCOPE} FOR UPDATE"
_TOUCH_ROWS = f"UPDATE `{{table}}` SET said = said + 1 WHERE {_IN_SCOPE}"

# The id comes back for a moment that only the binlog sees: an insert of nearly nothing and a delete in one transaction.
_PLACEHOLDER_COLUMNS = {
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


def resend_rows(collector: Engine, scope: Scope, row_refs: Sequence[RowRef]) -> list[RowRef]:
    """Says these rows again, as they are; returns those that aren't there, or not this timekeeper's."""
    found: set[RowRef] = set()
    with collector.begin() as connection:
        for table in sorted({table for table, _ in row_refs}):
            values = _scope_params(scope) | {"ids": [id for of, id in row_refs if of == table]}
            ids = connection.execute(_statement(_LOCK_ROWS, table), values).scalars().all()
            found |= {(table, id) for id in ids}
            if ids:
                connection.execute(_statement(_TOUCH_ROWS, table), values)
    return [name for name in row_refs if name not in found]


def resend_deletes(collector: Engine, scope: Scope, row_refs: Sequence[RowRef], model: str) -> list[RowRef]:
    """Says again that these rows are gone; returns those that aren't (the id is in use, perhaps somebody else's).

    `model` is a version that the workers know: an activation has to name one, though it is gone at once.
    """
    there = []
    for table, id in row_refs:
        columns, literals = _PLACEHOLDER_COLUMNS[table]
        appear = text(
            f"INSERT INTO `{table}` (id, firm_id, timekeeper_id, {columns})"
            f" VALUES (:id, :firm, :timekeeper, {literals})"
        )
        values = _scope_params(scope) | {"id": id}
        try:
            with collector.begin() as connection:
                connection.execute(appear, values | ({"model": model} if table == "activation" else {}))
                connection.execute(text(f"DELETE FROM `{table}` WHERE id = :id"), {"id": id})
        except IntegrityError:
            there.append((table, id))
    return there


def resend_moves(collector: Engine, previous_scope: Scope, ids: Sequence[int]) -> list[int]:
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
                for firm, timekeeper in ((previous_scope.firm, previous_scope.timekeeper), tuple(owner)):
                    connection.execute(_MOVE, {"id": id, "firm": firm, "timekeeper": timekeeper})
        except IntegrityError:
            failed.append(id)
    return failed


def _statement(statement: str, table: str) -> TextClause:
    return text(statement.format(table=table)).bindparams(bindparam("ids", expanding=True))


def _scope_params(scope: Scope) -> dict[str, object]:
    return {"firm": scope.firm, "timekeeper": scope.timekeeper}
