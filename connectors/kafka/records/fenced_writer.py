"""The fenced writer: writes everything of one partition's owner, in transactions under that partition's own name.

A transactional id belongs to one partition, so a process that takes the partition fences the previous owner: a frozen
process that wakes up can't write an older value over a newer one. Readers use read_committed.
"""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.kafka.client.cluster import Cluster
from schemas.errors import PartitionFenced, StackError
from schemas.topics import ProducerRecord

TIMEOUT_S = 30.0
_FENCING = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


def owner_of(partition: int) -> str:
    """The transactional id of the owner of a partition of `changes`. Using it fences the previous owner."""
    return f"timeloom-group-{partition}"


class FencedWriter:
    """Writes batches of records, each batch whole or not at all.

    `name` is the transactional id. Creating a writer fences every other writer of that name and ends its open
    transaction.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.name = name
        self._producer = Producer(
            {
                **cluster.client(),
                "transactional.id": name,
                "transaction.timeout.ms": 30_000,
                "compression.type": "lz4",
                "linger.ms": 0,
                "message.max.bytes": 16_777_216,
            }
        )
        self._call(self._producer.init_transactions, TIMEOUT_S)

    def write(self, records: Iterable[ProducerRecord]) -> None:
        """Commits all of them; returns when the broker has them.

        Raises PartitionFenced, or StackError. After a StackError they may have been written or not: discard the writer
        and the state that decided them, and restore from the topics.
        """
        self._call(self._producer.begin_transaction)
        for record in records:
            self._produce(record)
        self._call(self._producer.commit_transaction, TIMEOUT_S)

    def _produce(self, record: ProducerRecord) -> None:
        while True:
            try:
                self._call(self._producer.produce, record.topic, record.value, record.key, record.partition)
                return
            except BufferError:
                # The local queue is full of our own records; the broker's answers make room, or the commit times out.
                self._producer.poll(0.1)

    def _call(self, call: object, *arguments: object) -> None:
        try:
            call(*arguments)  # type: ignore[operator]
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() in _FENCING:
                raise PartitionFenced(
                    f"{self.name}: another process owns this partition now ({reason.str()})"
                ) from error
            # No abort here: whoever takes the name next ends what is left open, and then knows what was written.
            raise StackError(
                f"{self.name}: it isn't known whether the broker took the batch: {reason.str()}. `group` starts again "
                "and reads it back; see `./timeloom stack status`"
            ) from error
