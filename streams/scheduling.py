"""Opens the periods that are due: each a row and a close mark, which goes the way of every change and closes it."""

from typing import TYPE_CHECKING

import structlog

from connectors.mariadb.periods import cadences, open_period
from processors.billing.cadence import periods_due
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = structlog.get_logger("bill")


def schedule(engine: "Engine", now: int) -> list[int]:
    """Opens every period that is due at `now` (microseconds) and not open yet; returns their ids.

    Any number of programs may do so at once: a period is there once. A cadence that can't be read is told and left out.
    """
    with engine.connect() as connection:
        known = cadences(connection)
    opened: list[int] = []
    for scheduled in known:
        try:
            due = periods_due(scheduled.cadence, now, scheduled.known_until)
        except ConfigurationError as error:
            log.error("cadence_unusable", cadence=scheduled.cadence.id, error=str(error))
            continue
        opened += [id for one in due if (id := open_period(engine, scheduled, one)) is not None]
    if opened:
        log.info("periods_due", opened=opened)
    return opened
