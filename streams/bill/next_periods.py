"""`bill next`: which period of whom is due when, and how far behind those are whose close mark is under way."""

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


class Upcoming(msgspec.Struct, frozen=True):
    """A period: the billing days [starts_on, ends_on), when it is due, and what it waits for.

    `state` is scheduled (not due yet), due (its mark comes with the next look), waiting (its mark is under way; capture
    is `behind_s` behind), ended (the cadence has no period any more), or refused (it can't be used; `why`).
    """

    timekeeper: str
    firm: str
    state: str
    starts_on: date | None = None
    ends_on: date | None = None
    due_at: int | None = None
    behind_s: float = 0.0
    why: str = ""


def upcoming(connection: "Connection", now: int) -> list[Upcoming]:
    """What is under way and what is next, for every cadence; what waits first, then by due time."""
    from connectors.mariadb.billing.periods import read_cadences, read_pending_periods
    from connectors.mariadb.source.directory import list_timekeepers

    people = {person.scope: (person.email, person.firm) for person in list_timekeepers(connection)}
    found = [
        Upcoming(*people[scope], "waiting", one.starts_on, one.ends_on, one.due_at, max(0.0, (now - marked) / MICRO))
        for scope in people
        for one, marked in read_pending_periods(connection, scope)
    ]
    found += [_next(scheduled, people[scheduled.scope], now) for scheduled in read_cadences(connection)]
    return sorted(found, key=lambda one: (one.state != "waiting", one.due_at or 0, one.timekeeper))


def _next(scheduled: "CadenceState", whose: tuple[str, str], now: int) -> Upcoming:
    try:
        due = periods_due(scheduled.cadence, now, scheduled.last_period_end)
        following = due[0] if due else next_due(scheduled.cadence, now, scheduled.last_period_end)
    except ConfigurationError as error:
        return Upcoming(*whose, "refused", why=str(error))
    if following is None:
        return Upcoming(*whose, "ended")
    state = "due" if due else "scheduled"
    return Upcoming(*whose, state, following.starts_on, following.ends_on, following.due_at)


def show(found: list[Upcoming]) -> None:
    """The list as a table."""
    from rich.table import Table
    from rich.text import Text

    from streams.shared.terminal import paper

    table = Table("Timekeeper", "State", box=None, pad_edge=False)
    for heading in ("Period", "Due"):
        table.add_column(heading, no_wrap=True)
    for one in found:
        table.add_row(Text(one.timekeeper), Text(_told(one)), _period(one), _due(one))
    paper().print(table if found else "No cadence is set. A row in the table cadence says when a week or month closes.")


def _period(one: Upcoming) -> str:
    if one.starts_on is None or one.ends_on is None:
        return ""
    return f"{one.starts_on} – {one.ends_on - timedelta(days=1)}"


def _due(one: Upcoming) -> str:
    return "" if one.due_at is None else f"{datetime.fromtimestamp(one.due_at / MICRO, UTC):%Y-%m-%d %H:%M} UTC"


def _told(one: Upcoming) -> str:
    if one.state == "waiting":
        return f"waiting, capture is {one.behind_s / 60:.1f} minutes behind"
    return one.why if one.state == "refused" else one.state


def now_us() -> int:
    """This moment in microseconds."""
    return time.time_ns() // 1000
