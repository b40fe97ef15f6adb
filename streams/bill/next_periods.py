"""`bill next`: shows when each timekeeper's next period is due, and how long pending close marks have waited."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from processors.billing.cadence import next_due, periods_due
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from connectors.mariadb.billing.periods import CadenceState

MICRO = 1_000_000


class UpcomingPeriod(msgspec.Struct, frozen=True):
    """A period: the billing days [starts_on, ends_on), and when it is due (microseconds since 1970).

    `state` is scheduled (not due yet), due (its close mark is written at the next check), waiting (its close mark was
    written `behind_s` seconds ago and isn't ingested yet), ended (the cadence has no further period), or refused (the
    cadence can't be used; `why`).
    """

    timekeeper: str
    firm: str
    state: str
    starts_on: date | None = None
    ends_on: date | None = None
    due_at: int | None = None
    behind_s: float = 0.0
    why: str = ""


def upcoming_periods(connection: "Connection", now: int) -> list[UpcomingPeriod]:
    """Returns the pending and the next period of every cadence: waiting ones first, then by due time."""
    from connectors.mariadb.billing.periods import read_cadences, read_pending_periods
    from connectors.mariadb.source.directory import list_timekeepers

    people = {person.scope: (person.email, person.firm) for person in list_timekeepers(connection)}
    found = [
        UpcomingPeriod(
            *people[scope], "waiting", one.starts_on, one.ends_on, one.due_at, max(0.0, (now - marked) / MICRO)
        )
        for scope in people
        for one, marked in read_pending_periods(connection, scope)
    ]
    found += [_next(scheduled, people[scheduled.scope], now) for scheduled in read_cadences(connection)]
    return sorted(found, key=lambda one: (one.state != "waiting", one.due_at or 0, one.timekeeper))


def _next(scheduled: "CadenceState", person: tuple[str, str], now: int) -> UpcomingPeriod:
    try:
        due = periods_due(scheduled.cadence, now, scheduled.last_period_end)
        following = due[0] if due else next_due(scheduled.cadence, now, scheduled.last_period_end)
    except ConfigurationError as error:
        return UpcomingPeriod(*person, "refused", why=str(error))
    if following is None:
        return UpcomingPeriod(*person, "ended")
    state = "due" if due else "scheduled"
    return UpcomingPeriod(*person, state, following.starts_on, following.ends_on, following.due_at)


def show(found: list[UpcomingPeriod]) -> None:
    """Prints the periods as a table."""
    from rich.table import Table
    from rich.text import Text

    from streams.shared.terminal import table_console

    table = Table("Timekeeper", "State", box=None, pad_edge=False)
    for heading in ("Period", "Due"):
        table.add_column(heading, no_wrap=True)
    for one in found:
        table.add_row(Text(one.timekeeper), Text(_told(one)), _period(one), _due(one))
    table_console().print(
        table if found else "No cadence is set. A row in the table `cadence` sets when a week or month closes."
    )


def _period(one: UpcomingPeriod) -> str:
    if one.starts_on is None or one.ends_on is None:
        return ""
    return f"{one.starts_on} – {one.ends_on - timedelta(days=1)}"


def _due(one: UpcomingPeriod) -> str:
    return "" if one.due_at is None else f"{datetime.fromtimestamp(one.due_at / MICRO, UTC):%Y-%m-%d %H:%M} UTC"


def _told(one: UpcomingPeriod) -> str:
    if one.state == "waiting":
        return f"waiting, its close mark was written {one.behind_s / 60:.1f} minutes ago"
    return one.why if one.state == "refused" else one.state


def now_us() -> int:
    """Returns this moment in microseconds since 1970."""
    return time.time_ns() // 1000
