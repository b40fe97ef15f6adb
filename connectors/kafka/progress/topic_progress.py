"""How far topics have come: a number that grows while anything is written to them."""

from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, admin
from schemas.errors import StackError
from schemas.topics import Topic


class Movement:
    """Keeps a client open, since it is asked every few seconds."""

    def __init__(self, cluster: Cluster, topics: Iterable[Topic]) -> None:
        self._cluster, self._client = cluster, admin(cluster)
        self._places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]

    def sent(self) -> int:
        """The sum of the ends of committed records. Raises StackError where the broker doesn't tell."""
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
