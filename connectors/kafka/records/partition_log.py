"""Reads a topic's partitions from given offsets to their current end."""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import cast

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster, reader
from connectors.kafka.client.connectivity import knock
from schemas.errors import StackError
from schemas.topics import ConsumerRecord

ROUND_S = 0.02
"""The library waits this long for a full round of messages, also at the end of the topic, where none come."""

SILENCE_S = 30
"""A broker that says nothing for so long while there is something to read is out of reach."""

SETTLED_S = 60
"""An open transaction ends within its timeout of 30 s and the 10 s in which the broker looks for such: and to spare."""


def read_to_end(
    cluster: Cluster,
    topic: str,
    partitions: list[int],
    starts: Mapping[int, int] | None = None,
    *,
    settled: bool = False,
) -> Iterator[ConsumerRecord]:
    """Yields every committed record of these partitions, in order, up to the end at the time it is reached.

    A partition begins at its offset in `starts`, else with what the broker still has. A transaction hides itself and
    later commits until its end markers are in the log, a moment after its writer was told that it is committed. With
    `settled` the end is at least the partition's end at the call, so it waits for such. Without, it is for callers that
    need only what was settled before, as an owner that has just created its writer, which waited for the markers. It
    joins no consumer group. Raises StackError if the broker doesn't answer.
    """
    ends = _ends(cluster, topic, partitions) if settled else {}
    patience = SETTLED_S if settled else SILENCE_S
    consumer = reader(cluster)
    left, heard = set(partitions), monotonic()
    try:
        consumer.assign([TopicPartition(topic, p, (starts or {}).get(p, 0)) for p in partitions])
        while left:
            for message in consumer.consume(5000, timeout=ROUND_S):
                heard = monotonic()
                error = message.error()
                if error is None:
                    partition, offset = cast(int, message.partition()), cast(int, message.offset())
                    yield ConsumerRecord(partition, offset, message.key(), message.value(), message.timestamp()[1])
                elif error.code() == KafkaError._PARTITION_EOF:
                    if cast(int, message.offset()) >= ends.get(cast(int, message.partition()), 0):
                        left.discard(message.partition())
                else:
                    raise StackError(f"Reading {topic} failed: {error.str()}")
            if monotonic() - heard > patience:
                knock(cluster)  # it knows better what is wrong, if it is we whom the broker doesn't let in
                raise StackError(
                    f"The broker said nothing for {patience} s while {topic} was read. See `./timeloom stack status`."
                )
    finally:
        consumer.close()


def _ends(cluster: Cluster, topic: str, partitions: list[int]) -> dict[int, int]:
    """The current ends of these partitions, uncommitted records included."""
    admin = AdminClient({**cluster.client(), "log_level": 0})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, number): latest for number in partitions}
    found = admin.list_offsets(asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=SILENCE_S)
    try:
        return {tp.partition: future.result().offset for tp, future in found.items()}
    except KafkaException as error:
        raise StackError(
            f"The broker doesn't tell where {topic} ends: {error.args[0].str()}. See `./timeloom stack status`."
        ) from error
