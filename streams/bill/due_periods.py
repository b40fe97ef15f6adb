"""Opens the periods that are due. Each is a row and a close mark.

The mark passes through capture and `group` and closes the period when `bill` ingests it.
"""

from collections.abc import Iterator
from itertools import islice, takewhile
from typing import TYPE_CHECKING

import msgspec
import structlog

from connectors.mariadb.billing.periods import CadenceState, open_period, read_cadences
from processors.billing.cadence import periods
from schemas.billing import Occurrence
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

NEVER = 1 << 62

MAX_PERIODS_AT_ONCE = 60
"""Maximum number of periods of one cadence that are opened at once, so that a start years back doesn't keep other
cadences waiting.
"""

log = structlog.get_logger("bill")


class Scheduler:
    """Opens due periods. Any number of processes may do so at once, because each period is opened only once.

    It remembers when each cadence is due next, as long as the cadence's row and its last period are unchanged.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next: dict[CadenceState, int] = {}

    def open_due(self, now: int) -> list[int]:
        """Opens every period that is due at `now` (microseconds since 1970) and not open yet; returns their ids.

        A cadence that can't be used is logged once and left out.
        """
        with self._engine.connect() as connection:
            known = read_cadences(connection)
        self._next = {scheduled: self._next[scheduled] for scheduled in known if scheduled in self._next}
        opened: list[int] = []
        for scheduled in known:
            if self._next.get(scheduled, 0) <= now:
                opened += self._open(scheduled, now)
        if opened:
            log.info("periods_due", opened=opened)
        return opened

    def _open(self, scheduled: CadenceState, now: int) -> list[int]:
        """Opens the due periods of one cadence, oldest first. Stops where another process changes the cadence."""
        try:
            due = list(
                islice(takewhile(lambda one: one.due_at <= now, self._due_periods(scheduled)), MAX_PERIODS_AT_ONCE)
            )
            following = None if due else next(self._due_periods(scheduled), None)
        except ConfigurationError as error:
            log.error("cadence_unusable", cadence=scheduled.cadence.id, error=str(error))
            self._next[scheduled] = NEVER
            return []
        if not due:
            self._next[scheduled] = following.due_at if following else NEVER
        opened: list[int] = []
        for one in due:
            period = open_period(self._engine, scheduled, one)
            if period is None:
                break
            opened.append(period)
            scheduled = msgspec.structs.replace(scheduled, last_period_end=one.ends_on)
        return opened

    def _due_periods(self, scheduled: CadenceState) -> Iterator[Occurrence]:
        return periods(scheduled.cadence, scheduled.last_period_end)
