"""Opens the periods that are due: each a row and a close mark, which goes the way of every change and closes it."""

from typing import TYPE_CHECKING

import structlog

from connectors.mariadb.periods import Scheduled, cadences, open_period
from processors.billing.cadence import next_due, periods_due
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

NEVER = 1 << 62

log = structlog.get_logger("bill")


class Scheduler:
    """Looks for due periods. Any number of programs may do so at once: a period is there once.

    It remembers when each cadence is due next, as long as its row and its last period are what they were.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next: dict[Scheduled, int] = {}

    def look(self, now: int) -> list[int]:
        """Opens every period that is due at `now` (microseconds) and not open yet; returns their ids.

        A cadence that can't be read is told, once, and left out.
        """
        with self._engine.connect() as connection:
            known = cadences(connection)
        self._next = {scheduled: self._next[scheduled] for scheduled in known if scheduled in self._next}
        opened: list[int] = []
        for scheduled in known:
            if self._next.get(scheduled, 0) <= now:
                opened += self._open(scheduled, now)
        if opened:
            log.info("periods_due", opened=opened)
        return opened

    def _open(self, scheduled: Scheduled, now: int) -> list[int]:
        try:
            due = periods_due(scheduled.cadence, now, scheduled.known_until)
            following = next_due(scheduled.cadence, now, scheduled.known_until)
        except ConfigurationError as error:
            log.error("cadence_unusable", cadence=scheduled.cadence.id, error=str(error))
            self._next[scheduled] = NEVER
            return []
        self._next[scheduled] = following.due_at if following else NEVER
        return [id for one in due if (id := open_period(self._engine, scheduled, one)) is not None]
