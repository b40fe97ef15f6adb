"""Reservations: the row of a narrative is the right to call for it, and there is one row for each content (law 6).

    due entries -> reserve (rows, the call, its estimate against the budget: one transaction) -> ask -> settle and write

A reservation whose process has died is taken over once it is older than the lease.
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
"""For so long an answer is held for a database that is away. A reservation must not become stale meanwhile."""


class NarrativeResult(msgspec.Struct, frozen=True):
    """What a call made of one reserved narrative, and the entry that it is for; `text` None where nothing stood."""

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
    """Reserves what isn't somebody else's, and writes the first call down; returns narratives by content, and the call.

    Where nothing could be reserved, there is no call (0). Raises BudgetExceeded, with nothing reserved.
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
    """Writes a further attempt down, after the call `last`.

    Raises BudgetExceeded; LanguageModelError where another process has taken a narrative over meanwhile: this one was
    frozen for so long that its reservation went stale.
    """
    with budget_transaction(engine, call_budget) as connection:
        ours = connection.execute(
            _COUNT_STILL_RESERVED, {"narratives": tuple(narratives), "last": last_call}
        ).scalar_one()
        if ours != len(narratives):
            raise LanguageModelError(
                f"Another process has taken over what call {last_call} was for; it isn't made again."
            )
        return insert_call(connection, scope, variant, narratives, call_budget, attempt)


def expire_reservations(engine: Engine, narratives: Sequence[int], last_call: int, lease_s: float) -> None:
    """Ends the reservations whose last call is `last`: nothing was paid for them, so anybody may ask at once."""
    with engine.begin() as connection:
        connection.execute(_EXPIRE, {"narratives": tuple(narratives), "last": last_call, "stale": lease_s})


def store_answer(engine: Engine, call: int, usage: CallUsage, results: Sequence[NarrativeResult]) -> None:
    """Settles an answered call, writes its narratives and gives them to their entries: together or not at all.

    The answer is paid for, so this is tried again for KEEP_S while the database is away; raises StackError after that.
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
