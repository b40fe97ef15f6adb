"""Follows a topic as it grows, without joining a consumer group."""

from collections.abc import Iterator
from typing import cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka.client.cluster import Cluster, reader
from connectors.kafka.client.connectivity import knock
from schemas.errors import StackError
from schemas.topics import ConsumerRecord

PATIENCE_S = 10


def follow(cluster: Cluster, topic: str, partitions: int, back: int, wait_s: float) -> Iterator[list[ConsumerRecord]]:
    """Yields batches of committed records from `back` offsets before the end of each partition on, for ever.

    A batch is what arrived within `wait_s`, perhaps nothing, so that the caller can look at a clock or be interrupted.
    Raises StackError if there is no broker.
    """
    consumer = reader(cluster, enable_partition_eof=False, fetch_wait_max_ms=20)
    try:
        consumer.assign([_near_the_end(consumer, TopicPartition(topic, one), back) for one in range(partitions)])
        while True:
            messages = consumer.consume(1000, timeout=wait_s)
            for message in messages:
                if (error := message.error()) is not None:
                    raise StackError(f"Following {topic} failed: {error.str()}. See `./timeloom stack status`.")
            yield [
                ConsumerRecord(cast(int, m.partition()), cast(int, m.offset()), m.key(), m.value()) for m in messages
            ]
    except KafkaException as error:
        knock(cluster)
        raise StackError(f"The broker at {cluster} doesn't answer ({error}). Start it: ./timeloom stack up") from error
    finally:
        consumer.close()


def _near_the_end(consumer: Consumer, partition: TopicPartition, back: int) -> TopicPartition:
    low, high = consumer.get_watermark_offsets(partition, timeout=PATIENCE_S)
    return TopicPartition(partition.topic, partition.partition, max(low, high - back))
