"""The health of `bill`: its consumer and narrator, read from outside its loop, and its database."""

import threading
from typing import TYPE_CHECKING

from connectors.mariadb.server.migrate import current_revision, head_revision
from schemas.checks import HealthCheck
from schemas.errors import StackError
from streams.bill import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.checks import LoopHeartbeat, no_bugs_check, not_stopping, partitions_assigned

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from streams.bill.groups_consumer import GroupsConsumer
    from streams.bill.narration import Narrator

MAX_TURN_S = 150.0
"""Longest turn of the loop that counts as healthy. A turn may wait 60 s for the database, and once more after a lost
connection.
"""

DATABASE_TIMEOUT_S = 1.0
"""How long /readyz waits for the database, even where the database is frozen."""


class BillHealth:
    """The health of `bill`. `narrator` is None where narration is off."""

    program = "bill"

    def __init__(
        self, engine: "Engine", consumer: "GroupsConsumer", narrator: "Narrator | None", stop: threading.Event
    ) -> None:
        self.heart = LoopHeartbeat(MAX_TURN_S)
        self._consumer, self._narrator, self._stop = consumer, narrator, stop
        self._database = _DatabaseProbe(engine)

    def alive(self) -> list[HealthCheck]:
        """Checks that the loop turns, narration hasn't ended, and our own code has failed on no record."""
        return [self.heart.check(), self._narration_check(), no_bugs_check()]

    def ready(self) -> list[HealthCheck]:
        """Checks that the database answers and is migrated, and that the broker has assigned partitions."""
        consumer = self._consumer
        return [
            not_stopping(self._stop.is_set()),
            partitions_assigned(consumer.assigned_once, len(consumer.partitions)),
            self._database.check(),
        ]

    def measure(self) -> None:
        """Sets the gauges to the current values."""
        shared_metrics.PARTITIONS_OWNED.set(len(self._consumer.partitions))
        metrics.STALE_MEMBERS.set(self._consumer.stale_count)

    def _narration_check(self) -> HealthCheck:
        if self._narrator is None:
            return HealthCheck("narration", True, "is off")
        if self._narrator.error is None:
            return HealthCheck("narration", True, "is on")
        ended = type(self._narrator.error).__name__
        return HealthCheck(
            "narration", False, f"ended ({ended})", "`bill` stops by itself and is started again. Read its log."
        )


class _DatabaseProbe:
    """Asks the database in a thread of its own, one request at a time, because a frozen database answers only after a
    minute.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer = self._failed_check("wasn't asked yet")

    def check(self) -> HealthCheck:
        """Checks that the database answers and has the tables that this version needs."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="database-check", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(DATABASE_TIMEOUT_S)
        if thread.is_alive():
            return self._failed_check(f"doesn't answer within {DATABASE_TIMEOUT_S:.0f} s")
        return self._answer

    def _run(self) -> None:
        try:
            found = current_revision(self._engine)
        except StackError as error:
            self._answer = self._failed_check(str(error).rstrip("."))
            return
        migrated = found == head_revision()
        finding = f"its tables are at migration {found}"
        self._answer = (
            HealthCheck("database", True, finding)
            if migrated
            else self._failed_check(f"{finding}, not {head_revision()}")
        )

    @staticmethod
    def _failed_check(finding: str) -> HealthCheck:
        return HealthCheck(
            "database",
            False,
            finding,
            "`./timeloom stack up` starts and migrates the database of the stack in this folder.",
        )
