"""Writes dead letters, whole, keyed by their origin: one that is written twice exists once."""

from collections.abc import Sequence

from confluent_kafka import KafkaError, Message, Producer

from connectors.kafka.client.cluster import Cluster
from schemas.dead_letters import DeadLetterRecord, DiscardRecord, encode_dead_letter, encode_discard
from schemas.errors import StackError
from schemas.keys import DiscardKey, OriginKey, encode_key
from schemas.topics import DEAD_LETTERS

TIMEOUT_S = 30.0


class DeadLetters:
    """Each call returns only when the broker has the records; after that the originals may be skipped."""

    def __init__(self, cluster: Cluster) -> None:
        self._producer = Producer(
            {
                **cluster.client(),
                "enable.idempotence": True,
                "compression.type": "lz4",
                "message.max.bytes": 16_777_216,
            }
        )

    def write(self, letters: Sequence[tuple[OriginKey, DeadLetterRecord]]) -> None:
        """Writes them in order. Raises StackError if the broker doesn't accept one."""
        self._write([(encode_key(origin), encode_dead_letter(letter)) for origin, letter in letters])

    def answer(self, origins: Sequence[OriginKey]) -> None:
        """Resolves these letters. Raises StackError if the broker doesn't accept it."""
        self._write([(encode_key(origin), None) for origin in origins])

    def discard(self, discards: Sequence[tuple[OriginKey, DiscardRecord]]) -> None:
        """Records who discarded these letters. Raises StackError if the broker doesn't accept one."""
        named = [(DiscardKey(origin.topic, origin.partition, origin.offset), one) for origin, one in discards]
        self._write([(encode_key(key), encode_discard(one)) for key, one in named])

    def _write(self, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        for key, value in records:
            self._producer.produce(DEAD_LETTERS.name, value, key, on_delivery=delivered)
        left = self._producer.flush(TIMEOUT_S)
        if failures or left:
            why = failures[0].str() if failures else f"no answer in {TIMEOUT_S:.0f} s"
            raise StackError(f"The broker did not take {len(records)} dead letters: {why}.")
