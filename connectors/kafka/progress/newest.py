"""When something was last written to a topic."""

from collections.abc import Iterable

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, admin, unanswered
from schemas.topics import Topic


def newest(cluster: Cluster, topics: Iterable[Topic]) -> dict[str, int]:
    """The latest time (ms since 1970) on each topic; empty ones are left out. Raises StackError without a broker."""
    latest = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
    wanted = {TopicPartition(topic.name, n): latest for topic in topics for n in range(topic.partitions)}
    found: dict[str, int] = {}
    client = admin(cluster)  # kept until the answers are there: without it they never come
    try:
        for one, future in client.list_offsets(wanted, request_timeout=TIMEOUT_S).items():
            if (at_ms := future.result().timestamp) > 0:
                found[one.topic] = max(at_ms, found.get(one.topic, 0))
    except KafkaException as error:
        raise unanswered(cluster, error) from error
    return found
