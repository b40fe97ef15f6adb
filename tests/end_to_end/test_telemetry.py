"""What the programs tell of themselves on the real stack: health, metrics, logs; and how they end."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from connectors.stack.processes.status import ask
from docs.drawing import metrics_of as of
from tests.end_to_end.test_bill import EVERY, SHUT, close_the_week, row, settles
from tests.live import Live
from tests.llm_server import language_model
from tests.programs import Program, eventually, running

pytestmark = pytest.mark.stack

SECRET = "Kranichsteiner"
"""A word that stands nowhere else: where it is found, words have leaked."""

ENDS_WITHIN_S = 30
"""So long its supervisor, and a container engine, wait before they kill it."""

HEARD_S = 1.0
"""A signal is heard when what is under way lets Python hear it."""

PAUSE_S = 0.2
"""An answer takes a few milliseconds."""


class Programs(msgspec.Struct, frozen=True):
    """All programs, ready."""

    group: Program
    bill: Program
    watchdog: Program


@pytest.fixture(scope="module")
def programs(live: Live) -> Iterator[Programs]:
    with (
        pytest.MonkeyPatch.context() as environment,
        language_model() as server,
        running(live.stack.home.path, "group") as group,
        running(live.stack.home.path, "watchdog") as watchdog,
    ):
        environment.setenv("OPENAI_BASE_URL", server.url)
        with running(live.stack.home.path, "bill", "--llm", *EVERY) as bill:
            eventually(lambda: ready(group) and ready(bill) and ready(watchdog), what="all are ready")
            yield Programs(group, bill, watchdog)


def ready(program: Program) -> bool:
    answer = ask(program.telemetry(), "readyz")
    return answer is not None and answer.well


def lines(program: Program) -> list[dict[str, Any]]:
    """What it logged. Every line is JSON."""
    return [json.loads(line) for line in program.said().splitlines()]


def scraped(program: Program) -> dict[str, set[str]]:
    """The metrics of ours that have a sample in a scrape, by name, with their labels."""
    body = requests.get(f"{program.telemetry()}/metrics", timeout=10).text
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(body):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            if name.startswith(("timeloom", "kafka")) and not sample.name.endswith("_created"):
                found.setdefault(name, set()).update(sample.labels.keys() - {"le"})
    return found


def test_a_change_is_followed_by_its_place_in_the_binlog(live: Live, programs: Programs) -> None:
    who = live.timekeeper()
    activity = live.insert(who, f"{SECRET} lease.docx")
    settles(live, who)
    theirs = {"firm": who.firm, "timekeeper": who.timekeeper}

    def told(program: Program, event: str) -> list[dict[str, Any]]:
        """It is told when it is done, so a moment after others see it."""
        return [one for one in lines(program) if one["event"] == event and theirs.items() <= one.items()]

    eventually(lambda: told(programs.group, "decided") and told(programs.bill, "kept"), what="both are told")
    (decided,), (kept,) = told(programs.group, "decided"), told(programs.bill, "kept")
    assert (decided["groups"], kept["groups"]) == ([activity], [activity])
    assert decided["trace"] == kept["trace"]
    file, position = decided["trace"].split(":")
    assert file.startswith("mariadb-bin.")
    assert int(position) > 0


def test_every_listed_metric_is_on_a_real_scrape_and_no_other_of_ours(live: Live, programs: Programs) -> None:
    who, zone = live.timekeeper(), f"Nowhere/{SECRET}"
    live.insert(who, f"{SECRET} lease.docx")
    live.insert(who, f"{SECRET} tax.docx", minute=100, zone=zone)  # a dead letter
    close_the_week(live, who)
    eventually(lambda: row(live, SHUT, who), what="the week is closed")
    narrated = "SELECT narrative_id IS NOT NULL FROM entry WHERE timekeeper_id = :timekeeper"
    eventually(lambda: row(live, narrated, who) == (1,), what="the entry is narrated")
    for program, name in ((programs.group, "group"), (programs.bill, "bill"), (programs.watchdog, "watchdog")):
        listed = {metric.name: set(metric.labels) for metric in of(name)}
        # Counted after it is done, and of who answers in time.
        eventually(lambda program=program, listed=listed: scraped(program) == listed, what=name)  # type: ignore[misc]


def test_no_log_line_has_anybodys_words(live: Live, programs: Programs) -> None:
    assert any(letter.value and SECRET.encode() in letter.value for letter in live.dead_letters())
    for program in msgspec.structs.astuple(programs):
        assert SECRET not in program.said()
        assert all({"event", "level", "timestamp", "program"} <= line.keys() for line in lines(program))


def test_it_says_what_is_missing_and_what_to_do_also_while_the_database_is_frozen(
    live: Live, programs: Programs
) -> None:
    address, database = programs.bill.telemetry(), live.stack.pid("mariadb")
    assert database is not None
    os.kill(database, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = requests.get(f"{address}/readyz", timeout=10)
        assert time.monotonic() - began < 5
        assert requests.get(f"{address}/healthz", timeout=5).status_code == 200
    finally:
        os.kill(database, signal.SIGCONT)
    assert answer.status_code == 503
    wrong = [check for check in answer.json()["checks"] if not check["well"]]
    assert [check["name"] for check in wrong] == ["database"]
    assert "./timeloom stack up" in wrong[0]["mend"]
    eventually(lambda: ready(programs.bill), what="bill is ready again")


def test_told_to_stop_it_is_not_ready_any_more_and_ends_well(live: Live, programs: Programs) -> None:
    who = live.timekeeper()
    for n in range(20):
        live.insert(who, f"Harbour lease {n % 4}.docx", minute=n * 6)
    for program in msgspec.structs.astuple(programs):
        seen: list[tuple[float, bool]] = []
        watching = threading.Thread(target=watch, args=(program, seen))
        watching.start()
        eventually(lambda seen=seen: seen, what="it is watched")  # type: ignore[misc]
        told_at = time.monotonic()
        assert program.stop() == 0, program.said()
        assert time.monotonic() - told_at < ENDS_WITHIN_S
        watching.join()
        assert seen[0][1], "it was ready"
        assert not any(well for after_s, well in asked_after(told_at, seen) if after_s > HEARD_S)


def asked_after(told_at: float, seen: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    """How long after it was told it was asked, and what it said. While the machine stood still nobody heard anything,
    so of a time without any answer no more than `PAUSE_S` counts.
    """
    after_s, before, found = 0.0, told_at, []
    for asked_at, well in seen:
        if asked_at > told_at:
            after_s += min(asked_at - before, PAUSE_S)
            before = asked_at
            found.append((after_s, well))
    return found


def watch(program: Program, seen: list[tuple[float, bool]]) -> None:
    """What it says of its readiness, and when it was asked, until it is gone."""
    address = program.telemetry()
    while program.ended() is None:
        asked_at = time.monotonic()
        if (answer := ask(address, "readyz")) is not None:
            seen.append((asked_at, answer.well))
