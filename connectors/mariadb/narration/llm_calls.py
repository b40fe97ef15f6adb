"""Records language model calls as rows, and reserves their cost from the budget.

The cost of a lost call isn't known, so its estimate counts as its cost.
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
    """A call to be made: its destination, the most that it may cost, and the budget for 24 hours (microdollars)."""

    destination: str
    estimate: int
    budget: int


class CallUsage(msgspec.Struct, frozen=True):
    """What an answered call used. `cost` is microdollars; None where it isn't known, so that the estimate stays."""

    state: str
    input_tokens: int | None
    output_tokens: int | None
    cost: int | None


def settle_answered(connection: Connection, call: int, usage: CallUsage) -> None:
    """Records what an answered call used, in the caller's transaction."""
    connection.execute(_SETTLE, {"call": call, **msgspec.structs.asdict(usage)})


def settle_failed(engine: Engine, call: int, state: str, status: int | None, error: str, paid: bool | None) -> None:
    """Records that a call failed. `paid` False sets its cost to 0; with True or None (unknown) the estimate stays."""
    values = {"call": call, "state": state, "status": status, "error": error, "unpaid": paid is False}
    with engine.begin() as connection:
        connection.execute(_SETTLE_FAILED, values)


def mark_lost_calls(connection: Connection, lease_s: float) -> int:
    """Marks unanswered calls that are older than `lease_s` seconds as lost; returns how many.

    Their processes have ended. They may have been paid, so their estimates stay as their costs.
    """
    return connection.execute(_LOST, {"stale": lease_s}).rowcount


def read_spent_microdollars(connection: Connection) -> int:
    """Returns the microdollars of the last 24 hours, including the estimates of calls without an answer yet."""
    return int(connection.execute(_SPENT).scalar_one())


@contextmanager
def budget_transaction(engine: Engine, call_budget: CallBudget) -> Iterator[Connection]:
    """A transaction during which no other process reserves from the budget.

    Raises BudgetExceeded where the rest of the budget is less than the estimate, and LanguageModelError where another
    process holds the budget for LOCK_WAIT_S seconds.
    """
    with engine.connect() as connection:
        names = {"name": BUDGET_LOCK, "wait": LOCK_WAIT_S}
        if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), names) != 1:
            # The other process may be frozen. No reason to exit: periods still close, and the next round retries.
            raise LanguageModelError(f"Another process has held the budget for {LOCK_WAIT_S} s; no call was made.")
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
    """Inserts a call with its estimate as cost, and links it to its narratives; returns its id."""
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
