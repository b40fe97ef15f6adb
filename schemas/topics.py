"""Defines all topics, the partitioner, and records. Topics are created at start and compared with the broker.

A partition count never changes.
"""

from functools import lru_cache

import msgspec

from schemas.keys import Scope

PARTITIONS = 16
DAY_MS = 86_400_000
SEGMENT_BYTES = str(64 * 1024 * 1024)
"""Kafka compacts no segment that it still writes to. With the default of 1 GB, a restore would read all of that."""
UNLIMITED = "-1"


class Topic(msgspec.Struct, frozen=True):
    """A topic as it must be on the broker. `settings` are read back after creation; any difference is an error.

    `key` and `value` are the types of its records, for people and for the drawing.
    """

    name: str
    key: str
    value: str
    partitions: int
    settings: dict[str, str]
    why: str


CHANGES = Topic(
    name="changes",
    key="firm, timekeeper, table, id",
    value="Debezium envelope (schemas.changes)",
    partitions=PARTITIONS,
    settings={
        "cleanup.policy": "delete",
        "retention.ms": UNLIMITED,
        "retention.bytes": UNLIMITED,
        # With long words, a row before and after its change exceeds 1 MB together. Capture's task would fail on it.
        "max.message.bytes": "8388608",
    },
    why="every change of a timekeeper's rows in binlog order; replay reads it, so it is kept for ever",
)

GROUPS = Topic(
    name="groups",
    key="firm, timekeeper, group | mark",
    value="schemas.groups.Published",
    partitions=PARTITIONS,
    settings={
        "cleanup.policy": "compact",
        "max.message.bytes": "8388608",
        "segment.bytes": SEGMENT_BYTES,
        # A reader that was down for less than this still sees the tombstone of every deleted group.
        "delete.retention.ms": str(30 * DAY_MS),
        # A reader of a mark needs the records before it as they were. It has an hour before compaction removes any.
        "min.compaction.lag.ms": "3600000",
    },
    why="each timekeeper's groups as they are now; the only record of what was published",
)

WORKING_SET = Topic(
    name="working-set",
    key="schemas.keys.RowKey",
    value="schemas.changes.WorkingSetRow",
    partitions=PARTITIONS,
    settings={
        "cleanup.policy": "compact",
        "max.message.bytes": "8388608",
        "segment.bytes": SEGMENT_BYTES,
        "delete.retention.ms": str(DAY_MS),
    },
    why="the rows that a worker needs to decide, one small record each; read when a partition is assigned",
)

DEAD_LETTERS = Topic(
    name="dead-letters",
    key="schemas.keys.OriginKey",
    value="schemas.dead_letters.DeadLetterRecord",
    partitions=1,
    settings={
        "cleanup.policy": "compact",
        "max.message.bytes": "16777216",
        "delete.retention.ms": str(30 * DAY_MS),
    },
    why="records that can't be used, whole, with the reason; keyed by origin, so that each is there once",
)

SCHEMA_HISTORY = Topic(
    name="schema-history",
    key="none",
    value="Debezium schema history",
    partitions=1,
    settings={"cleanup.policy": "delete", "retention.ms": UNLIMITED, "retention.bytes": UNLIMITED},
    why="the table definitions at each binlog position; without them the connector can't continue",
)

HEARTBEAT = Topic(
    name="heartbeat.timeloom",
    key="serverName",
    value="Debezium heartbeat",
    partitions=1,
    settings={"cleanup.policy": "delete", "retention.ms": str(DAY_MS)},
    why="advances the connector's offset while no captured table changes",
)

TOPICS: tuple[Topic, ...] = (CHANGES, GROUPS, WORKING_SET, DEAD_LETTERS, SCHEMA_HISTORY, HEARTBEAT)

BATCH_OVERHEAD_BYTES = 1_024
"""Bytes of a batch besides its one record; a generous bound."""

MAX_RECORD_BYTES = {
    topic.name: int(topic.settings["max.message.bytes"]) - BATCH_OVERHEAD_BYTES
    for topic in (GROUPS, WORKING_SET, DEAD_LETTERS)
}
"""The largest key and value together that the broker surely accepts, even without compression."""


_MASK_64, _MASK_31 = (1 << 64) - 1, (1 << 31) - 1


@lru_cache(maxsize=100_000)
def partition_of(scope: Scope) -> int:
    """Returns the one partition in which all changes of this timekeeper are, in order."""
    total = (_murmur3(scope.firm) + _murmur3(scope.timekeeper)) & _MASK_31
    return (0 if total == _MASK_31 else total) % PARTITIONS


def _murmur3(number: int) -> int:
    folded = (number ^ (number >> 32)) & 0xFFFFFFFF  # Java's hash of a long
    k = 0
    for byte in range(4):
        value = (folded >> (8 * byte)) & 0xFF
        k ^= (value - 256 if value > 127 else value) << (8 * byte)
    k = _rotate_left((k & _MASK_64) * 0x87C37B91114253D5 & _MASK_64, 23) * 0x4CF5AD432745937F & _MASK_64
    h1, h2 = 0x9368E53C2F6AF274 ^ 9001, 0x586DCD208F7CD3FD ^ 9001
    h1 = (h1 ^ k) + h2 & _MASK_64
    h2 = _rotate_left(h2, 41) + h1 & _MASK_64
    h1, h2 = h1 * 3 + 0x52DCE729 & _MASK_64, (h2 * 3 + 0x38495AB5 & _MASK_64) ^ 4
    h1 = h1 + h2 & _MASK_64
    h2 = h2 + h1 & _MASK_64
    return (_final_mix(h1) + _final_mix(h2) & _MASK_64) >> 32


def _rotate_left(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _MASK_64


def _final_mix(value: int) -> int:
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & _MASK_64
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & _MASK_64
    return value ^ value >> 33


class ConsumerRecord(msgspec.Struct, frozen=True):
    """One record as it is on a topic. `value` None is a tombstone.

    `timestamp_ms` is when it was written, in milliseconds since 1970; 0 where that isn't known.
    """

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0


class ProducerRecord(msgspec.Struct, frozen=True):
    """A record to write. `partition` is explicit, because a group goes to the partition that its change came from.

    `value` None is a tombstone.
    """

    topic: str
    partition: int
    key: bytes
    value: bytes | None
