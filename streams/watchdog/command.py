"""`watchdog`: keeps capture running. Restarts its task when it failed or fell silent, and measures everybody's lag.

    Connect (state)      ┐
    topics (ends)        ├─▶ `processors.monitoring.capture_watchdog` ─▶ restart with growing pauses, or give up
    database (reachable) ┘

Connect leaves a failed task as it is until somebody asks. Several watchdogs at once do no harm.
"""

import time
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from processors.monitoring.capture_watchdog import SILENT_S, Act, Sight, Tending, look
from schemas.topics import CHANGES, HEARTBEAT

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.debezium.connector import CaptureState, Connect
    from connectors.kafka.progress.topic_progress import Movement

LOOK_S = 2.0

log = structlog.get_logger("watchdog")


def command(
    now: Annotated[bool, typer.Option("--now", help="Start the task again now, whatever it says, and end.")] = False,
    silent: Annotated[float, typer.Option(min=10, help="Seconds that a task may be silent while it runs.")] = SILENT_S,
) -> None:
    """Start capture's task again where it failed or fell silent, until it is told to stop.

    It tries 12 times in 40 minutes, ever more slowly. The log says what it did and why.

    Example: ./timeloom watchdog --now

    Exit: 0 it was told to stop, or the task was started; 3 Connect is not up, or the task doesn't run afterwards.
    """
    from connectors.debezium.connector import Connect
    from connectors.kafka.progress.topic_progress import Movement
    from connectors.mariadb.server.engine import connect
    from streams.settings import load
    from streams.shared.stop_signal import stopping
    from streams.telemetry.logs import to_json
    from streams.telemetry.server import Telemetry
    from streams.watchdog.health import TendVitals
    from streams.watchdog.lag_metrics import Lag

    settings = load()
    capture = Connect(settings.connect())
    if now:
        capture.restart()
        capture.see_it_run()
        print("capture runs")
        return
    to_json("watchdog")
    log.info("started", connect=settings.connect())
    movement = Movement(settings.kafka(), (CHANGES, HEARTBEAT))
    stop = stopping()
    address = settings.mariadb()
    # Of the three users only capture's may see the binlog.
    database, books, binlog = (
        connect(url, pool_size=1) for url in (address.url("pipeline"), address.url("pipeline"), address.url("capture"))
    )
    tender = Tender(capture, movement, database, silent)
    vitals = TendVitals(Lag(settings.kafka(), books, binlog, capture), stop, lambda: tender.stuck)
    with Telemetry(vitals, settings.telemetry_host, settings.telemetry_port):
        while not stop.wait(LOOK_S):
            vitals.heart.beat()
            tender.look(time.monotonic())
    log.info("stopped")


class Tender:
    """Looks at capture and does what is to be done. A part that is away is told once, and again when it is another."""

    def __init__(self, capture: "Connect", movement: "Movement", database: "Engine", silent_s: float) -> None:
        self._capture, self._movement, self._database, self._silent_s = capture, movement, database, silent_s
        self._tending = Tending(quiet_since=time.monotonic())
        self._away = ""
        self.stuck: str | None = None
        """What Connect says of a task that all tries were in vain on, else None. Any thread may ask."""

    def look(self, at: float) -> None:
        """One look, at `at` seconds of a clock that doesn't go back."""
        from streams.watchdog import metrics

        state = self._state()
        # The task alone is asked: after a broker's restart Connect may call the connector UNASSIGNED for ever, with a
        # task that says RUNNING and hangs.
        sent = self._sent() if state.task == "RUNNING" else None
        said = "FAILED" if state.failed else state.task
        self._tending, act = look(self._tending, Sight(at=at, state=said, sent=sent), self._silent_s)
        metrics.CAPTURE_RUNNING.set(state.running and not self._tending.silent)
        self.stuck = (state.why or f"it says {state.task}") if self._tending.stuck else None
        tries = self._tending.tries
        match act:
            case Act.START_FAILED | Act.START_SILENT:
                log.warning("capture_started_again", because=act.value, tries=tries, why=state.why)
                self._start()
            case Act.GIVE_UP:
                log.error("capture_given_up", tries=tries, why=state.why, then="./timeloom prepare")
            case Act.WELL:
                log.info("capture_well")

    def _state(self) -> "CaptureState":
        """What Connect says; unknown while it is away, which its supervisor mends."""
        from connectors.debezium.connector import CaptureState
        from schemas.errors import CaptureError, StackError

        try:
            return self._capture.state()
        except (StackError, CaptureError) as error:
            self._told("connect_away", error)
            return CaptureState("UNKNOWN", "UNKNOWN")

    def _sent(self) -> int | None:
        """How far capture's topics are; None where the broker or the database is away: those are to be mended then."""
        from sqlalchemy import text
        from sqlalchemy.exc import DBAPIError

        from schemas.errors import StackError

        try:
            with self._database.connect() as connection:
                connection.execute(text("SELECT 1"))
            sent = self._movement.sent()
        except (StackError, DBAPIError) as error:
            self._told("server_away", error)
            return None
        self._away = ""
        return sent

    def _start(self) -> None:
        from schemas.errors import CaptureError, StackError

        try:
            self._capture.restart()
        except (StackError, CaptureError) as error:
            self._told("connect_away", error)  # the try is spent; the next one comes

    def _told(self, event: str, error: Exception) -> None:
        if event != self._away:
            log.warning(event, why=str(error))
        self._away = event
