"""Topics over time: how far they have come, when they were last written to, and which offset a moment had."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster, reader
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, admin, unanswered
from schemas.errors import StackError
from schemas.topics import Topic


class TopicProgress:
    """Keeps a client open, because it is asked every few seconds."""

    def __init__(self, cluster: Cluster, topics: Iterable[Topic]) -> None:
        self._cluster, self._client = cluster, admin(cluster)
        self._places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]

    def position(self) -> int:
        """The sum of the ends of committed records. Raises StackError if the broker doesn't answer."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        try:
            asked = self._client.list_offsets(
                dict.fromkeys(self._places, latest),
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=TIMEOUT_S,
            )
            return sum(future.result().offset for future in asked.values())
        except KafkaException as error:
            raise StackError(
                f"The broker at {self._cluster} doesn't tell how far topics are: {error.args[0].str()}. "
                "See `./timeloom stack status`."
            ) from error


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
