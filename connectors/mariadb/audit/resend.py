"""Resends rows: writes them again, so that capture emits the changes that the stream missed.

It needs the collector's user, because the pipeline's may not write an activity. Resending changes nothing that a person
can see.
"""

from collections.abc import Sequence

from sqlalchemy import Engine, TextClause, bindparam, text
from sqlalchemy.exc import IntegrityError

from schemas.keys import Scope
from schemas.ledger_snapshot import RowRef

_IN_SCOPE = "firm_id = :firm AND timekeeper_id = :timekeeper AND id IN :ids"
_LOCK_ROWS = f"SELECT id FROM `{{table}}` WHERE {_IN_SCOPE} FOR UPDATE"
_TOUCH_ROWS = f"UPDATE `{{table}}` SET said = said + 1 WHERE {_IN_SCOPE}"

# To resend a delete, one transaction inserts a nearly empty row with the id and deletes it. Only the binlog shows it.
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
    """Resends these rows as they are, in one transaction; returns those that this timekeeper doesn't have."""
    found: set[RowRef] = set()
    with collector.begin() as connection:
        for table in sorted({table for table, _ in row_refs}):
            values = _scope_params(scope) | {"ids": [id for of, id in row_refs if of == table]}
            ids = connection.execute(_statement(_LOCK_ROWS, table), values).scalars().all()
            found |= {(table, id) for id in ids}
            if ids:
                connection.execute(_statement(_TOUCH_ROWS, table), values)
    return [row_ref for row_ref in row_refs if row_ref not in found]


def resend_deletes(collector: Engine, scope: Scope, row_refs: Sequence[RowRef], model: str) -> list[RowRef]:
    """Resends the deletes of these rows, one transaction each; returns those whose id is in use, by any timekeeper.

    `model` is a version that the partition workers know. An activation has to name one, even though its placeholder is
    deleted at once.
    """
    existing = []
    for table, id in row_refs:
        columns, literals = _PLACEHOLDER_COLUMNS[table]
        insert_placeholder = text(
            f"INSERT INTO `{table}` (id, firm_id, timekeeper_id, {columns})"
            f" VALUES (:id, :firm, :timekeeper, {literals})"
        )
        values = _scope_params(scope) | {"id": id}
        try:
            with collector.begin() as connection:
                connection.execute(insert_placeholder, values | ({"model": model} if table == "activation" else {}))
                connection.execute(text(f"DELETE FROM `{table}` WHERE id = :id"), {"id": id})
        except IntegrityError:
            existing.append((table, id))
    return existing


def resend_moves(collector: Engine, previous_scope: Scope, ids: Sequence[int]) -> list[int]:
    """Resends that these activities moved from `previous_scope` to their present timekeeper; returns those that failed.

    One transaction moves a row to its previous timekeeper and back. It fails where the row doesn't exist, where its
    matter belongs to a firm that the previous timekeeper isn't in, or where that timekeeper has a row with the same
    source id.
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
