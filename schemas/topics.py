"""The registry of topics: made at start, and checked against the broker. Partition counts are for life."""

import msgspec

PARTITIONS = 16
DAY_MS = 86_400_000
SEGMENT_BYTES = str(64 * 1024 * 1024)
"""Kafka compacts no segment that it still writes to, and its default is a gigabyte: all of that would be read back."""
UNLIMITED = "-1"


class Topic(msgspec.Struct, frozen=True):
    """A topic as it must be on the broker. `settings` are read back after creation; any difference is refused.

    `key` and `value` name the types of what is in it, for people and for the drawing.
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
        # A row's before and after together pass 1 MB when words are long; the task would die on it.
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
        # A reader that was away for less than this still sees every group that went.
        "delete.retention.ms": str(30 * DAY_MS),
        # A mark is a cut: until readers had an hour, what was before it stays as it was.
        "min.compaction.lag.ms": "3600000",
    },
    why="what each timekeeper's groups are now; the only memory of what was said",
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
    why="the rows a worker needs to decide, one small record each, read when a partition is assigned",
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
    why="what could not be used, whole, with its reason, keyed by its origin so that it is there once",
)

SCHEMA_HISTORY = Topic(
    name="schema-history",
    key="none",
    value="Debezium schema history",
    partitions=1,
    settings={"cleanup.policy": "delete", "retention.ms": UNLIMITED, "retention.bytes": UNLIMITED},
    why="the table definitions at each binlog position; without it the connector can't go on",
)

HEARTBEAT = Topic(
    name="heartbeat.timeloom",
    key="serverName",
    value="Debezium heartbeat",
    partitions=1,
    settings={"cleanup.policy": "delete", "retention.ms": str(DAY_MS)},
    why="keeps the connector's offset moving while no captured table changes",
)

TOPICS: tuple[Topic, ...] = (CHANGES, GROUPS, WORKING_SET, DEAD_LETTERS, SCHEMA_HISTORY, HEARTBEAT)

BATCH_OVERHEAD_BYTES = 1_024
"""Bytes that a batch of one record has around it, generously."""

MAX_RECORD_BYTES = {
    topic.name: int(topic.settings["max.message.bytes"]) - BATCH_OVERHEAD_BYTES
    for topic in (GROUPS, WORKING_SET, DEAD_LETTERS)
}
"""The largest key and value together that the broker takes for sure: compression isn't counted on."""
