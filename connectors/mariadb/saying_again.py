"""Has the database say rows again, so that what the stream missed reaches it the way that everything does.

Done as a collector: the pipeline's user may not write an activity. Each function is one transaction, and changes
nothing that a person could see.
"""

from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, text
from sqlalchemy.exc import IntegrityError

from schemas.keys import Scope

_AGAIN = text(
    "UPDATE activity SET said = said + 1 WHERE firm_id = :firm AND timekeeper_id = :timekeeper AND id IN :ids"
).bindparams(bindparam("ids", expanding=True))

# The id comes back for a moment that only the binlog sees: an insert and a delete in one transaction.
_APPEAR = text(
    "INSERT INTO activity (id, firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words)"
    " VALUES (:id, :firm, :timekeeper, 'mend', :source_id, 'other', UTC_TIMESTAMP(6), 'UTC', '{}')"
)
_GO = text(
    "DELETE FROM activity WHERE id = :id AND firm_id = :firm AND timekeeper_id = :timekeeper AND source = 'mend'"
)

_OWNER = text("SELECT firm_id, timekeeper_id FROM activity WHERE id = :id FOR UPDATE")
_MOVE = text("UPDATE activity SET firm_id = :firm, timekeeper_id = :timekeeper WHERE id = :id")


def say_again(collector: Engine, scope: Scope, ids: Sequence[int]) -> int:
    """Says these rows again, as they are; returns how many there were."""
    if not ids:
        return 0
    with collector.begin() as connection:
        values = {"firm": scope.firm, "timekeeper": scope.timekeeper, "ids": list(ids)}
        return connection.execute(_AGAIN, values).rowcount


def say_deletes_again(collector: Engine, scope: Scope, ids: Sequence[int]) -> list[int]:
    """Says again that these rows are gone; returns those that aren't (the id is in use, perhaps somebody else's)."""
    there = []
    for id in ids:
        values = {"id": id, "firm": scope.firm, "timekeeper": scope.timekeeper}
        try:
            with collector.begin() as connection:
                connection.execute(_APPEAR, values | {"source_id": f"gone-{id}"})
                connection.execute(_GO, values)
        except IntegrityError:
            there.append(id)
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
