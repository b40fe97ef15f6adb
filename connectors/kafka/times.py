"""Where in a topic a moment was."""

from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka.cluster import Cluster
from schemas.errors import StackError

TIMEOUT_S = 10


def offsets_since(cluster: Cluster, topic: str, partitions: Iterable[int], since_ms: int) -> dict[int, int]:
    """The first offset written at `since_ms` (since 1970) or later; partitions without such a record are left out."""
    consumer = Consumer({**cluster.client(), "group.id": "timeloom-reader", "enable.auto.commit": False})
    try:
        found = consumer.offsets_for_times([TopicPartition(topic, p, since_ms) for p in partitions], timeout=TIMEOUT_S)
    except KafkaException as error:
        raise StackError(
            f"The broker doesn't tell offsets of {topic}: {error.args[0].str()}. See `./timeloom stack status`."
        ) from error
    finally:
        consumer.close()
    return {one.partition: one.offset for one in found if one.offset >= 0}
