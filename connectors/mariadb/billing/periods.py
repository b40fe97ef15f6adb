"""Reads cadences, and opens and closes their periods. Each period is opened once and closed once."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Engine, func, select, text, update
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.exc import IntegrityError

from connectors.mariadb.tables.ledger_tables import Entry, Period
from connectors.mariadb.tables.source_tables import Cadence as CadenceRow
from connectors.mariadb.tables.source_tables import Mark
from schemas.billing import Cadence, Occurrence
from schemas.keys import Scope

DUPLICATE_KEY_CODE = 1062

DueRule = Callable[[Cadence, date | None], Sequence[Occurrence]]
"""Returns which periods of a cadence are due, given the day on which its last known period ended."""


class CadenceState(msgspec.Struct, frozen=True):
    """A cadence, its timekeeper, and the day on which its last known period ended (None: it has none yet)."""

    scope: Scope
    cadence: Cadence
    last_period_end: date | None


class PeriodState(msgspec.Struct, frozen=True):
    """A period whose close mark was written: its days, and when it was closed (None: no mark was ingested yet)."""

    id: int
    scope: Scope
    starts_on: date
    ends_on: date
    due_at: int
    closed_at: int | None


def read_cadences(connection: Connection, cadence_id: int | None = None) -> list[CadenceState]:
    """Returns every cadence of every timekeeper, sorted by id; with `cadence_id` only that one."""
    of = CadenceRow
    last = select(func.max(Period.ends_on)).where(Period.cadence_id == of.id).scalar_subquery()
    query = select(
        of.firm_id, of.timekeeper_id, of.id, of.rrule, of.dtstart, of.zone, of.cutoff_minutes, last
    ).order_by(of.id)
    if cadence_id is not None:
        query = query.where(of.id == cadence_id)
    return [
        CadenceState(Scope(firm, timekeeper), Cadence(id, rule, dtstart, zone, cutoff), until)
        for firm, timekeeper, id, rule, dtstart, zone, cutoff, until in connection.execute(query)
    ]


def open_period(engine: Engine, state: CadenceState, occurrence: Occurrence) -> int | None:
    """Inserts a period and its close mark in one transaction; returns the period's id.

    Returns None, and writes nothing, where the period exists, or where the cadence or its last period no longer match
    `state`: a period of the old rule after one of the new rule would leave days out. The next check reads the current
    state.
    """
    scope, cadence = state.scope, state.cadence
    owner = {"firm": scope.firm, "timekeeper": scope.timekeeper}
    row = {
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "cadence_id": cadence.id,
        "starts_on": occurrence.starts_on,
        "ends_on": occurrence.ends_on,
        "due_at": occurrence.due_at,
    }
    try:
        with engine.begin() as connection:
            # Locks the cadence's row until the period is inserted, so that it can't be changed or deleted in between.
            connection.execute(_LOCK_CADENCE, {"cadence": cadence.id})
            if read_cadences(connection, cadence.id) != [state]:
                return None
            period = connection.execute(insert(Period).values(row)).lastrowid
            # The token holds the cadence and the day, so that the mark is as unique as the period.
            token = f"close:{cadence.id}:{occurrence.starts_on}"
            mark = connection.execute(_INSERT_CLOSE_MARK, {**owner, "token": token, "period": period}).lastrowid
            connection.execute(update(Period).where(Period.id == period).values(mark_id=mark))
            return int(period)
    except IntegrityError as error:
        if error.orig is not None and error.orig.args[0] == DUPLICATE_KEY_CODE:
            return None
        raise


def reissue_close_mark(engine: Engine, scope: Scope, mark_id: int) -> int | None:
    """Inserts another close mark for the period of `mark_id`, whose mark never closed it; returns the new mark's id.

    Returns None, and writes nothing, where this timekeeper has no such close mark, or the period is closed. An extra
    mark does no harm: the first that `bill` ingests closes the period.
    """
    with engine.begin() as connection:
        query = (
            select(Period.id)
            .join(Mark, Mark.period_id == Period.id)
            .where(Mark.id == mark_id, Mark.firm_id == scope.firm, Mark.timekeeper_id == scope.timekeeper)
            .where(Period.firm_id == scope.firm, Period.timekeeper_id == scope.timekeeper, Period.closed_at.is_(None))
        )
        period = connection.execute(query).scalar_one_or_none()
        if period is None:
            return None
        row = {"firm": scope.firm, "timekeeper": scope.timekeeper, "token": f"close-{uuid4().hex}", "period": period}
        new_mark = int(connection.execute(_INSERT_CLOSE_MARK, row).lastrowid)
        connection.execute(update(Period).where(Period.id == period).values(mark_id=new_mark))
        return new_mark


_LOCK_CADENCE = text("SELECT id FROM cadence WHERE id = :cadence LOCK IN SHARE MODE")
_INSERT_CLOSE_MARK = text(
    "INSERT INTO mark (firm_id, timekeeper_id, kind, token, period_id)"
    " VALUES (:firm, :timekeeper, 'close', :token, :period)"
)


def read_period(connection: Connection, scope: Scope, id: int) -> PeriodState | None:
    """Returns the period; None where it doesn't exist or isn't this timekeeper's."""
    return next(iter(_read_periods(connection, scope, Period.id == id)), None)


def read_pending_periods(connection: Connection, scope: Scope) -> list[tuple[PeriodState, int]]:
    """Returns the open periods that have a close mark, with the instant at which it was written; oldest first."""
    waiting = _read_periods(connection, scope, Period.closed_at.is_(None))
    query = (
        select(Mark.period_id, Mark.created_at)
        .where(Mark.period_id.in_([period.id for period in waiting]))
        .order_by(Mark.id)  # where a period has several marks, the newest counts
    )
    marked = {period: created_at for period, created_at in connection.execute(query)}
    return [(period, marked[period.id]) for period in waiting if period.id in marked]


def _read_periods(connection: Connection, scope: Scope, condition: object) -> list[PeriodState]:
    of = Period
    query = (
        select(of.id, of.starts_on, of.ends_on, of.due_at, of.closed_at)
        .where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, condition)  # type: ignore[arg-type]
        .order_by(of.due_at, of.id)
    )
    return [
        PeriodState(id, scope, starts_on, ends_on, due_at, closed_at)
        for id, starts_on, ends_on, due_at, closed_at in connection.execute(query)
    ]


def close_period(connection: Connection, period: PeriodState) -> int:
    """Closes the period, in the mark's transaction, and assigns to it the entries of its days that have no period.

    Returns how many entries it assigned.
    """
    of, scope = Entry, period.scope
    assigned = connection.execute(
        update(of)
        .where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.period_id.is_(None))
        .where(of.billing_day >= period.starts_on, of.billing_day < period.ends_on)
        .values(period_id=period.id)
    ).rowcount
    connection.execute(
        update(Period)
        .where(Period.id == period.id, Period.closed_at.is_(None))
        .values(closed_at=text("CURRENT_TIMESTAMP(6)"))
    )
    return assigned
