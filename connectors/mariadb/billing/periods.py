"""Cadences and the periods that they close. A period's row and its closing are each there once."""

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
"""Which periods of a cadence are due, given where its last known one ended."""


class CadenceState(msgspec.Struct, frozen=True):
    """A cadence, whose it is, and where its last known period ended (None: it has none yet)."""

    scope: Scope
    cadence: Cadence
    last_period_end: date | None


class PeriodState(msgspec.Struct, frozen=True):
    """A period whose close mark is there: its days, and when it was closed (None: the mark is under way)."""

    id: int
    scope: Scope
    starts_on: date
    ends_on: date
    due_at: int
    closed_at: int | None


def read_cadences(connection: Connection, cadence_id: int | None = None) -> list[CadenceState]:
    """Every cadence of everybody, by id; or the one."""
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
    """The period's row and its close mark, in one transaction.

    None, with nothing done, where the cadence's row or its last period isn't what `scheduled` says any more: a period
    of the old rule behind one of the new rule would leave days out. The next look sees it as it is.
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
            # The row stays as it is, and there, until the period is: whoever changes it waits that long.
            connection.execute(_LOCK_CADENCE, {"cadence": cadence.id})
            if read_cadences(connection, cadence.id) != [state]:
                return None
            period = connection.execute(insert(Period).values(row)).lastrowid
            # The token names cadence and day, so that the mark too is unique where the period is.
            token = f"close:{cadence.id}:{occurrence.starts_on}"
            mark = connection.execute(_INSERT_CLOSE_MARK, {**owner, "token": token, "period": period}).lastrowid
            connection.execute(update(Period).where(Period.id == period).values(mark_id=mark))
            return int(period)
    except IntegrityError as error:
        if error.orig is not None and error.orig.args[0] == DUPLICATE_KEY_CODE:
            return None
        raise


def reissue_close_mark(engine: Engine, scope: Scope, mark_id: int) -> int | None:
    """Another close mark for the period of this one, which never closed it; returns its id.

    None, with nothing written, where the mark is no such of this timekeeper, or the period is closed. One too many
    does no harm: the first that is taken closes the period.
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
        anew = int(connection.execute(_INSERT_CLOSE_MARK, row).lastrowid)
        connection.execute(update(Period).where(Period.id == period).values(mark_id=anew))
        return anew


_LOCK_CADENCE = text("SELECT id FROM cadence WHERE id = :cadence LOCK IN SHARE MODE")
_INSERT_CLOSE_MARK = text(
    "INSERT INTO mark (firm_id, timekeeper_id, kind, token, period_id)"
    " VALUES (:firm, :timekeeper, 'close', :token, :period)"
)


def read_period(connection: Connection, scope: Scope, id: int) -> PeriodState | None:
    """The period, if it is there and this timekeeper's."""
    return next(iter(_read_periods(connection, scope, Period.id == id)), None)


def read_pending_periods(connection: Connection, scope: Scope) -> list[tuple[PeriodState, int]]:
    """The periods whose close mark hasn't come back yet, with the instant at which it was written; oldest first."""
    waiting = _read_periods(connection, scope, Period.closed_at.is_(None))
    query = (
        select(Mark.period_id, Mark.created_at)
        .where(Mark.period_id.in_([period.id for period in waiting]))
        .order_by(Mark.id)  # of several the newest is the one to wait for
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
    """Gives the entries of its days to the period and closes it; returns how many. Part of the mark's transaction."""
    of, scope = Entry, period.scope
    given = connection.execute(
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
    return given
