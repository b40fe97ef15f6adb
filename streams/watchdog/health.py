"""How `watchdog` is, and how far everybody else is behind."""

import threading
from collections.abc import Callable

from schemas.health import HealthCheck
from streams.telemetry.checks import Heart, stopping
from streams.watchdog.lag_metrics import Lag

STILL_S = 120.0
"""A turn asks Connect, the broker and the database, and may have to wait for the patience of each."""


class TendVitals:
    """The vitals of `watchdog`. `stuck`: why all restarts of capture were in vain; None while no person is needed."""

    program = "watchdog"

    def __init__(self, lag: Lag, stop: threading.Event, stuck: Callable[[], str | None]) -> None:
        self.heart = Heart(STILL_S)
        self._lag, self._stop, self._stuck = lag, stop, stuck

    def alive(self) -> list[HealthCheck]:
        """The loop turns, and it hasn't given up."""
        return [self.heart.check(), self._tends()]

    def ready(self) -> list[HealthCheck]:
        """It looks after capture: servers that are away are what it is there for."""
        return [stopping(self._stop.is_set()), self.heart.check()]

    def measure(self) -> None:
        """How far everybody is behind."""
        self._lag.measure()

    def _tends(self) -> HealthCheck:
        why = self._stuck()
        if why is None:
            return HealthCheck("capture", True, "is tended")
        return HealthCheck(
            "capture",
            False,
            f"was started again and again in vain, and nobody does so any more: {why}",
            "Mend the cause (`./timeloom stack logs connect`), then `./timeloom prepare`.",
        )
