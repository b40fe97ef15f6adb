"""Writes generated rows as a collector does: the firm and its people, then one small transaction after another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby, islice

from sqlalchemy import Connection, Engine

from connectors.mariadb.source.activities import (
    CollectedActivity,
    delete_activities,
    read_activity_ids,
    upsert_activities,
)
from connectors.mariadb.source.directory import (
    ensure_cadence,
    ensure_client,
    ensure_firm,
    ensure_matter,
    ensure_timekeeper,
)
from processors.simulation.values import SIMULATION_SOURCE, RowWrite, SimulatedRow, SimulatedWeek, WriteOperation
from schemas.keys import Scope

TOGETHER = 40
"""Writes given at once when no rate is asked for: a collector flushes every few seconds, not every row."""

MOST_TOGETHER = 200

WEEKLY = "FREQ=WEEKLY;BYDAY=MO"
CLOSED_AT_HOUR = 8
CUTOFF_MINUTES = 240
"""The generated people's week is due on Monday at noon of their own time."""


def set_up(connection: Connection, week: SimulatedWeek, first: date) -> tuple[dict[str, Scope], dict[str, int]]:
    """Creates the firm with its timekeepers, clients, matters and cadences. Returns scopes by e-mail address and matter
    ids by number.
    """
    firm = ensure_firm(connection, week.firm.name)
    clients = {one.name: ensure_client(connection, firm, one.name, (one.domain,)) for one in week.firm.clients}
    matters = {
        one.number: ensure_matter(
            connection,
            firm,
            clients[one.client],
            one.number,
            name=one.name,
            aliases=one.aliases,
            billable=one.billable,
        )
        for one in week.firm.matters
    }
    scopes = {}
    for person in week.firm.people:
        scope = ensure_timekeeper(connection, person.email, week.firm.name, name=person.name, zone=person.zone)
        ensure_cadence(connection, scope, WEEKLY, opening(first), person.zone, CUTOFF_MINUTES)
        scopes[person.email] = scope
    return scopes, matters


def opening(first: date) -> datetime:
    """The wall-clock time at which the first day's week begins, which starts the cadence, whatever the zone."""
    monday = first - timedelta(days=first.weekday())
    return datetime(monday.year, monday.month, monday.day, CLOSED_AT_HOUR)  # noqa: DTZ001 -- the zone is beside it


def paced(
    writes: Iterable[RowWrite], rate: float | None, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[tuple[RowWrite, ...]]:
    """Yields batches of writes: as fast as they are consumed, or at `rate` per second.

    A consumer that can't keep up gets all writes that are due (at most MOST_TOGETHER), so that the rate is kept.
    """
    rest = iter(writes)
    began, given = clock(), 0
    while True:
        if rate is None:
            count = TOGETHER
        else:
            if (early := began + given / rate - clock()) > 0:
                sleep(early)
            count = min(MOST_TOGETHER, max(1, int((clock() - began) * rate) + 1 - given))
        batch = tuple(islice(rest, count))
        if not batch:
            return
        given += len(batch)
        yield batch


def write_batch(engine: Engine, batch: Sequence[RowWrite], scopes: dict[str, Scope], matters: dict[str, int]) -> None:
    """Writes one transaction for each timekeeper, as separate collectors would. Each timekeeper's writes keep their
    order.
    """
    of_person: dict[str, list[RowWrite]] = {}
    for one in batch:
        of_person.setdefault(one.email, []).append(one)
    for email, writes in of_person.items():
        with engine.begin() as connection:
            for verb, run in groupby(writes, key=lambda one: one.operation):
                _apply(connection, scopes[email], verb, [one.row for one in run], matters)


def _apply(
    connection: Connection, scope: Scope, verb: WriteOperation, rows: Sequence[SimulatedRow], matters: dict[str, int]
) -> None:
    if verb is WriteOperation.DELETE:
        there = read_activity_ids(connection, scope, SIMULATION_SOURCE, [row.source_id for row in rows])
        delete_activities(connection, scope, list(there.values()))
    else:
        upsert_activities(connection, scope, [_seen(row, matters) for row in rows])


def _seen(row: SimulatedRow, matters: dict[str, int]) -> CollectedActivity:
    return CollectedActivity(
        source=SIMULATION_SOURCE,
        source_id=row.source_id,
        kind=row.kind,
        started_at=row.started_at,
        ended_at=row.ended_at,
        zone=row.zone,
        words=row.words,
        app=row.app,
        matter=matters[row.matter] if row.matter else None,
    )
