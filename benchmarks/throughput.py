"""Changes a second of one group worker over a backlog, beside a stock Faust agent that only keeps and sends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.partition_log import read_to_end
from connectors.stack.waiting import wait_until
from schemas.topics import CHANGES, PARTITIONS, WORKING_SET

PATIENCE_S = 120
STOCK_OUT = "stock-out"


class Throughput(msgspec.Struct, frozen=True):
    """Rates are of the stretch from the first record out to the last; CPU seconds are of the whole process."""

    changes: int
    group_per_s: int
    stock_per_s: int
    ratio: float
    group_cpu_s_per_100k: float
    stock_cpu_s_per_100k: float
    group_own_cpu_share: float
    group_batches: int


def backlog(rows: int, seed: int, folder: Path, cluster: Cluster) -> None:
    """Writes rows as fast as can be while nobody groups, and returns when capture has brought them all."""
    load = [sys.executable, "-m", "benchmarks.load", "0", str(rows), "200", str(seed), str(folder / "backlog.txt")]
    subprocess.run(load, check=True)
    assert wait_until(lambda: captured(cluster) >= rows, PATIENCE_S)


def throughput(cluster: Cluster, rows: int, folder: Path) -> Throughput:
    """Both over the same backlog, one after the other, on the same machine."""
    admin = AdminClient(cluster.client())
    admin.create_topics([NewTopic(STOCK_OUT, PARTITIONS, 1)])[STOCK_OUT].result()
    spent = folder / "spent.json"
    ours, our_cpu = _rate(["-m", "benchmarks.timed_group", str(spent)], cluster, WORKING_SET.name, rows)
    stock = [str(Path(__file__).with_name("stock_agent.py")), cluster.bootstrap, str(folder / "stock")]
    theirs, their_cpu = _rate(stock, cluster, STOCK_OUT, rows)
    timed = json.loads(spent.read_text())
    return Throughput(
        changes=rows,
        group_per_s=round(ours),
        stock_per_s=round(theirs),
        ratio=round(ours / theirs, 2),
        group_cpu_s_per_100k=round(our_cpu / rows * 1e5, 1),
        stock_cpu_s_per_100k=round(their_cpu / rows * 1e5, 1),
        group_own_cpu_share=round(timed["decide_cpu_s"] / timed["process_cpu_s"], 2),
        group_batches=timed["batches"],
    )


def _rate(command: list[str], cluster: Cluster, topic: str, rows: int) -> tuple[float, float]:
    """Starts the program, counts what it writes to the topic; records a second, and its CPU seconds."""
    consumer = Consumer({**cluster.client(), "group.id": "bench", "isolation.level": "read_committed"})
    process = subprocess.Popen([sys.executable, *command], env={**os.environ, "PYTHONPATH": os.getcwd()})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    seen: set[bytes] = set()
    first_at, first_count, last_at = 0.0, 0, time.monotonic()
    while len(seen) < rows:
        for message in consumer.consume(2000, timeout=0.02):
            seen.add(message.key() or b"")
            last_at = time.monotonic()
        if seen and not first_at:
            first_at, first_count = time.monotonic(), len(seen)
        assert time.monotonic() - last_at < PATIENCE_S, f"{len(seen)} of {rows} came out of {command}"
        assert process.poll() is None, f"{command} ended"
    took = time.monotonic() - first_at
    cpu = sum(psutil.Process(process.pid).cpu_times()[:2])
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    consumer.close()
    return (rows - first_count) / took, cpu


def captured(cluster: Cluster) -> int:
    """Records that capture has brought."""
    return sum(1 for _ in read_to_end(cluster, CHANGES.name, list(range(PARTITIONS))))
