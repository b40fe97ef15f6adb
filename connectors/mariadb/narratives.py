"""Narratives and the calls that pay for them. Reserving a narrative's row is the right to call; it is there once.

    due entries -> reserve (rows, the call, its estimate against the budget: one transaction) -> ask -> settle and write

A reservation that outlives its caller is taken over when it is stale. What a lost call cost isn't known: it counts as
its estimate.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import msgspec
from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from connectors.mariadb.transactions import in_transaction
from schemas.errors import BudgetExceeded, LanguageModelError, StackError
from schemas.keys import Scope

BUDGET_LOCK = "timeloom.budget"
LOCK_WAIT_S = 10
KEEP_S = 120.0
"""For so long an answer is held for a database that is away. A reservation must not become stale meanwhile."""

MOST_CALLS = 12
"""Calls for one narrative that may have been paid, over all its reservations; after so many it stays extractive. Those
of an endpoint that was away don't count: an outage, however long, is made up for.
"""

MOST_REFUSALS = 3
"""How often in 24 hours a question is asked again that the endpoint refuses; that costs nothing."""


class Kind(msgspec.Struct, frozen=True):
    """What besides the content makes a narrative another one."""

    prompt_version: str
    guidelines: str
    model: str


class DueEntry(msgspec.Struct, frozen=True):
    """An entry of a closed period that has no model's narrative; its activities strongest first."""

    id: int
    scope: Scope
    day: date
    matter: int | None
    content: str
    activities: tuple[int, ...]

    @property
    def place(self) -> "Place":
        """Where it stands among all that are due."""
        return self.scope.firm, self.scope.timekeeper, self.matter or 0, self.day, self.id


Place = tuple[int, int, int, date, int]

FIRST: Place = (0, 0, 0, date.min, 0)


class Spending(msgspec.Struct, frozen=True):
    """A call about to be made: where to, and the most that it may cost; and what may be spent in 24 hours."""

    destination: str
    estimate: int
    budget: int


class Result(msgspec.Struct, frozen=True):
    """What a call made of one reserved narrative, and the entry that it is for; `text` None where nothing stood."""

    narrative: int
    entry: int
    text: str | None
    citations: str


class Usage(msgspec.Struct, frozen=True):
    """What an answered call used. `cost` None: not known, the estimate stays."""

    state: str
    input_tokens: int | None
    output_tokens: int | None
    cost: int | None


def attach_written(engine: Engine, kind: Kind) -> int:
    """Gives closed entries the narratives that were written, and paid, for just their content; returns how many."""

    def work(connection: Connection) -> int:
        # Found without locks and then locked one by one: a join would lock every entry that it passes.
        found = connection.execute(_WRITTEN, msgspec.structs.asdict(kind)).fetchall()
        return sum(_attach(connection, narrative=narrative, entry=entry) for entry, narrative in found)

    return in_transaction(engine, work, "READ COMMITTED")


def _attach(connection: Connection, *, narrative: int, entry: int) -> int:
    return connection.execute(_ATTACH, {"narrative": narrative, "entry": entry}).rowcount


def due_entries(
    connection: Connection, kind: Kind, stale_s: float, quiet_s: float, most: int, after: Place = FIRST
) -> list[DueEntry]:
    """Entries to narrate, by timekeeper and matter, at most so many behind a place. Left out are those that changed a
    moment ago (more may follow) and those that another process has reserved.
    """
    firm, timekeeper, matter, day, id = after
    here = {"firm": firm, "timekeeper": timekeeper, "matter": matter, "day": day, "id": id}
    limits = {"stale": stale_s, "quiet": quiet_s, "calls": MOST_CALLS, "refusals": MOST_REFUSALS, "most": most}
    rows = connection.execute(_DUE, {**msgspec.structs.asdict(kind), **limits, **here}).fetchall()
    parts = _parts(connection, [row[0] for row in rows])
    return [
        DueEntry(id, Scope(firm, timekeeper), day, matter, content, tuple(parts.get(id, ())))
        for id, firm, timekeeper, day, matter, content in rows
    ]


def _parts(connection: Connection, entries: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    if entries:
        for entry, activity in connection.execute(_PARTS, {"entries": tuple(entries)}):
            found.setdefault(entry, []).append(activity)
    return found


def reserve(
    engine: Engine, scope: Scope, kind: Kind, contents: Sequence[str], spending: Spending, stale_s: float
) -> tuple[dict[str, int], int]:
    """Reserves what isn't somebody else's, and writes the first call down; returns narratives by content, and the call.

    Where nothing could be reserved, there is no call (0). Raises BudgetExceeded, with nothing reserved.
    """
    with _budget(engine, spending) as connection:
        owner = {"firm": scope.firm, "timekeeper": scope.timekeeper, **msgspec.structs.asdict(kind)}
        mine = {
            content: id
            for content in contents
            if (id := _reserve_one(connection, {**owner, "content": content}, stale_s)) is not None
        }
        call = _write_call(connection, scope, kind, list(mine.values()), spending, 1) if mine else 0
        return mine, call


def try_again(
    engine: Engine, scope: Scope, kind: Kind, narratives: Sequence[int], spending: Spending, attempt: int, last: int
) -> int:
    """Writes a further attempt down, after the call `last`.

    Raises BudgetExceeded; LanguageModelError where another process has taken a narrative over meanwhile: this one was
    frozen for so long that its reservation went stale.
    """
    with _budget(engine, spending) as connection:
        ours = connection.execute(_OURS, {"narratives": tuple(narratives), "last": last}).scalar_one()
        if ours != len(narratives):
            raise LanguageModelError(f"Another process has taken over what call {last} was for; it isn't made again.")
        return _write_call(connection, scope, kind, narratives, spending, attempt)


def give_back(engine: Engine, narratives: Sequence[int], last: int, stale_s: float) -> None:
    """Ends the reservations whose last call is `last`: nothing was paid for them, so anybody may ask at once."""
    with engine.begin() as connection:
        connection.execute(_GIVE_BACK, {"narratives": tuple(narratives), "last": last, "stale": stale_s})


def settle_failed(engine: Engine, call: int, state: str, status: int | None, error: str, paid: bool | None) -> None:
    """Ends a call that brought nothing. Where it may have been paid, its estimate stays as its cost."""
    values = {"call": call, "state": state, "status": status, "error": error, "unpaid": paid is False}
    with engine.begin() as connection:
        connection.execute(_SETTLE_FAILED, values)


def write(engine: Engine, call: int, usage: Usage, results: Sequence[Result]) -> None:
    """Settles an answered call, writes its narratives and gives them to their entries: together or not at all.

    The answer is paid for, so this is tried again for KEEP_S while the database is away; raises StackError after that.
    """

    def work(connection: Connection) -> None:
        connection.execute(_SETTLE, {"call": call, **msgspec.structs.asdict(usage)})
        for result in results:
            state = "rejected" if result.text is None else "written"
            connection.execute(_WRITE, {"state": state, **msgspec.structs.asdict(result)})
            _attach(connection, narrative=result.narrative, entry=result.entry)

    while_away(lambda: in_transaction(engine, work, "READ COMMITTED"), KEEP_S)


def while_away(work: Callable[[], object], patience_s: float) -> None:
    """Does work that may be done twice, again and again while the database is away; after `patience_s` raises why."""
    Retrying(
        retry=retry_if_exception_type((StackError, OperationalError)),
        stop=stop_after_delay(patience_s),
        wait=wait_random_exponential(0.1, max=5),
        reraise=True,
    )(work)


def give_up_lost(connection: Connection, stale_s: float) -> int:
    """Calls of processes that are gone: marked lost; returns how many. They may have been paid."""
    return connection.execute(_LOST, {"stale": stale_s}).rowcount


def spent(connection: Connection) -> int:
    """Microdollars of the last 24 hours, with what calls under way may cost."""
    return int(connection.execute(_SPENT).scalar_one())


@contextmanager
def _budget(engine: Engine, spending: Spending) -> Iterator[Connection]:
    """A transaction in which nobody else spends. Raises BudgetExceeded where the money doesn't suffice."""
    with engine.connect() as connection:
        names = {"name": BUDGET_LOCK, "wait": LOCK_WAIT_S}
        if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), names) != 1:
            # It may be frozen in there. Not a reason to end: periods close meanwhile, and the next look tries again.
            raise LanguageModelError(f"Another process has held the budget for {LOCK_WAIT_S} s; nothing was asked.")
        connection.commit()
        try:
            with connection.begin():
                already = spent(connection)
                if already + spending.estimate > spending.budget:
                    raise BudgetExceeded(
                        f"A call may cost ${spending.estimate / 1e6:.4f}, and of ${spending.budget / 1e6:.2f} for 24 "
                        f"hours ${already / 1e6:.4f} are spent or reserved. Raise TIMELOOM_BUDGET_USD or wait."
                    )
                yield connection
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": BUDGET_LOCK})
            connection.commit()


def _reserve_one(connection: Connection, row: Mapping[str, object], stale_s: float) -> int | None:
    inserted = connection.execute(_RESERVE, row)
    if inserted.rowcount == 1:
        return int(inserted.lastrowid)
    taken_over = connection.execute(_FIND_STALE, {**row, "stale": stale_s}).scalar()
    if taken_over is None:
        return None
    connection.execute(_TAKE_OVER, {"id": taken_over})
    return int(taken_over)


def _write_call(
    connection: Connection, scope: Scope, kind: Kind, narratives: Sequence[int], spending: Spending, attempt: int
) -> int:
    owner = {"firm": scope.firm, "timekeeper": scope.timekeeper}
    call = connection.execute(
        _CALL,
        {
            **owner,
            "destination": spending.destination[:255],
            "model": kind.model,
            "prompt_version": kind.prompt_version,
            "attempt": attempt,
            "estimate": spending.estimate,
        },
    ).lastrowid
    connection.execute(_LINK, [{**owner, "narrative": id, "call": call} for id in narratives])
    return int(call)


_SAME = (
    "n.firm_id = e.firm_id AND n.timekeeper_id = e.timekeeper_id AND n.content = e.content"
    " AND n.prompt_version = :prompt_version AND n.guidelines = :guidelines AND n.model = :model"
)
# A person's hand is on what is accepted; and time that costs nothing needs no bought words.
_OPEN = "e.period_id IS NOT NULL AND e.narrative_id IS NULL AND e.status = 'proposed' AND e.allocated_us > 0"
_WRITTEN = text(f"SELECT e.id, n.id FROM entry e JOIN narrative n ON {_SAME} WHERE {_OPEN} AND n.state = 'written'")
_ATTACH = text(
    "UPDATE entry e JOIN narrative n ON n.firm_id = e.firm_id AND n.timekeeper_id = e.timekeeper_id"
    " AND n.content = e.content SET e.narrative = n.text, e.narrative_id = n.id"
    f" WHERE e.id = :entry AND n.id = :narrative AND n.state = 'written' AND {_OPEN}"
)
_CALLS = "FROM narrative_call c JOIN llm_call l ON l.id = c.llm_call_id WHERE c.narrative_id = n.id"
_DUE = text(
    "SELECT e.id, e.firm_id, e.timekeeper_id, e.billing_day, e.matter_id, e.content FROM entry e"
    f" LEFT JOIN narrative n ON {_SAME} WHERE {_OPEN}"
    " AND e.updated_at <= NOW(6) - INTERVAL :quiet SECOND"
    " AND (e.firm_id, e.timekeeper_id, e.matter_key, e.billing_day, e.id) > (:firm, :timekeeper, :matter, :day, :id)"
    " AND (n.id IS NULL OR (n.state = 'reserved' AND n.created_at <= NOW(6) - INTERVAL :stale SECOND"
    f" AND (SELECT COUNT(*) {_CALLS} AND l.state NOT IN ('unreachable', 'limited', 'failed', 'denied', 'refused'))"
    f" < :calls AND (SELECT COUNT(*) {_CALLS} AND l.state = 'refused'"
    " AND l.started_at > NOW(6) - INTERVAL 24 HOUR) < :refusals))"
    " ORDER BY e.firm_id, e.timekeeper_id, e.matter_key, e.billing_day, e.id LIMIT :most"
)
_PARTS = text(
    "SELECT entry_id, activity_id FROM entry_activity WHERE entry_id IN :entries"
    " ORDER BY entry_id, allocated_us DESC, activity_id"
).bindparams(bindparam("entries", expanding=True))
_RESERVE = text(
    "INSERT IGNORE INTO narrative (firm_id, timekeeper_id, content, prompt_version, guidelines, model)"
    " VALUES (:firm, :timekeeper, :content, :prompt_version, :guidelines, :model)"
)
_FIND_STALE = text(
    "SELECT id FROM narrative WHERE firm_id = :firm AND timekeeper_id = :timekeeper AND content = :content"
    " AND prompt_version = :prompt_version AND guidelines = :guidelines AND model = :model AND state = 'reserved'"
    " AND created_at <= NOW(6) - INTERVAL :stale SECOND FOR UPDATE"
)
_TAKE_OVER = text("UPDATE narrative SET created_at = NOW(6) WHERE id = :id")
_HELD = (
    "n.id IN :narratives AND n.state = 'reserved'"
    " AND :last = (SELECT MAX(c.llm_call_id) FROM narrative_call c WHERE c.narrative_id = n.id)"
)
_OURS = text(f"SELECT COUNT(*) FROM narrative n WHERE {_HELD}").bindparams(bindparam("narratives", expanding=True))
_GIVE_BACK = text(f"UPDATE narrative n SET n.created_at = NOW(6) - INTERVAL :stale SECOND WHERE {_HELD}").bindparams(
    bindparam("narratives", expanding=True)
)
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
_WRITE = text(
    "UPDATE narrative SET state = :state, text = :text, citations = :citations, written_at = NOW(6)"
    " WHERE id = :narrative AND state = 'reserved'"
)
_LOST = text(
    "UPDATE llm_call SET state = 'lost', error = 'its process ended before the answer', ended_at = NOW(6)"
    " WHERE state = 'sent' AND started_at <= NOW(6) - INTERVAL :stale SECOND"
)
_SPENT = text("SELECT COALESCE(SUM(cost_microdollars), 0) FROM llm_call WHERE started_at > NOW(6) - INTERVAL 24 HOUR")
