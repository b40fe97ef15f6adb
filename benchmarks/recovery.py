"""A worker with many open activities dies: seconds from the start of the next one to its next group. JSON in results/.

    python -m benchmarks.recovery [--rows 100000]

Each of the people writes a change while nobody groups; measured is when each one's group comes.
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import msgspec
import typer
from confluent_kafka import Consumer, TopicPartition
from sqlalchemy import text

from benchmarks.run import RESULTS, running_stack
from benchmarks.throughput import captured
from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.server.engine import connect
from connectors.stack.waiting import wait_until
from schemas.groups import PublishedGroup, decode_published
from schemas.topics import GROUPS, PARTITIONS, WORKING_SET
from streams.settings import Settings

PATIENCE_S = 600.0


class Recovery(msgspec.Struct, frozen=True):
    """Seconds from the start of the process. `read_back_s`: the last partition is open; `all_looked_at_s`: every
    timekeeper was decided anew, changed or not. `grouped_s`: how long grouping all of it took in the first place.
    """

    at: str
    machine: str
    load_before: float
    activities: int
    timekeepers: int
    grouped_s: float
    first_group_s: float
    last_group_s: float
    read_back_s: float
    all_looked_at_s: float


def main(rows: int = 100_000) -> None:
    """Loads, groups, kills and starts again; about six minutes."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as name, running_stack(Path(name) / "recovery", workers=False) as stack:
        settings = Settings(home=stack.home.path)
        cluster = settings.kafka()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.load", "0", str(rows), "200", "1", f"{name}/load.txt"], check=True
        )
        assert wait_until(lambda: captured(cluster) >= rows, PATIENCE_S)
        began = time.monotonic()
        with worker(Path(name) / "first.log"):
            assert wait_until(lambda: _kept(cluster) >= rows, PATIENCE_S)
        grouped = time.monotonic() - began
        waiting = _touch_everybody(settings)
        assert wait_until(lambda: captured(cluster) >= rows + len(waiting), PATIENCE_S)
        consumer = _at_the_end(cluster)
        log = Path(name) / "second.log"
        began = time.time()
        with worker(log):
            times = sorted(at - began for at in _grouped(consumer, waiting))
            assert wait_until(lambda: len(_logged(log, "everybody_looked_at")) == PARTITIONS, PATIENCE_S)
        result = Recovery(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            load_before=load,
            activities=rows,
            timekeepers=len(waiting),
            grouped_s=round(grouped, 1),
            first_group_s=round(times[0], 1),
            last_group_s=round(times[-1], 1),
            read_back_s=round(max(_logged(log, "partition_read_back")) - began, 1),
            all_looked_at_s=round(max(_logged(log, "everybody_looked_at")) - began, 1),
        )
    RESULTS.mkdir(exist_ok=True)
    found = msgspec.json.format(msgspec.json.encode(result), indent=2)
    (RESULTS / "recovery.json").write_bytes(found + b"\n")
    print(found.decode())


@contextmanager
def worker(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A `group` whose output goes to `log`, killed at the end as a power cut would."""
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "streams", "group"], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


def _kept(cluster: Cluster) -> int:
    """Rows that a worker keeps."""
    partitions = list(range(PARTITIONS))
    return len({record.key for record in read_to_end(cluster, WORKING_SET.name, partitions)})


def _touch_everybody(settings: Settings) -> set[int]:
    """Has one row of each timekeeper said again, and returns their ids."""
    engine = connect(settings.mariadb().url("collector"))
    with engine.begin() as connection:
        found = connection.execute(text("SELECT MAX(id) FROM activity GROUP BY firm_id, timekeeper_id"))
        ids = {int(row[0]) for row in found}
        for id_ in sorted(ids):
            connection.execute(text("UPDATE activity SET zone = 'Pacific/Apia' WHERE id = :id"), {"id": id_})
    engine.dispose()
    return ids


def _at_the_end(cluster: Cluster) -> Consumer:
    consumer = Consumer({**cluster.client(), "group.id": "bench-recovery", "isolation.level": "read_committed"})
    places = [TopicPartition(GROUPS.name, partition) for partition in range(PARTITIONS)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    return consumer


def _grouped(consumer: Consumer, waiting: set[int]) -> Iterator[float]:
    """When each activity's new group came."""
    left, end = set(waiting), time.monotonic() + PATIENCE_S
    while left:
        assert time.monotonic() < end, f"{len(left)} of {len(waiting)} never came"
        for message in consumer.consume(500, timeout=0.02):
            said = decode_published(cast(bytes, message.value())) if message.value() else None
            if isinstance(said, PublishedGroup):
                came = left & {member.id for member in said.group.members}
                left -= came
                yield from [time.time()] * len(came)


def _logged(log: Path, event: str) -> list[float]:
    """When an event was logged, each time."""
    lines = [msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line.startswith(b"{")]
    return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines if line.get("event") == event]


if __name__ == "__main__":
    typer.run(main)
