"""Reads a topic's partitions from where one says to where they end now."""

from collections.abc import Iterator
from time import monotonic
from typing import cast

from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.kafka.cluster import Cluster
from connectors.kafka.reach import knock
from schemas.errors import StackError
from schemas.records import Incoming

ROUND_S = 0.02
"""The library waits this long for a full round of messages, also at the end of the topic, where none come."""

SILENCE_S = 30
"""A broker that says nothing for so long while there is something to read is out of reach."""


def read_to_end(cluster: Cluster, topic: str, partitions: list[int], start: int = 0) -> Iterator[Incoming]:
    """Every committed record of these partitions, in each one's order, up to the end as it is when it is reached.

    Reads without joining a consumer group, so it disturbs nobody. Raises StackError where the broker is silent.
    """
    consumer = Consumer(
        {
            **cluster.client(),
            "group.id": "timeloom-reader",  # required by the library; nothing is ever committed under it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
        }
    )
    left, heard = set(partitions), monotonic()
    try:
        consumer.assign([TopicPartition(topic, p, start) for p in partitions])
        while left:
            for message in consumer.consume(5000, timeout=ROUND_S):
                heard = monotonic()
                error = message.error()
                if error is None:
                    yield Incoming(
                        cast(int, message.partition()), cast(int, message.offset()), message.key(), message.value()
                    )
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
                else:
                    raise StackError(f"Reading {topic} failed: {error.str()}")
            if monotonic() - heard > SILENCE_S:
                knock(cluster)  # it knows better what is wrong, if it is we whom the broker doesn't let in
                raise StackError(
                    f"The broker said nothing for {SILENCE_S} s while {topic} was read. See `./timeloom stack status`."
                )
    finally:
        consumer.close()
