"""How `tend` is."""

import threading

from schemas.health import Check
from streams.telemetry.checks import Heart, stopping

STILL_S = 120.0
"""A turn asks Connect, the broker and the database, and may have to wait for the patience of each."""


class TendVitals:
    """The vitals of `tend`."""

    program = "tend"

    def __init__(self, stop: threading.Event) -> None:
        self.heart = Heart(STILL_S)
        self._stop = stop

    def alive(self) -> list[Check]:
        """The loop turns."""
        return [self.heart.check()]

    def ready(self) -> list[Check]:
        """It looks after capture: servers that are away are what it is there for."""
        return [stopping(self._stop.is_set()), self.heart.check()]

    def measure(self) -> None:
        """What it sees is measured when it looks."""
