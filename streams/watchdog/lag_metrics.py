"""Measures the lag of every consumer when metrics are scraped. The watchdog does it, because it isn't a consumer
itself.

A dead or frozen consumer can't report its own lag. What can't be measured now is left out, so that no old figure is
taken for a current one.
"""

import math
import threading
import time
from typing import TYPE_CHECKING

from processors.monitoring.links import bytes_behind
from streams.shared.consumer_state import ConsumerState, read_consumer_states
from streams.shared.probe import Probe
from streams.watchdog import metrics

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.debezium.connector import Connect
    from connectors.kafka.client.cluster import Cluster

MEASURE_TIMEOUT_S = 5.0
"""A scraper gives up after ten seconds by default. A healthy broker answers in a fifth of a second."""


class LagMetrics:
    """Asks the broker, the database and Connect. It waits for none of them longer than a scraper waits."""

    def __init__(self, cluster: "Cluster", ledger: "Engine", binlog: "Engine", capture: "Connect") -> None:
        self._cluster, self._ledger, self._binlog, self._capture = cluster, ledger, binlog, capture
        self._lock = threading.Lock()

    def measure(self) -> None:
        """Measures now and sets the gauges."""
        with self._lock:
            deadline = time.monotonic() + MEASURE_TIMEOUT_S
            consumers = Probe("Kafka", self._consumer_states)
            behind = Probe("MariaDB", self._binlog_behind_bytes)
            for gauge in (
                metrics.LAG,
                metrics.LAG_SECONDS,
                metrics.SUM_LAG,
                metrics.MAX_LAG_SECONDS,
                metrics.CONSUMER_STATUS,
            ):
                gauge.clear()
            for one in consumers.result(deadline)[0] or ():
                set_gauges(str(self._cluster), one)
            distance = behind.result(deadline)[0]
            metrics.BINLOG_BEHIND_BYTES.set(math.nan if distance is None else distance)

    def _consumer_states(self) -> list[ConsumerState]:
        from streams.shared.consumer_state import ledger_offsets_in

        offsets: Probe[dict[int, int]] = Probe("MariaDB", lambda: ledger_offsets_in(self._ledger))
        # Where the database doesn't answer, Kafka's offsets of `bill` are near enough.
        return read_consumer_states(self._cluster, offsets.result(time.monotonic() + MEASURE_TIMEOUT_S / 2)[0])

    def _binlog_behind_bytes(self) -> int | None:
        from connectors.mariadb.server.server_facts import read_binlog

        position = self._capture.offset()
        return (
            bytes_behind(read_binlog(self._binlog).files, str(position["file"]), int(position["pos"]))
            if "file" in position
            else None
        )


def set_gauges(cluster: str, state: ConsumerState) -> None:
    """Sets the gauges of one consumer. Every status but its current one is absent."""
    members = {partition: member for member in state.members for partition in member.partitions}
    for one in state.partitions:
        member = members.get((one.topic, one.partition))
        labels = (
            cluster,
            state.group,
            one.topic,
            str(one.partition),
            member.host if member else "",
            member.client if member else "",
        )
        metrics.LAG.labels(*labels).set(one.lag)
        metrics.LAG_SECONDS.labels(*labels).set(one.lag_seconds)
    metrics.SUM_LAG.labels(cluster, state.group).set(state.lag)
    metrics.MAX_LAG_SECONDS.labels(cluster, state.group).set(state.lag_seconds)
    metrics.CONSUMER_STATUS.labels(state.group, str(state.status)).set(1)
