"""Writes dead letters, whole, keyed by their origin: the same one written twice is there once."""

from confluent_kafka import KafkaError, Message, Producer

from connectors.kafka.cluster import Cluster
from schemas.dead_letters import DeadLettered, encode_dead_letter
from schemas.errors import StackError
from schemas.keys import OriginKey, encode_key
from schemas.topics import DEAD_LETTERS

TIMEOUT_S = 30.0


class DeadLetters:
    """Returns from `write` only when the broker has the letters; what they stand for may then be passed over."""

    def __init__(self, cluster: Cluster) -> None:
        self._producer = Producer(
            {
                **cluster.client(),
                "enable.idempotence": True,
                "compression.type": "lz4",
                "message.max.bytes": 16_777_216,
            }
        )

    def write(self, letters: list[tuple[OriginKey, DeadLettered]]) -> None:
        """Writes them in order. Raises StackError where the broker doesn't take one."""
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        for origin, letter in letters:
            self._producer.produce(
                DEAD_LETTERS.name, encode_dead_letter(letter), encode_key(origin), on_delivery=delivered
            )
        left = self._producer.flush(TIMEOUT_S)
        if failures or left:
            why = failures[0].str() if failures else f"no answer in {TIMEOUT_S:.0f} s"
            raise StackError(f"The broker did not take {len(letters)} dead letters: {why}.")
