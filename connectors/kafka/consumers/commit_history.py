"""What consumer groups committed lately, from the broker's own topic of offsets: a history without waiting for one.

Commits of the last minutes are there record by record, because the newest segment isn't compacted.
"""

import struct
from collections.abc import Iterable
from time import monotonic

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kafka.client.cluster import Cluster, reader
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, unanswered
from schemas.errors import StackError

OFFSETS = "__consumer_offsets"
_KEYS_OF_COMMITS = (0, 1)


class Committed(msgspec.Struct, frozen=True):
    """One commit: `offset` is the next one to read; `at_ms` since 1970, by the broker's clock."""

    group: str
    topic: str
    partition: int
    offset: int
    at_ms: int


def commits_since(cluster: Cluster, groups: Iterable[str], since_ms: int) -> list[Committed]:
    """What these groups committed from `since_ms` on, oldest first.

    Raises StackError if the broker doesn't answer, or doesn't let us read its topic of offsets.
    """
    wanted = set(groups)
    consumer = reader(cluster, auto_offset_reset="latest")
    try:
        known = consumer.list_topics(OFFSETS, timeout=TIMEOUT_S).topics[OFFSETS]
        # The broker makes its topic when the first group comes; before, nothing was ever committed.
        if not known.partitions:
            return []
        homes = {home_of(group, len(known.partitions)) for group in wanted}
        starts = consumer.offsets_for_times([TopicPartition(OFFSETS, home, since_ms) for home in homes], TIMEOUT_S)
        found = _read(consumer, cluster, [one for one in starts if one.offset >= 0])
    except KafkaException as error:
        raise unanswered(cluster, error) from error
    finally:
        consumer.close()
    return [one for one in found if one.group in wanted and one.at_ms >= since_ms]


def home_of(group: str, partitions: int) -> int:
    """The partition of the topic of offsets that a group's commits go to: Java's hash of its name."""
    value = 0
    for unit in struct.unpack(f"<{len(group.encode('utf-16-le')) // 2}H", group.encode("utf-16-le")):
        value = (31 * value + unit) & 0xFFFFFFFF
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return 0 if signed == -(1 << 31) else abs(signed) % partitions


def decode_commit(key: bytes | None, value: bytes | None, at_ms: int) -> Committed | None:
    """Decodes a record of the topic of offsets; None if it isn't a commit, or is a deleted one."""
    if key is None or value is None or struct.unpack_from(">h", key)[0] not in _KEYS_OF_COMMITS:
        return None
    group, end = _string(key, 2)
    topic, end = _string(key, end)
    (partition,) = struct.unpack_from(">i", key, end)
    # Every version of the value begins with its version and the offset.
    (offset,) = struct.unpack_from(">q", value, 2)
    return Committed(group, topic, partition, offset, at_ms)


def _string(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", data, at)
    return data[at + 2 : at + 2 + length].decode(), at + 2 + length


def _read(consumer: Consumer, cluster: Cluster, starts: list[TopicPartition]) -> list[Committed]:
    left, heard = {one.partition for one in starts}, monotonic()
    found = []
    consumer.assign(starts)
    while left:
        for message in consumer.consume(5000, timeout=0.02):
            heard = monotonic()
            error = message.error()
            if error is None:
                commit = decode_commit(message.key(), message.value(), message.timestamp()[1])
                found += [commit] if commit else []
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            else:
                raise StackError(f"Reading {OFFSETS} failed: {error.str()}. Let this user read it.")
        if monotonic() - heard > TIMEOUT_S:
            raise StackError(f"The broker at {cluster} said nothing for {TIMEOUT_S:g} s while {OFFSETS} was read.")
    return sorted(found, key=lambda commit: commit.at_ms)
