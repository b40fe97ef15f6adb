"""A consumer whose offsets are stored elsewhere, beside what they caused: Kafka only assigns its partitions.

On assignment it asks for the stored offset and seeks there. Kafka's own offsets are committed afterwards and decide
nothing: they are for observers.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.client.cluster import Cluster
from schemas.errors import StackError
from schemas.topics import ConsumerRecord

SESSION_MS = 6_000
"""How long a silent consumer keeps its partitions: a killed one's rest that long, a busy machine's must not flap."""

AHEAD = 2_000
"""Records of a partition that the library fetches before they are asked for. They come in one line for all partitions:
with its default of 100,000, one that is far behind has the others wait for minutes.
"""

HELD_BYTES = 67_108_864
"""Most bytes held, but for one more fetch: the library's own bound counts only what wasn't taken from it yet."""

SLICE_S = 0.2
"""How long waiting for company goes on before it is asked whether that is enough."""

log = structlog.get_logger("kafka")

Place = Callable[[int], int]
"""Where to go on in a partition; asked whenever one is assigned, and after a fence."""


class End(msgspec.Struct, frozen=True):
    """A partition's end, seen behind records that aren't consumed yet; `after_last` of those there is only an end
    marker.
    """

    after_last: int
    offset: int


class ExternalOffsetsConsumer:
    """Reads committed records of one topic. Not shared between threads."""

    def __init__(self, cluster: Cluster, group: str, topic: str, place: Place) -> None:
        self.topic = topic
        self.offsets: dict[int, int] = {}
        self._held: dict[int, list[ConsumerRecord]] = {}
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
                "queued.min.messages": AHEAD,
            }
        )
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def gather(
        self, most: int, wait_s: float, company_s: float = 0.0, enough: Callable[[], bool] = lambda: False
    ) -> None:
        """Fetches records of the assigned partitions, up to about `most` for each.

        One that is far behind may hold more than `most`, as long as others hold less. It waits for a first record if it
        holds none, then lingers until it has `most` in all, or `enough`. It has to be called between batches too:
        partitions are assigned and revoked only here, and others wait for that. Raises StackError if the broker
        refuses.
        """
        self._take_in([self._consumer.poll(0 if self._held else wait_s)])
        while self._held and company_s > 0 and self._count < most and not self._full and not enough():
            self._take_in(self._consumer.consume(most, min(company_s, SLICE_S)))
            company_s -= SLICE_S
        while self._count >= most and not self._full and (room := most * len(self.offsets) - self._count) > 0:
            before = self._count
            self._take_in(self._consumer.consume(min(room, most), 0))  # behind: company is here already
            if self._count == before:
                break

    @property
    def waiting(self) -> list[int]:
        """The partitions that hold records."""
        return list(self._held)

    def next(self, partition: int, most: int) -> list[ConsumerRecord]:
        """The next held records of a partition, which may have been revoked meanwhile."""
        held = self._held.pop(partition, [])
        if held[most:]:
            self._held[partition] = held[most:]
        return held[:most]

    @property
    def _count(self) -> int:
        return sum(map(len, self._held.values()))

    @property
    def _full(self) -> bool:
        held = (len(record.value or b"") for records in self._held.values() for record in records)
        return sum(held) >= HELD_BYTES

    def _take_in(self, messages: Sequence[Message | None]) -> None:
        for message in messages:
            if message is None:  # said so, since a message without a value is falsy
                continue
            partition, offset = cast(int, message.partition()), cast(int, message.offset())
            held = self._held.get(partition, [])
            if message.error():
                self._told(message, held)
            elif partition in self.offsets and offset >= max(
                self.offsets[partition], held[-1].offset + 1 if held else 0
            ):
                self._held.setdefault(partition, []).append(
                    ConsumerRecord(partition, offset, message.key(), message.value())
                )

    def advance(self, partition: int, next: int) -> None:
        """Records that everything before `next` is processed and stored."""
        self.offsets[partition] = next
        end = self._ends.get(partition)
        self._commit(partition, end.offset if end is not None and end.after_last == next else next)

    def replace(self, partition: int) -> None:
        """Seeks to the stored offset again, after another process was found to have read on."""
        self._drop(partition)
        if partition in self.offsets:
            self.offsets[partition] = self._place(partition)
            self._consumer.seek(TopicPartition(self.topic, partition, self.offsets[partition]))

    def close(self) -> None:
        """Leaves the consumer group, so that others get the partitions at once."""
        self._consumer.close()

    def _told(self, message: Message, before: Sequence[ConsumerRecord]) -> None:
        """Handles the end of a partition, or an error. Behind its last record a transaction's end marker takes an
        offset too.

        If records before it aren't consumed yet, the end is committed with them: after a crash it would be a step back.
        """
        error = cast(KafkaError, message.error())
        partition, offset = cast(int, message.partition()), cast(int, message.offset())
        if error.code() == KafkaError._PARTITION_EOF:
            if before:
                self._ends[partition] = End(before[-1].offset + 1, offset)
            elif self.offsets.get(partition, offset + 1) <= offset:
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
            self._drop(one.partition)
            one.offset = self.offsets[one.partition] = self._place(one.partition)
        consumer.assign(partitions)
        self.assigned_once = True
        log.info("assigned", topic=self.topic, places=dict(sorted(self.offsets.items())))

    def _revoked(self, _: Any, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self.offsets.pop(one.partition, None)
            self._drop(one.partition)
        log.info("revoked", topic=self.topic, partitions=sorted(one.partition for one in partitions))

    def _drop(self, partition: int) -> None:
        """Drops held records: they may belong to another process now, or are delivered again."""
        self._held.pop(partition, None)
        self._ends.pop(partition, None)
