"""Minutes at rest: does `ops` stay silent? Every alarm is a false one, since nothing is wrong.

    .venv/bin/python -m benchmarks.quiet --minutes 30

load, and an aborted transaction behind the end of every partition of `groups` ──▶ at rest ──▶ a look every few seconds.
results/quiet.json is written after every look.
"""

import os
import platform
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec
import typer
from confluent_kafka import Producer

from benchmarks.run import RESULTS, running_stack
from benchmarks.steady import week_of
from connectors.kafka.client.cluster import Cluster
from connectors.mariadb.server.engine import connect
from connectors.stack.waiting import wait_until
from processors.monitoring.status import Status
from schemas.topics import GROUPS
from streams.ops.overview import Overview, read_overview
from streams.settings import Settings
from streams.simulate.collector import paced, set_up, write_batch

WRITES = 2_000
ABORTED = 5
SETTLED_WITHIN_S = 300
PATIENT_S = 20.0
"""A busy machine makes servers slow, which isn't what is counted here; `slow_looks` counts those over 3 s."""


class Alarm(msgspec.Struct, frozen=True):
    """Something that was told, and wasn't so."""

    at_s: float
    what: str
    said: str


class Quiet(msgspec.Struct, frozen=True):
    """A run so far. `behind_marks`: partitions whose end lies behind the place, so where a naive lag isn't 0."""

    at: str
    machine: str
    load_before: float
    minutes: float
    planned_minutes: float
    looks: int
    behind_marks: dict[str, int]
    false_alarms: int
    alarms: dict[str, int]
    first_alarms: list[Alarm]
    look_s_p50: float
    look_s_max: float
    slow_looks: int


def main(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long to look on.")] = 30,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between looks.")] = 5,
    out: Annotated[Path, typer.Option(help="The JSON, written after every look.")] = RESULTS / "quiet.json",
) -> None:
    """Looks on while nothing happens. Exit 1 if anything was said to be wrong."""
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "quiet", workers=True) as stack:
        stack.start("watchdog")
        settings = Settings(home=stack.home.path)
        _work(settings)
        _abort(settings.kafka())
        if not wait_until(lambda: not alarms(read_overview(settings, PATIENT_S), 0), SETTLED_WITHIN_S):
            sys.exit(f"It didn't come to rest: {alarms(read_overview(settings, PATIENT_S), 0)}")
        began, found, took = time.monotonic(), list[Alarm](), list[float]()
        while (at_s := time.monotonic() - began) < minutes * 60:
            seen = read_overview(settings, PATIENT_S)
            took.append(time.monotonic() - began - at_s)
            found += alarms(seen, at_s)
            quiet = Quiet(
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
                load_before=load_before,
                minutes=round((time.monotonic() - began) / 60, 1),
                planned_minutes=minutes,
                looks=len(took),
                behind_marks={one.group: sum((p.place or 0) < p.end for p in one.partitions) for one in seen.consumers},
                false_alarms=len(found),
                alarms=dict(Counter(one.what for one in found)),
                first_alarms=found[:20],
                look_s_p50=round(median(took), 2),
                look_s_max=round(max(took), 2),
                slow_looks=sum(one > 3 for one in took),
            )
            out.write_bytes(msgspec.json.format(msgspec.json.encode(quiet), indent=2) + b"\n")
            time.sleep(max(0.0, every - took[-1]))
    print(f"{len(took)} looks in {minutes:g} minutes: {len(found)} false alarms {dict(Counter(a.what for a in found))}")
    sys.exit(1 if found else 0)


def alarms(seen: Overview, at_s: float) -> list[Alarm]:
    """Everything in a look that isn't as it should be at rest."""
    found = [Alarm(round(at_s, 1), link.name, link.said) for link in seen.links if not link.well]
    if len(seen.consumers) != 2:
        found.append(Alarm(round(at_s, 1), "consumers", f"{len(seen.consumers)} were seen"))
    for group in seen.consumers:
        if group.status is not Status.OK:
            found.append(Alarm(round(at_s, 1), f"status of {group.group}", group.status))
        for one in group.partitions:
            if one.lag or one.lag_seconds:
                told = f"{one.topic} {one.partition}: {one.lag} offsets, {one.lag_seconds} s"
                found.append(Alarm(round(at_s, 1), f"lag of {group.group}", told))
    return found


def _work(settings: Settings) -> None:
    """Some generated work, so that places aren't 0 and end marks lie behind them."""
    week = week_of(rate=1, minutes=1, seed=11)
    engine = connect(settings.mariadb().url("collector"))
    with engine.begin() as connection:
        scopes, matters = set_up(connection, week, datetime.now(UTC).date())
    for batch in paced(week.writes[:WRITES], None, time.monotonic, time.sleep):
        write_batch(engine, batch, scopes, matters)


def _abort(cluster: Cluster) -> None:
    """Aborted records and their mark at the end of every partition that `bill` reads."""
    producer = Producer({**cluster.client(), "transactional.id": "quiet"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for partition in range(GROUPS.partitions):
        for _ in range(ABORTED):
            producer.produce(GROUPS.name, b"aborted", b"aborted", partition)
    producer.flush(30)
    producer.abort_transaction(30)


if __name__ == "__main__":
    typer.run(main)
