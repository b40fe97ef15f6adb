"""Measures everybody's lag when metrics are scraped; `watchdog` exposes it, because it isn't a consumer itself.

A consumer that is dead or frozen can't be trusted with its own lag. What can't be measured now is left out: no old
figure stands for today's.
"""

import math
import threading
import time
from typing import TYPE_CHECKING

from processors.monitoring.links import bytes_behind
from streams.shared.consumer_state import ConsumerSeen, look
from streams.shared.probe import Asked
from streams.watchdog import metrics

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.debezium.connector import Connect
    from connectors.kafka.client.cluster import Cluster

WITHIN_S = 5.0
"""A scraper gives up after ten seconds by default; a broker that is well answers in a fifth of one."""


class Lag:
    """Asks the broker, the database and Connect; none of them is waited for longer than a scraper waits."""

    def __init__(self, cluster: "Cluster", books: "Engine", binlog: "Engine", capture: "Connect") -> None:
        self._cluster, self._books, self._binlog, self._capture = cluster, books, binlog, capture
        self._one = threading.Lock()

    def measure(self) -> None:
        """Sets the gauges to what is so now."""
        with self._one:
            deadline = time.monotonic() + WITHIN_S
            consumers = Asked("Kafka", self._consumers)
            behind = Asked("MariaDB", self._behind)
            for gauge in (metrics.LAG, metrics.LAG_SECONDS, metrics.SUM_LAG, metrics.MAX_SECONDS, metrics.STATUS):
                gauge.clear()
            for one in consumers.or_why(deadline)[0] or ():
                tell(str(self._cluster), one)
            distance = behind.or_why(deadline)[0]
            metrics.BINLOG_BEHIND.set(math.nan if distance is None else distance)

    def _consumers(self) -> list[ConsumerSeen]:
        from streams.shared.consumer_state import ledger_offsets_in

        books: Asked[dict[int, int]] = Asked("MariaDB", lambda: ledger_offsets_in(self._books))
        # Without the database's word on `bill`, Kafka's is near enough.
        return look(self._cluster, books.or_why(time.monotonic() + WITHIN_S / 2)[0])

    def _behind(self) -> int | None:
        from connectors.mariadb.server.server_facts import read_binlog

        at = self._capture.offset()
        return bytes_behind(read_binlog(self._binlog).files, str(at["file"]), int(at["pos"])) if "file" in at else None


def tell(cluster: str, seen: ConsumerSeen) -> None:
    """Sets the gauges of one consumer; every status but its own is absent."""
    members = {of: member for member in seen.members for of in member.partitions}
    for one in seen.partitions:
        member = members.get((one.topic, one.partition))
        labels = (
            cluster,
            seen.group,
            one.topic,
            str(one.partition),
            member.host if member else "",
            member.client if member else "",
        )
        metrics.LAG.labels(*labels).set(one.lag)
        metrics.LAG_SECONDS.labels(*labels).set(one.lag_seconds)
    metrics.SUM_LAG.labels(cluster, seen.group).set(seen.lag)
    metrics.MAX_SECONDS.labels(cluster, seen.group).set(seen.lag_seconds)
    metrics.STATUS.labels(seen.group, str(seen.status)).set(1)
