"""A rolling restart of two group workers under load: how long a reader of `groups` heard nothing. JSON in results/.

    python -m benchmarks.rolling [--rate 500]

load ──▶ for each of the two: SIGTERM, wait for its end, start its successor, wait until that one has partitions
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import typer
from confluent_kafka import Consumer, TopicPartition

from benchmarks.run import RESULTS, running_stack
from connectors.kafka.client.cluster import Cluster
from schemas.topics import CHANGES, GROUPS, PARTITIONS
from streams.settings import Settings

SETTLED_S = 8.0
"""Between two steps: long enough that a gap belongs to one of them."""


class Step(msgspec.Struct, frozen=True):
    """What was done, and the longest silence in seconds from then until the next step while there were changes to
    group: of the whole topic, and of the partition that was silent longest.
    """

    step: str
    topic_gap_s: float
    partition_gap_s: float


class Rolling(msgspec.Struct, frozen=True):
    """A whole run."""

    at: str
    machine: str
    load_before: float
    rate: int
    records: int
    steps: list[Step]


class Reader:
    """A reader of `changes` and `groups`: when records came, by partition."""

    def __init__(self, cluster: Cluster) -> None:
        self.changes: dict[int, list[float]] = defaultdict(list)
        self.came: dict[int, list[float]] = defaultdict(list)
        self._consumer = Consumer(
            {
                **cluster.client(),
                "group.id": "bench-rolling",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
            }
        )
        both = (CHANGES.name, GROUPS.name)
        self._consumer.assign([TopicPartition(topic, number, 0) for topic in both for number in range(PARTITIONS)])

    def until(self, condition: Callable[[], object], within_s: float = 60.0) -> None:
        """Reads until the condition holds."""
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, "a step took too long"
            for message in self._consumer.consume(1000, timeout=0.02):
                if message.error() is None:
                    into = self.changes if message.topic() == CHANGES.name else self.came
                    into[message.partition() or 0].append(time.monotonic())

    def gap(self, since: float, till: float, partitions: list[int]) -> float:
        """The longest time without a record of these partitions while there was a change of theirs to group."""
        said, changed = (sorted(at for number in partitions for at in of[number]) for of in (self.came, self.changes))
        longest = 0.0
        for earlier, later in pairwise([since, *(at for at in said if since <= at <= till), till]):
            first = bisect_left(changed, earlier)
            if first < len(changed):
                longest = max(longest, later - changed[first])
        return longest


class Worker:
    """A `group` process."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            command = [sys.executable, "-m", "streams", "group"]
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def reading(self) -> bool:
        """Has it got partitions?"""
        return b"partition_read_back" in self._log.read_bytes()

    def ask_to_end(self) -> None:
        """As a supervisor does."""
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> bool:
        """Is it gone?"""
        return self._process.poll() is not None

    def kill(self) -> None:
        """At the end of everything."""
        self._process.kill()
        self._process.wait()


def main(rate: int = 500) -> None:
    """Restarts two workers one after the other under load; about two minutes."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as name, running_stack(Path(name) / "rolling", workers=False) as stack:
        reader = Reader(Settings(home=stack.home.path).kafka())
        steps = _rolled(reader, rate, Path(name))
    result = Rolling(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        load_before=load,
        rate=rate,
        records=sum(map(len, reader.came.values())),
        steps=steps,
    )
    RESULTS.mkdir(exist_ok=True)
    found = msgspec.json.format(msgspec.json.encode(result), indent=2)
    (RESULTS / "rolling.json").write_bytes(found + b"\n")
    print(found.decode())


def _rolled(reader: Reader, rate: int, folder: Path) -> list[Step]:
    workers = [Worker(folder / "1.log"), Worker(folder / "2.log")]
    command = [sys.executable, "-m", "benchmarks.load", str(rate), str(rate * 180), "5", "1", str(folder / "load.txt")]
    load = subprocess.Popen(command)
    done: list[tuple[str, float]] = []

    def step(name: str, until: Callable[[], object]) -> None:
        done.append((name, time.monotonic()))
        reader.until(until)
        settled = time.monotonic() + SETTLED_S
        reader.until(lambda: time.monotonic() > settled)

    try:
        reader.until(lambda: all(worker.reading() for worker in workers), 120)
        reader.until(lambda: all(len(reader.came[number]) > 20 for number in range(PARTITIONS)), 120)
        step("nothing", lambda: True)
        for number in (0, 1):
            workers[number].ask_to_end()
            step(f"worker {number + 1} is told to end", workers[number].ended)
            workers.append(Worker(folder / f"{number + 3}.log"))
            step(f"its successor starts, {number + 3}", workers[-1].reading)
        ends = [at for _, at in done[1:]] + [time.monotonic()]
        return [
            Step(
                what,
                round(reader.gap(since, till, list(range(PARTITIONS))), 2),
                round(max(reader.gap(since, till, [number]) for number in range(PARTITIONS)), 2),
            )
            for (what, since), till in zip(done, ends, strict=True)
        ]
    finally:
        load.kill()
        load.wait()
        for worker in workers:
            worker.kill()


if __name__ == "__main__":
    typer.run(main)
