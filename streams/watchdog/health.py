"""The health of the watchdog."""

import threading
from collections.abc import Callable

from schemas.checks import HealthCheck
from streams.telemetry.checks import LoopHeartbeat, not_stopping
from streams.watchdog.lag_metrics import LagMetrics

MAX_TURN_S = 120.0
"""Longest turn of the loop that counts as healthy. A turn asks Connect, the broker and the database, and may wait for
the timeout of each.
"""


class WatchdogHealth:
    """The health of the watchdog. `given_up_because` returns why all restarts of capture failed; None while no person
    is needed.
    """

    program = "watchdog"

    def __init__(self, lag: LagMetrics, stop: threading.Event, given_up_because: Callable[[], str | None]) -> None:
        self.heart = LoopHeartbeat(MAX_TURN_S)
        self._lag, self._stop, self._given_up_because = lag, stop, given_up_because

    def alive(self) -> list[HealthCheck]:
        """Checks that the loop turns, and that the watchdog hasn't given up."""
        return [self.heart.check(), self._capture_check()]

    def ready(self) -> list[HealthCheck]:
        """Checks that the loop turns. Servers that are away don't count: the watchdog is there to watch them."""
        return [not_stopping(self._stop.is_set()), self.heart.check()]

    def measure(self) -> None:
        """Measures the lag of every consumer."""
        self._lag.measure()

    def _capture_check(self) -> HealthCheck:
        why = self._given_up_because()
        if why is None:
            return HealthCheck("capture", True, "is watched")
        return HealthCheck(
            "capture",
            False,
            f"still fails after every restart, and isn't restarted any more: {why}",
            "Repair the cause (`./timeloom stack logs connect`), then run `./timeloom prepare`.",
        )
