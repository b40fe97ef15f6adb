"""How `tend` is, and how far everybody else is behind."""

import threading

from schemas.health import Check
from streams.telemetry.checks import Heart, stopping
from streams.telemetry.lag import Lag

STILL_S = 120.0
"""A turn asks Connect, the broker and the database, and may have to wait for the patience of each."""


class TendVitals:
    """The vitals of `tend`."""

    program = "tend"

    def __init__(self, lag: Lag, stop: threading.Event) -> None:
        self.heart = Heart(STILL_S)
        self._lag, self._stop = lag, stop

    def alive(self) -> list[Check]:
        """The loop turns."""
        return [self.heart.check()]

    def ready(self) -> list[Check]:
        """It looks after capture: servers that are away are what it is there for."""
        return [stopping(self._stop.is_set()), self.heart.check()]

    def measure(self) -> None:
        """How far everybody is behind."""
        self._lag.measure()
