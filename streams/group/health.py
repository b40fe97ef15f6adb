"""How `group` is: read from its seats, from outside the event loop."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemas.health import HealthCheck
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.checks import Heart, no_bug, partitions, stopping

if TYPE_CHECKING:
    from streams.group.assignment import Seats

STILL_S = 5.0
"""Below the six seconds after which the broker gives a silent worker's partitions away."""


class GroupVitals:
    """The vitals of a group worker. `leaving` says whether it was told to stop."""

    program = "group"

    def __init__(self, seats: "Seats", leaving: Callable[[], bool]) -> None:
        self.heart = Heart(STILL_S)
        self._seats, self._leaving = seats, leaving

    def alive(self) -> list[HealthCheck]:
        """The loop turns, no partition has failed, our own code has failed on no record."""
        return [self.heart.check(), self._failed(), no_bug(), self._nobody_aside()]

    def ready(self) -> list[HealthCheck]:
        """Connected, with its partitions, each read back."""
        seats = self._seats
        return [
            stopping(self._leaving()),
            partitions(seats.assigned_once, len(seats.seated)),
            self._read_back(),
            self._failed(),
        ]

    def measure(self) -> None:
        """What is there now."""
        seats = self._seats.seated.values()
        owners = [seat.owner for seat in seats if seat.owner is not None]
        shared_metrics.PARTITIONS_OWNED.set(len(seats))
        metrics.WAITING.set(sum(seat.waiting for seat in seats))
        metrics.ACTIVITIES.set(sum(owner.activities for owner in owners))
        metrics.SET_ASIDE.set(self._aside)

    @property
    def _aside(self) -> int:
        return sum(len(seat.owner.aside) for seat in self._seats.seated.values() if seat.owner is not None)

    def _failed(self) -> HealthCheck:
        if (error := self._seats.error) is None:
            return HealthCheck("work", True, "no partition has failed")
        return HealthCheck(
            "work", False, f"a partition failed ({type(error).__name__})", "It ends by itself and is started again."
        )

    def _nobody_aside(self) -> HealthCheck:
        if not self._aside:
            return HealthCheck("everybody", True, "nobody is set aside")
        said = f"{self._aside} timekeepers are set aside, since our own code fails on their work"
        return HealthCheck("everybody", False, said, "Report the detail of their dead letters, reason bug.")

    def _read_back(self) -> HealthCheck:
        if unread := [number for number, seat in self._seats.seated.items() if seat.owner is None]:
            said = f"reads back partitions {', '.join(map(str, sorted(unread)))}"
            return HealthCheck("read_back", False, said, "Some seconds for each 10,000 activities; wait.")
        return HealthCheck("read_back", True, "every partition is read back")
