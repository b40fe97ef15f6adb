"""Reads the open dead letters, and the discards.

A letter is open until it is resolved: then its origin has a tombstone. What is on the topic now is open or discarded.
"""

from collections.abc import Mapping

import msgspec

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.partition_log import read_to_end
from schemas.dead_letters import DeadLetterRecord, DiscardRecord, decode_dead_letter, decode_discard
from schemas.keys import DiscardKey, OriginKey, decode_dead_letter_key
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import DEAD_LETTERS


class Letter(msgspec.Struct, frozen=True):
    """A dead letter, and when it was written (milliseconds since 1970)."""

    origin: OriginKey
    said: DeadLetterRecord
    written_ms: int


class Letters(msgspec.Struct, frozen=True):
    """Every letter that isn't resolved, and every discard, whether its letter is still there or not."""

    standing: Mapping[OriginKey, Letter]
    discarded: Mapping[OriginKey, DiscardRecord]

    @property
    def open(self) -> list[Letter]:
        """The letters that wait for a person, oldest first: neither resolved nor discarded."""
        waiting = [letter for origin, letter in self.standing.items() if origin not in self.discarded]
        return sorted(waiting, key=lambda letter: (letter.written_ms, letter.origin))


def read_letters(cluster: Cluster, *, settled: bool = True) -> Letters:
    """Reads all dead letters, also those behind a transaction that is open now.

    Without `settled` it doesn't wait for such, for callers that need an answer at once. Raises StackError if the broker
    doesn't answer.
    """
    standing: dict[OriginKey, Letter] = {}
    discarded: dict[OriginKey, DiscardRecord] = {}
    for record in read_to_end(cluster, DEAD_LETTERS.name, list(range(DEAD_LETTERS.partitions)), settled=settled):
        try:
            key = decode_dead_letter_key(record.key or b"")
        except JSON_ERRORS:
            continue  # nobody's letter: no program of ours wrote it
        if isinstance(key, DiscardKey):
            origin = OriginKey(key.topic, key.partition, key.offset)
            discarded.pop(origin, None)
            if record.value is not None:
                discarded[origin] = decode_discard(record.value)
        else:
            standing.pop(key, None)
            if record.value is not None:
                standing[key] = Letter(key, decode_dead_letter(record.value), record.timestamp_ms)
    return Letters(standing, discarded)
