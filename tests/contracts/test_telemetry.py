"""What /healthz, /readyz and /metrics say, to whom, and how a program that can't say it ends."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from connectors.stack.processes.status import ask, is_ready
from connectors.stack.servers.home import Ports, free_ports
from docs.drawing import METRICS
from schemas.checks import HealthCheck
from schemas.errors import ConfigurationError
from schemas.outcomes import Reason
from streams.group import metrics as group_metrics
from streams.telemetry import metrics
from streams.telemetry.checks import LoopHeartbeat, no_bugs_check, not_stopping, partitions_assigned
from streams.telemetry.server import TelemetryServer
from streams.watchdog.health import WatchdogHealth


class Vitals:
    """Stands for a program: it is as a test says."""

    program = "group"

    def __init__(self) -> None:
        self.checks = [HealthCheck("loop", True, "turns")]

    def alive(self) -> list[HealthCheck]:
        return self.checks

    def ready(self) -> list[HealthCheck]:
        return [*self.checks, not_stopping(False)]

    def measure(self) -> None:
        group_metrics.CHANGES_WAITING.set(7)


@pytest.fixture
def vitals() -> Vitals:
    return Vitals()


@pytest.fixture
def telemetry(vitals: Vitals) -> Iterator[TelemetryServer]:
    with TelemetryServer(vitals, "127.0.0.1", 0) as server:
        yield server


def test_a_program_that_is_well_says_so(telemetry: TelemetryServer) -> None:
    for path in ("healthz", "readyz"):
        assert requests.get(f"{telemetry.address}/{path}", timeout=5).status_code == 200
    assert is_ready(telemetry.address)


def test_what_is_wrong_comes_with_what_to_do(telemetry: TelemetryServer, vitals: Vitals) -> None:
    vitals.checks = [HealthCheck("loop", False, "has stood still for 9 s", "Restart it.")]
    answer = requests.get(f"{telemetry.address}/readyz", timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
    assert answer.json() == {
        "program": "group",
        "well": False,
        "checks": [
            {"name": "loop", "well": False, "said": "has stood still for 9 s", "mend": "Restart it."},
            {"name": "running", "well": True, "said": "runs", "mend": ""},
        ],
    }
    told = ask(telemetry.address, "healthz")
    assert told is not None
    assert told.problems == "loop: has stood still for 9 s. Restart it."
    assert not is_ready(telemetry.address)


def test_gauges_are_read_when_they_are_asked_for(telemetry: TelemetryServer, vitals: Vitals) -> None:
    vitals.checks = [HealthCheck("loop", False, "has stood still for 9 s", "Restart it.")]
    body = requests.get(f"{telemetry.address}/metrics", timeout=5).text
    assert "timeloom_changes_waiting 7.0" in body
    assert "timeloom_healthy 0.0" in body
    assert "timeloom_groups_taken" not in body, "that is bill's"


def test_another_path_is_told_what_there_is(telemetry: TelemetryServer) -> None:
    answer = requests.get(f"{telemetry.address}/", timeout=5)
    assert answer.status_code == 404
    assert "/healthz" in answer.text


def test_nobody_there_is_not_ready() -> None:
    assert ask("http://127.0.0.1:9", "readyz") is None
    assert not is_ready("http://127.0.0.1:9")


def test_an_address_that_it_can_not_have_names_the_settings(vitals: Vitals) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="TIMELOOM_TELEMETRY_PORT"):
            TelemetryServer(vitals, "127.0.0.1", other.getsockname()[1])
    with pytest.raises(ConfigurationError, match="TIMELOOM_TELEMETRY_HOST"):
        TelemetryServer(vitals, "192.0.2.1", 0)


def test_a_loop_that_stands_still_is_found_out() -> None:
    now = [100.0]
    heart = LoopHeartbeat(5.0, clock=lambda: now[0])
    now[0] += 4.9
    assert heart.check().well
    now[0] += 0.2
    assert heart.check() == HealthCheck("loop", False, "has stood still for 5 s", "Read its log, then restart it.")
    heart.beat()
    assert heart.check().well


def test_an_event_loop_beats_and_its_lateness_is_measured() -> None:
    def seen() -> float:
        (family,) = metrics.LOOP_LAG_SECONDS.collect()
        return next(sample.value for sample in family.samples if sample.name.endswith("_count"))

    async def main() -> None:
        keeping = asyncio.ensure_future(LoopHeartbeat(5.0).run())
        async with asyncio.timeout(5):
            while seen() < before + 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        keeping.cancel()

    before = seen()
    asyncio.run(main())


def test_one_record_that_our_own_code_failed_on_turns_health_red() -> None:
    metrics.DEAD_LETTERS.clear()  # a process counts for itself, and other tests bury records in this one
    metrics.DEAD_LETTERS.labels(str(Reason.BAD_WORDS)).inc()
    assert no_bugs_check().well
    metrics.DEAD_LETTERS.labels(str(Reason.BUG)).inc()
    assert not no_bugs_check().well
    assert "1 records" in no_bugs_check().said
    metrics.DEAD_LETTERS.clear()
    assert no_bugs_check().well


def test_what_was_told_to_stop_is_not_ready() -> None:
    stop = threading.Event()
    vitals = WatchdogHealth(None, stop, lambda: None)  # type: ignore[arg-type]  # nobody asks for lag here
    assert all(check.well for check in vitals.ready())
    stop.set()
    assert [check.name for check in vitals.ready() if not check.well] == ["running"]
    assert all(check.well for check in vitals.alive()), "who ends in order is well"


def test_tend_is_not_well_once_it_has_given_up_and_says_what_to_type() -> None:
    stuck: list[str | None] = [None]
    vitals = WatchdogHealth(None, threading.Event(), lambda: stuck[0])  # type: ignore[arg-type]  # nobody asks for lag here
    assert all(check.well for check in vitals.alive())
    stuck[0] = "Access denied for user 'capture'"
    (wrong,) = (check for check in vitals.alive() if not check.well)
    assert "Access denied for user 'capture'" in wrong.said
    assert "./timeloom prepare" in wrong.mend
    assert all(check.well for check in vitals.ready()), "it looks after capture again, once that is mended"


def test_a_process_without_partitions_is_ready_once_it_was_assigned_none() -> None:
    assert not partitions_assigned(False, 0).well
    assert partitions_assigned(True, 0).well


def test_ports_that_were_remembered_stay_and_new_ones_are_chosen() -> None:
    before = free_ports()
    upgraded = free_ports({"mariadb": before.mariadb, "kafka": before.kafka, "group": 0})
    assert (upgraded.mariadb, upgraded.kafka) == (before.mariadb, before.kafka)
    assert upgraded.group
    assert upgraded.bill
    assert len({getattr(upgraded, name) for name in Ports.__struct_fields__}) == 7


def test_no_metric_has_a_label_that_names_somebody() -> None:
    allowed = {"reason", "what", "outcome", "direction", "status"}
    allowed |= {"cluster_name", "group", "topic", "partition", "member_host", "client_id"}
    assert {label for metric in METRICS for label in metric.labels} <= allowed
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.remedy.endswith(".") and metric.meaning.endswith(".") for metric in METRICS)
