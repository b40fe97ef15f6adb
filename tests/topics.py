"""Topics that tests create for themselves."""

from itertools import count

from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.progress.unread import Unread, unread
from tests.programs import eventually

WITHIN_S = 60.0
_names = count(1)


def create_topic(cluster: Cluster, name: str, partitions: int = 1, **settings: str) -> AdminClient:
    """Creates a topic with one replica, and returns the client, which has to be kept until the broker has answered."""
    admin = AdminClient(cluster.client())
    admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(WITHIN_S)
    return admin


class TransactionalTopic:
    """A topic of one partition for one test, written in transactions of the test's choice."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.name = cluster, f"transactional-{next(_names)}"
        self.admin = create_topic(cluster, self.name)
        self._producer = Producer({**cluster.client(), "transactional.id": self.name})
        self._producer.init_transactions(20)
        self._end = 0

    def commit(self, records: int) -> None:
        """A transaction of so many records, and its end mark."""
        self.open(records)
        self._producer.commit_transaction(20)
        self._marked(records)

    def abort(self, records: int) -> None:
        self.open(records)
        self._producer.abort_transaction(20)
        self._marked(records)

    def _marked(self, records: int) -> None:
        """The broker says that a transaction has ended a moment before its end mark is in the log."""
        self._end += records + 1
        latest = {TopicPartition(self.name, 0): OffsetSpec.latest()}  # type: ignore[no-untyped-call]

        def end() -> int:
            (asked,) = self.admin.list_offsets(latest, isolation_level=IsolationLevel.READ_COMMITTED).values()
            return int(asked.result().offset)

        eventually(lambda: end() == self._end, what="the end mark is there")

    def open(self, records: int) -> None:
        """A transaction that doesn't end."""
        self._producer.begin_transaction()
        for n in range(records):
            self._producer.produce(self.name, str(n).encode())
        assert self._producer.flush(20) == 0

    def from_(self, place: int | None) -> Unread:
        return unread(self.cluster, {(self.name, 0): place})[self.name, 0]
