"""A consumer whose place is kept elsewhere, beside what it writes: Kafka only tells it which partitions are its own.

On assignment it asks for the place and seeks there. Kafka's own offsets are committed afterwards and decide nothing:
they are for those who watch consumers.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.cluster import Cluster
from schemas.errors import StackError
from schemas.records import Incoming

SESSION_MS = 6_000
"""How long a silent consumer keeps its partitions: a killed one's rest that long, a busy machine's must not flap."""

SLICE_S = 0.2
"""How long waiting for company goes on before it is asked whether that is enough."""

log = structlog.get_logger("kafka")

Place = Callable[[int], int]
"""Where to go on in a partition; asked whenever one is assigned, and after a fence."""


class End(msgspec.Struct, frozen=True):
    """A partition's end, seen behind records that weren't taken yet; `after_last` of those there is only a mark."""

    after_last: int
    offset: int


class PlacedConsumer:
    """Reads committed records of one topic. Not shared between threads."""

    def __init__(self, cluster: Cluster, group: str, topic: str, place: Place) -> None:
        self.topic = topic
        self.places: dict[int, int] = {}
        self._ends: dict[int, End] = {}
        self.assigned_once = False
        self._place, self._group = place, group
        self._consumer = Consumer(
            {
                **cluster.client(),
                "group.id": group,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # A place that isn't on the broker means another topic than the one we read: never guess.
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "session.timeout.ms": SESSION_MS,
                "heartbeat.interval.ms": 1_000,
                "fetch.wait.max.ms": 10,
            }
        )
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def poll(
        self, most: int, wait_s: float, company_s: float, enough: Callable[[], bool] = lambda: False
    ) -> dict[int, list[Incoming]]:
        """The next records by partition: waits for a first one, then for company, for `most` of each partition at most.

        Only of partitions that are ours, from our place on. `enough` ends the waiting. Raises StackError where the
        broker refuses.
        """
        first = self._consumer.poll(wait_s)
        messages = [] if first is None else [first]
        while messages and company_s > 0 and len(messages) < most * len(self.places) and not enough():
            messages += self._consumer.consume(most * len(self.places) - len(messages), min(company_s, SLICE_S))
            company_s -= SLICE_S
        found: dict[int, list[Incoming]] = defaultdict(list)
        for message in messages:
            partition, offset = cast(int, message.partition()), cast(int, message.offset())
            if message.error():
                self._told(message, found.get(partition, ()))
            elif offset >= self.places.get(partition, offset + 1):
                found[partition].append(Incoming(partition, offset, message.key(), message.value()))
        # A revocation inside consume() makes what came before it somebody else's.
        return {partition: records for partition, records in found.items() if partition in self.places}

    def moved(self, partition: int, next: int) -> None:
        """What is before `next` is done, and kept by its keeper."""
        self.places[partition] = next
        end = self._ends.get(partition)
        self._commit(partition, end.offset if end is not None and end.after_last == next else next)

    def replace(self, partition: int) -> None:
        """Takes the partition up again from its keeper, after somebody else was found to have read on."""
        self._ends.pop(partition, None)
        if partition in self.places:
            self.places[partition] = self._place(partition)
            self._consumer.seek(TopicPartition(self.topic, partition, self.places[partition]))

    def close(self) -> None:
        """Leaves the consumer group, so that others get the partitions at once."""
        self._consumer.close()

    def _told(self, message: Message, before: Sequence[Incoming]) -> None:
        """The end of a partition, or an error. Behind its last record a transaction's end mark takes an offset too.

        Where records `before` it aren't taken yet, the end is committed with them: after a crash it were a step back.
        """
        error = cast(KafkaError, message.error())
        partition, offset = cast(int, message.partition()), cast(int, message.offset())
        if error.code() == KafkaError._PARTITION_EOF:
            if before:
                self._ends[partition] = End(before[-1].offset + 1, offset)
            elif self.places.get(partition, offset + 1) <= offset:
                self._commit(partition, offset)
            return
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise StackError(
                f"{self._group}'s place in {self.topic} {partition} isn't on the broker ({error.str()}): the topic was "
                "made anew, or is another cluster's. Use the cluster that the database was filled from, or "
                "`./timeloom stack reset`."
            )
        if error.fatal() or not error.retriable():
            raise StackError(f"Reading {self.topic} failed: {error.str()}. See `./timeloom stack status`.")
        log.warning("kafka_error", topic=self.topic, partition=partition, error=error.str())

    def _commit(self, partition: int, next: int) -> None:
        try:
            self._consumer.commit(offsets=[TopicPartition(self.topic, partition, next)], asynchronous=True)
        except KafkaException as error:
            # Only observers miss it, and the next commit tells them more.
            log.warning("commit_failed", topic=self.topic, partition=partition, error=error.args[0].str())

    def _assigned(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            one.offset = self.places[one.partition] = self._place(one.partition)
        consumer.assign(partitions)
        self.assigned_once = True
        log.info("assigned", topic=self.topic, places=dict(sorted(self.places.items())))

    def _revoked(self, _: Any, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self.places.pop(one.partition, None)
            self._ends.pop(one.partition, None)
        log.info("revoked", topic=self.topic, partitions=sorted(one.partition for one in partitions))
