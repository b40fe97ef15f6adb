"""The calls to a language model as rows, and the budget that they are reserved from.

What a lost call cost isn't known, so its estimate counts as its cost.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from sqlalchemy import Connection, Engine, text

from connectors.mariadb.narration.due_entries import NarrativeVariant
from schemas.errors import BudgetExceeded, LanguageModelError
from schemas.keys import Scope

BUDGET_LOCK = "timeloom.budget"
LOCK_WAIT_S = 10


class CallBudget(msgspec.Struct, frozen=True):
    """A call about to be made: where to, and the most that it may cost; and what may be spent in 24 hours."""

    destination: str
    estimate: int
    budget: int


class CallUsage(msgspec.Struct, frozen=True):
    """What an answered call used. `cost` None: not known, the estimate stays."""

    state: str
    input_tokens: int | None
    output_tokens: int | None
    cost: int | None


def settle_answered(connection: Connection, call: int, usage: CallUsage) -> None:
    """Records what an answered call used, in the caller's transaction."""
    connection.execute(_SETTLE, {"call": call, **msgspec.structs.asdict(usage)})


def settle_failed(engine: Engine, call: int, state: str, status: int | None, error: str, paid: bool | None) -> None:
    """Ends a call that brought nothing. Where it may have been paid, its estimate stays as its cost."""
    values = {"call": call, "state": state, "status": status, "error": error, "unpaid": paid is False}
    with engine.begin() as connection:
        connection.execute(_SETTLE_FAILED, values)


def mark_lost_calls(connection: Connection, lease_s: float) -> int:
    """Calls of processes that are gone: marked lost; returns how many. They may have been paid."""
    return connection.execute(_LOST, {"stale": lease_s}).rowcount


def read_spent_microdollars(connection: Connection) -> int:
    """Microdollars of the last 24 hours, with what calls under way may cost."""
    return int(connection.execute(_SPENT).scalar_one())


@contextmanager
def budget_transaction(engine: Engine, call_budget: CallBudget) -> Iterator[Connection]:
    """A transaction in which nobody else spends. Raises BudgetExceeded where the money doesn't suffice."""
    with engine.connect() as connection:
        names = {"name": BUDGET_LOCK, "wait": LOCK_WAIT_S}
        if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), names) != 1:
            # It may be frozen in there. Not a reason to end: periods close meanwhile, and the next look tries again.
            raise LanguageModelError(f"Another process has held the budget for {LOCK_WAIT_S} s; nothing was asked.")
        connection.commit()
        try:
            with connection.begin():
                already = read_spent_microdollars(connection)
                if already + call_budget.estimate > call_budget.budget:
                    raise BudgetExceeded(
                        f"A call may cost ${call_budget.estimate / 1e6:.4f}, and of ${call_budget.budget / 1e6:.2f} "
                        f"for 24 hours ${already / 1e6:.4f} are spent or reserved. Raise TIMELOOM_BUDGET_USD or wait."
                    )
                yield connection
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": BUDGET_LOCK})
            connection.commit()


def insert_call(
    connection: Connection,
    scope: Scope,
    variant: NarrativeVariant,
    narratives: Sequence[int],
    call_budget: CallBudget,
    attempt: int,
) -> int:
    owner = {"firm": scope.firm, "timekeeper": scope.timekeeper}
    call = connection.execute(
        _CALL,
        {
            **owner,
            "destination": call_budget.destination[:255],
            "model": variant.model,
            "prompt_version": variant.prompt_version,
            "attempt": attempt,
            "estimate": call_budget.estimate,
        },
    ).lastrowid
    connection.execute(_LINK, [{**owner, "narrative": id, "call": call} for id in narratives])
    return int(call)


_CALL = text(
    "INSERT INTO llm_call (firm_id, timekeeper_id, destination, model, prompt_version, attempt, state,"
    " cost_microdollars, started_at)"
    " VALUES (:firm, :timekeeper, :destination, :model, :prompt_version, :attempt, 'sent', :estimate, NOW(6))"
)
_LINK = text(
    "INSERT INTO narrative_call (narrative_id, llm_call_id, firm_id, timekeeper_id)"
    " VALUES (:narrative, :call, :firm, :timekeeper)"
)
_SETTLE_FAILED = text(
    "UPDATE llm_call SET state = :state, status_code = :status, error = :error, ended_at = NOW(6),"
    " cost_microdollars = IF(:unpaid, 0, cost_microdollars) WHERE id = :call"
)
_SETTLE = text(
    "UPDATE llm_call SET state = :state, status_code = 200, input_tokens = :input_tokens,"
    " output_tokens = :output_tokens, cost_microdollars = COALESCE(:cost, cost_microdollars), ended_at = NOW(6)"
    " WHERE id = :call"
)
_LOST = text(
    "UPDATE llm_call SET state = 'lost', error = 'its process ended before the answer', ended_at = NOW(6)"
    " WHERE state = 'sent' AND started_at <= NOW(6) - INTERVAL :stale SECOND"
)
_SPENT = text("SELECT COALESCE(SUM(cost_microdollars), 0) FROM llm_call WHERE started_at > NOW(6) - INTERVAL 24 HOUR")
