"""Where in a topic a moment was."""

from collections.abc import Iterable

from confluent_kafka import KafkaException, TopicPartition

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.independent_reader import reader
from schemas.errors import StackError

TIMEOUT_S = 10


def offsets_since(cluster: Cluster, topic: str, partitions: Iterable[int], since_ms: int) -> dict[int, int]:
    """The first offset written at `since_ms` (since 1970) or later; partitions without such a record are left out."""
    consumer = reader(cluster)
    try:
        found = consumer.offsets_for_times([TopicPartition(topic, p, since_ms) for p in partitions], timeout=TIMEOUT_S)
    except KafkaException as error:
        raise StackError(
            f"The broker doesn't tell offsets of {topic}: {error.args[0].str()}. See `./timeloom stack status`."
        ) from error
    finally:
        consumer.close()
    return {one.partition: one.offset for one in found if one.offset >= 0}
