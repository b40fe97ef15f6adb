"""How `bill` is: read from its keeper and its narrator, from outside its loop; and whether its database answers."""

import threading
from typing import TYPE_CHECKING

from connectors.mariadb.server.migrate import current_revision, head_revision
from schemas.errors import StackError
from schemas.health import HealthCheck
from streams.bill import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.checks import Heart, no_bug, partitions, stopping

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from streams.bill.groups_consumer import Keeper
    from streams.bill.narration import Narrator

STILL_S = 150.0
"""A turn may wait for the database for its 60 s of patience, once more after a lost connection, and then some."""

ANSWERS_WITHIN_S = 1.0
"""Whoever asks /readyz waits no longer, also where the database is frozen."""


class BillVitals:
    """The vitals of `bill`."""

    program = "bill"

    def __init__(self, engine: "Engine", keeper: "Keeper", narrator: "Narrator | None", stop: threading.Event) -> None:
        self.heart = Heart(STILL_S)
        self._keeper, self._narrator, self._stop = keeper, narrator, stop
        self._database = _Database(engine)

    def alive(self) -> list[HealthCheck]:
        """The loop turns, narration hasn't ended, our own code has failed on no record."""
        return [self.heart.check(), self._narrates(), no_bug()]

    def ready(self) -> list[HealthCheck]:
        """The database answers and is migrated, and the broker has assigned partitions."""
        keeper = self._keeper
        return [
            stopping(self._stop.is_set()),
            partitions(keeper.assigned_once, len(keeper.partitions)),
            self._database.check(),
        ]

    def measure(self) -> None:
        """What is there now."""
        shared_metrics.PARTITIONS_OWNED.set(len(self._keeper.partitions))
        metrics.IN_DOUBT.set(self._keeper.in_doubt)

    def _narrates(self) -> HealthCheck:
        if self._narrator is None:
            return HealthCheck("narration", True, "is off")
        if self._narrator.error is None:
            return HealthCheck("narration", True, "is on")
        ended = type(self._narrator.error).__name__
        return HealthCheck(
            "narration", False, f"ended ({ended})", "bill ends by itself and is started again; read its log."
        )


class _Database:
    """Asks the database in a thread of its own, one question at a time: a frozen one answers after a minute."""

    def __init__(self, engine: "Engine") -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._asking: threading.Thread | None = None
        self._answer = self._wrong("hasn't been asked yet")

    def check(self) -> HealthCheck:
        """Does it answer, with the tables that this version needs?"""
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asking = threading.Thread(target=self._ask, name="database-check", daemon=True)
                self._asking.start()
            asking = self._asking
        asking.join(ANSWERS_WITHIN_S)
        if asking.is_alive():
            return self._wrong(f"doesn't answer within {ANSWERS_WITHIN_S:.0f} s")
        return self._answer

    def _ask(self) -> None:
        try:
            found = current_revision(self._engine)
        except StackError as error:
            self._answer = self._wrong(str(error).rstrip("."))
            return
        right = found == head_revision()
        said = f"its tables are at migration {found}"
        self._answer = HealthCheck("database", True, said) if right else self._wrong(f"{said}, not {head_revision()}")

    @staticmethod
    def _wrong(said: str) -> HealthCheck:
        return HealthCheck("database", False, said, "`./timeloom stack up` starts and migrates the one in this folder.")
