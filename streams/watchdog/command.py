"""`watchdog`: keeps capture running. Restarts its task where it failed or fell silent, and measures every consumer's
lag.

    Connect (state)      ┐
    topics (ends)        ├─▶ `processors.monitoring.capture_watchdog` ─▶ restart with growing pauses, or give up
    database (reachable) ┘

Connect never restarts a failed task by itself. Several watchdogs at once do no harm.
"""

import time
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from processors.monitoring.capture_watchdog import SILENT_S, Action, Observation, WatchState, next_action
from schemas.topics import CHANGES, HEARTBEAT

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.debezium.connector import CaptureState, Connect
    from connectors.kafka.progress.topic_progress import TopicProgress

CHECK_EVERY_S = 2.0

log = structlog.get_logger("watchdog")


def command(
    now: Annotated[bool, typer.Option("--now", help="Restart the task now, whatever its state, and exit.")] = False,
    silent: Annotated[float, typer.Option(min=10, help="Seconds for which a running task may be silent.")] = SILENT_S,
) -> None:
    """Restart capture's task when it failed or fell silent, until stopped.

    It tries 12 times in 40 minutes, with growing pauses. The log says what it did and why.

    Example: ./timeloom watchdog --now

    Exit: 0 stopped, or the task was started; 3 Connect is not up, or the task doesn't run afterwards.
    """
    from connectors.debezium.connector import Connect
    from connectors.kafka.progress.topic_progress import TopicProgress
    from connectors.mariadb.server.engine import connect
    from streams.settings import load
    from streams.shared.stop_signal import stop_event
    from streams.telemetry.logs import configure_json_logs
    from streams.telemetry.server import TelemetryServer
    from streams.watchdog.health import WatchdogHealth
    from streams.watchdog.lag_metrics import LagMetrics

    settings = load()
    capture = Connect(settings.connect())
    if now:
        capture.restart()
        capture.see_it_run()
        print("capture runs")
        return
    configure_json_logs("watchdog")
    log.info("started", connect=settings.connect())
    progress = TopicProgress(settings.kafka(), (CHANGES, HEARTBEAT))
    stop = stop_event()
    address = settings.mariadb()
    # Of the users that programs connect as, only capture's may read the binlog's position.
    database, ledger, binlog = (
        connect(url, pool_size=1) for url in (address.url("pipeline"), address.url("pipeline"), address.url("capture"))
    )
    watchdog = Watchdog(capture, progress, database, silent)
    health = WatchdogHealth(LagMetrics(settings.kafka(), ledger, binlog, capture), stop, lambda: watchdog.stuck)
    with TelemetryServer(health, settings.telemetry_host, settings.telemetry_port):
        while not stop.wait(CHECK_EVERY_S):
            health.heart.beat()
            watchdog.check(time.monotonic())
    log.info("stopped")


class Watchdog:
    """Observes capture and acts. A server that is away is logged once, and again when another one is away."""

    def __init__(self, capture: "Connect", progress: "TopicProgress", database: "Engine", silent_s: float) -> None:
        self._capture, self._progress, self._database, self._silent_s = capture, progress, database, silent_s
        self._watch_state = WatchState(quiet_since=time.monotonic())
        self._away = ""
        self.stuck: str | None = None
        """Once all tries have failed, the error that Connect reports; else None. Any thread may read it."""

    def check(self, at: float) -> None:
        """Makes one observation, at `at` seconds of a clock that never goes back, and acts on it."""
        from streams.watchdog import metrics

        state = self._state()
        # Only the task's state counts. After the broker restarts, Connect may report the connector as UNASSIGNED for
        # ever, while its task is RUNNING and hangs.
        sent = self._topic_progress() if state.task == "RUNNING" else None
        reported = "FAILED" if state.failed else state.task
        self._watch_state, act = next_action(
            self._watch_state, Observation(at=at, state=reported, sent=sent), self._silent_s
        )
        metrics.CAPTURE_RUNNING.set(state.running and not self._watch_state.silent)
        self.stuck = (state.why or f"Connect reports {state.task}") if self._watch_state.stuck else None
        tries = self._watch_state.tries
        match act:
            case Action.START_FAILED | Action.START_SILENT:
                log.warning("capture_started_again", because=act.value, tries=tries, why=state.why)
                self._start()
            case Action.GIVE_UP:
                log.error("capture_given_up", tries=tries, why=state.why, then="./timeloom prepare")
            case Action.WELL:
                log.info("capture_well")

    def _state(self) -> "CaptureState":
        """Returns the state that Connect reports; UNKNOWN while Connect is away, which its supervisor repairs."""
        from connectors.debezium.connector import CaptureState
        from schemas.errors import CaptureError, StackError

        try:
            return self._capture.state()
        except (StackError, CaptureError) as error:
            self._warn_once("connect_away", error)
            return CaptureState("UNKNOWN", "UNKNOWN")

    def _topic_progress(self) -> int | None:
        """Returns how far capture's topics have come.

        None where the broker or the database is away, because then capture isn't the part to repair.
        """
        from sqlalchemy import text
        from sqlalchemy.exc import DBAPIError

        from schemas.errors import StackError

        try:
            with self._database.connect() as connection:
                connection.execute(text("SELECT 1"))
            sent = self._progress.position()
        except (StackError, DBAPIError) as error:
            self._warn_once("server_away", error)
            return None
        self._away = ""
        return sent

    def _start(self) -> None:
        from schemas.errors import CaptureError, StackError

        try:
            self._capture.restart()
        except (StackError, CaptureError) as error:
            self._warn_once("connect_away", error)  # this try counts; the next one follows

    def _warn_once(self, event: str, error: Exception) -> None:
        if event != self._away:
            log.warning(event, why=str(error))
        self._away = event
