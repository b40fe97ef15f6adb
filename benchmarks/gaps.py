"""What a reader of `groups` sees of a fault: how long a change that was to be written had to wait for a record.

Measured by partition, since half of the partitions go on when one of two workers is killed; and from when a write was
first tried, since a database that is away makes no changes to wait for.
"""

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from typing import cast

from confluent_kafka import Consumer, TopicPartition

from benchmarks.steady import Tried
from connectors.kafka.client.cluster import Cluster
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.topics import GROUPS, PARTITIONS


class Reader(threading.Thread):
    """Follows `groups` from its end on and notes when records come, and in which partition each timekeeper is."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(name="reader", daemon=True)
        self.partitions: dict[Scope, int] = {}
        self._came: dict[int, list[float]] = defaultdict(list)
        self._told = threading.Event()
        self._consumer = Consumer(
            {
                **cluster.client(),
                "group.id": "soak-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
                "log_level": 0,  # that the broker goes away is what is tried
            }
        )
        places = [TopicPartition(GROUPS.name, number) for number in range(PARTITIONS)]
        ends = [self._consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
        self._consumer.assign([TopicPartition(p.topic, p.partition, end) for p, end in zip(places, ends, strict=True)])

    def run(self) -> None:
        """Until `end`. Errors are the broker's being away, which the library gets over by itself."""
        while not self._told.is_set():
            for message in self._consumer.consume(500, timeout=0.1):
                if message.error() is not None:
                    continue
                partition = cast(int, message.partition())
                self._came[partition].append(time.time())
                key = decode_groups_key(message.key() or b"")
                if isinstance(key, GroupKey):
                    self.partitions.setdefault(Scope(key.firm, key.timekeeper), partition)
        self._consumer.close()

    def end(self) -> None:
        """Stops following."""
        self._told.set()
        self.join()

    def gap(self, since: float, written: list[Tried]) -> float:
        """The longest that a write tried after `since` waited for a record of its partition, in seconds."""
        of_timekeeper = {scope.timekeeper: partition for scope, partition in self.partitions.items()}
        longest, now = 0.0, time.time()
        for one in written:
            if one.at < since:
                continue
            for partition in {of_timekeeper[t] for t in one.timekeepers if t in of_timekeeper}:
                came = self._came[partition]
                place = bisect_right(came, one.at)
                longest = max(longest, (came[place] if place < len(came) else now) - one.at)
        return round(longest, 2)
