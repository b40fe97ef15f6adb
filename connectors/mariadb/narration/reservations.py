"""Reserves narratives and stores their answers. A narrative's row is the exclusive right to call a model for it.

There is one row for each content and variant (law 6).

    due entries -> reserve (rows, call, its estimate against the budget: one transaction) -> call -> settle and write

Another process takes over a reservation that is older than the lease, because its process has died.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, Engine, bindparam, text

from connectors.mariadb.narration.due_entries import NarrativeVariant, attach_narrative
from connectors.mariadb.narration.llm_calls import (
    CallBudget,
    CallUsage,
    budget_transaction,
    insert_call,
    settle_answered,
)
from connectors.mariadb.server.transactions import in_transaction, retry_while_unavailable
from schemas.errors import LanguageModelError
from schemas.keys import Scope

STORE_RETRY_S = 120.0
"""Seconds for which storing an answer is retried while the database is unavailable. The lease must be longer."""


class NarrativeResult(msgspec.Struct, frozen=True):
    """The result of a call for one reserved narrative, and its entry. `text` is None where the answer was rejected."""

    narrative: int
    entry: int
    text: str | None
    citations: str


def reserve_narratives(
    engine: Engine,
    scope: Scope,
    variant: NarrativeVariant,
    contents: Sequence[str],
    call_budget: CallBudget,
    lease_s: float,
) -> tuple[dict[str, int], int]:
    """Reserves the contents that no other process holds, and records the first call for them.

    Returns the reserved narratives' ids by content, and the call's id (0, and no call, where nothing was reserved).
    Raises BudgetExceeded, with nothing reserved, and LanguageModelError like `budget_transaction`.
    """
    with budget_transaction(engine, call_budget) as connection:
        owner = {"firm": scope.firm, "timekeeper": scope.timekeeper, **msgspec.structs.asdict(variant)}
        mine = {
            content: id
            for content in contents
            if (id := _reserve_one(connection, {**owner, "content": content}, lease_s)) is not None
        }
        call = insert_call(connection, scope, variant, list(mine.values()), call_budget, 1) if mine else 0
        return mine, call


def record_retry(
    engine: Engine,
    scope: Scope,
    variant: NarrativeVariant,
    narratives: Sequence[int],
    call_budget: CallBudget,
    attempt: int,
    last_call: int,
) -> int:
    """Records another attempt after the call `last_call`; returns the new call's id.

    Raises BudgetExceeded. Raises LanguageModelError where another process has taken over one of the narratives, because
    this process was frozen for longer than the lease.
    """
    with budget_transaction(engine, call_budget) as connection:
        still_ours = connection.execute(
            _COUNT_STILL_RESERVED, {"narratives": tuple(narratives), "last": last_call}
        ).scalar_one()
        if still_ours != len(narratives):
            raise LanguageModelError(
                f"Another process has taken over the narratives of call {last_call}; the call isn't repeated."
            )
        return insert_call(connection, scope, variant, narratives, call_budget, attempt)


def expire_reservations(engine: Engine, narratives: Sequence[int], last_call: int, lease_s: float) -> None:
    """Ends the reservations whose last call is `last_call`, so that any process may reserve them at once.

    For reservations of which no call was paid.
    """
    with engine.begin() as connection:
        connection.execute(_EXPIRE, {"narratives": tuple(narratives), "last": last_call, "stale": lease_s})


def store_answer(engine: Engine, call: int, usage: CallUsage, results: Sequence[NarrativeResult]) -> None:
    """Settles an answered call, writes its narratives and attaches them to their entries, in one transaction.

    The answer is paid for, so this is retried for STORE_RETRY_S while the database is unavailable. Raises StackError
    after that.
    """

    def work(connection: Connection) -> None:
        settle_answered(connection, call, usage)
        for result in results:
            state = "rejected" if result.text is None else "written"
            connection.execute(_WRITE, {"state": state, **msgspec.structs.asdict(result)})
            attach_narrative(connection, narrative=result.narrative, entry=result.entry)

    retry_while_unavailable(lambda: in_transaction(engine, work, "READ COMMITTED"), STORE_RETRY_S)


def _reserve_one(connection: Connection, row: Mapping[str, object], lease_s: float) -> int | None:
    inserted = connection.execute(_RESERVE, row)
    if inserted.rowcount == 1:
        return int(inserted.lastrowid)
    taken_over = connection.execute(_FIND_EXPIRED, {**row, "stale": lease_s}).scalar()
    if taken_over is None:
        return None
    connection.execute(_TAKE_OVER, {"id": taken_over})
    return int(taken_over)


_RESERVE = text(
    "INSERT IGNORE INTO narrative (firm_id, timekeeper_id, content, prompt_version, guidelines, model)"
    " VALUES (:firm, :timekeeper, :content, :prompt_version, :guidelines, :model)"
)
_FIND_EXPIRED = text(
    "SELECT id FROM narrative WHERE firm_id = :firm AND timekeeper_id = :timekeeper AND content = :content"
    " AND prompt_version = :prompt_version AND guidelines = :guidelines AND model = :model AND state = 'reserved'"
    " AND created_at <= NOW(6) - INTERVAL :stale SECOND FOR UPDATE"
)
_TAKE_OVER = text("UPDATE narrative SET created_at = NOW(6) WHERE id = :id")
_STILL_RESERVED = (
    "n.id IN :narratives AND n.state = 'reserved'"
    " AND :last = (SELECT MAX(c.llm_call_id) FROM narrative_call c WHERE c.narrative_id = n.id)"
)
_COUNT_STILL_RESERVED = text(f"SELECT COUNT(*) FROM narrative n WHERE {_STILL_RESERVED}").bindparams(
    bindparam("narratives", expanding=True)
)
_EXPIRE = text(
    f"UPDATE narrative n SET n.created_at = NOW(6) - INTERVAL :stale SECOND WHERE {_STILL_RESERVED}"
).bindparams(bindparam("narratives", expanding=True))
_WRITE = text(
    "UPDATE narrative SET state = :state, text = :text, citations = :citations, written_at = NOW(6)"
    " WHERE id = :narrative AND state = 'reserved'"
)
