"""The health of `group`, read from its assignment and from outside the event loop."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from schemas.checks import HealthCheck
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.checks import LoopHeartbeat, no_bugs_check, not_stopping, partitions_assigned

if TYPE_CHECKING:
    from streams.group.assignment import Assignment

MAX_TURN_S = 5.0
"""Longest turn of the event loop that counts as healthy. It is less than the six seconds after which the broker gives a
silent worker's partitions to others.
"""


class GroupHealth:
    """The health of a group worker. `is_stopping` returns whether the process is stopping."""

    program = "group"

    def __init__(self, assignment: "Assignment", is_stopping: Callable[[], bool]) -> None:
        self.heart = LoopHeartbeat(MAX_TURN_S)
        self._assignment, self._is_stopping = assignment, is_stopping

    def alive(self) -> list[HealthCheck]:
        """Checks that the event loop turns, no partition has failed, and our own code has failed on no record and no
        timekeeper.
        """
        return [self.heart.check(), self._failure_check(), no_bugs_check(), self._quarantine_check()]

    def ready(self) -> list[HealthCheck]:
        """Checks that partitions are assigned, each of them is restored, and none has failed."""
        assignment = self._assignment
        return [
            not_stopping(self._is_stopping()),
            partitions_assigned(assignment.assigned_once, len(assignment.assigned_workers)),
            self._restored_check(),
            self._failure_check(),
        ]

    def measure(self) -> None:
        """Sets the gauges to the current values."""
        workers = self._assignment.assigned_workers.values()
        owners = [worker.owner for worker in workers if worker.owner is not None]
        shared_metrics.PARTITIONS_OWNED.set(len(workers))
        metrics.CHANGES_WAITING.set(sum(worker.waiting for worker in workers))
        metrics.WORKING_SET_ACTIVITIES.set(sum(owner.activities for owner in owners))
        metrics.QUARANTINED.set(self._quarantined_count)

    @property
    def _quarantined_count(self) -> int:
        return sum(
            len(worker.owner.quarantined)
            for worker in self._assignment.assigned_workers.values()
            if worker.owner is not None
        )

    def _failure_check(self) -> HealthCheck:
        if (error := self._assignment.error) is None:
            return HealthCheck("work", True, "no partition has failed")
        return HealthCheck(
            "work",
            False,
            f"a partition failed ({type(error).__name__})",
            "The process stops by itself and is started again.",
        )

    def _quarantine_check(self) -> HealthCheck:
        if not self._quarantined_count:
            return HealthCheck("everybody", True, "nobody is quarantined")
        said = f"{self._quarantined_count} timekeepers are quarantined, because our own code fails on their work"
        return HealthCheck("everybody", False, said, "Report the detail of their dead letters, reason bug.")

    def _restored_check(self) -> HealthCheck:
        if unread := [number for number, worker in self._assignment.assigned_workers.items() if worker.owner is None]:
            said = f"restores partitions {', '.join(map(str, sorted(unread)))}"
            return HealthCheck("read_back", False, said, "Wait. It takes some seconds for each 10,000 activities.")
        return HealthCheck("read_back", True, "every partition is restored")
