"""Commit in MariaDB to group on the topic, beside commit to a plain consumer of Debezium's topic, in the same run."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any, cast

import msgspec
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.client.cluster import Cluster
from schemas.groups import PublishedGroup, decode_published
from schemas.topics import CHANGES, GROUPS, PARTITIONS

PATIENCE_S = 60


class _After(msgspec.Struct):
    id: int


class _Change(msgspec.Struct):
    after: _After | None = None


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from the acknowledged commit to a reader, of every row of the run."""

    rate: int
    seconds: float
    rows: int
    rows_a_commit: int
    debezium_p50: float
    debezium_p95: float
    debezium_p99: float
    group_p50: float
    group_p95: float
    group_p99: float


def latency(cluster: Cluster, rate: int, seconds: int, together: int, seed: int, folder: Path) -> Latency:
    """Writes at that rate and reads both topics meanwhile; returns when every row has come to both."""
    consumer = _at_the_end(cluster)
    lines = folder / f"load-{rate}.txt"
    count = rate * seconds
    load = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load", str(rate), str(count), str(together), str(seed), str(lines)]
    )
    captured: dict[int, float] = {}
    grouped: dict[int, float] = {}
    heard = time.time()
    committed: dict[int, float] = {}
    while not committed or not committed.keys() <= grouped.keys():
        for message in consumer.consume(500, timeout=0.002):
            heard = now = time.time()
            into = captured if message.topic() == CHANGES.name else grouped
            for id_ in READ[cast(str, message.topic())](message.value()):
                into.setdefault(id_, now)
        if load.poll() is not None and not committed:
            committed = dict(_committed(lines))
        assert load.poll() in (None, 0), "the load failed"
        assert time.time() - heard < PATIENCE_S, f"{len(captured)} captured, {len(grouped)} grouped of {count}"
    consumer.close()
    debezium = [(captured[id_] - at) * 1e3 for id_, at in committed.items()]
    group = [(grouped[id_] - at) * 1e3 for id_, at in committed.items()]
    took = max(committed.values()) - min(committed.values())
    return Latency(rate, round(took, 1), count, together, *_cuts(debezium), *_cuts(group))


def _at_the_end(cluster: Cluster) -> Consumer:
    consumer = Consumer(
        {
            **cluster.client(),
            "group.id": "bench-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 5,
        }
    )
    places = []
    for topic in (CHANGES.name, GROUPS.name):
        for partition in range(PARTITIONS):
            place = TopicPartition(topic, partition)
            places.append(TopicPartition(topic, partition, consumer.get_watermark_offsets(place, timeout=10)[1]))
    consumer.assign(places)
    return consumer


def _captured(value: Any) -> list[int]:
    change = msgspec.json.decode(value, type=_Change)
    return [change.after.id] if change.after else []


def _grouped(value: Any) -> list[int]:
    said = decode_published(value) if value else None
    return [member.id for member in said.group.members] if isinstance(said, PublishedGroup) else []


READ: dict[str, Callable[[Any], list[int]]] = {CHANGES.name: _captured, GROUPS.name: _grouped}


def _committed(lines: Path) -> list[tuple[int, float]]:
    found = []
    for line in lines.read_text().splitlines():
        first, count, at = line.split()
        found += [(int(first) + n, float(at)) for n in range(int(count))]
    return found


def _cuts(values: list[float]) -> tuple[float, float, float]:
    cuts = quantiles(values, n=100)
    return round(cuts[49], 1), round(cuts[94], 1), round(cuts[98], 1)
