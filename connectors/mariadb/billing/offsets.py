"""Stores a consumer's offsets next to the rows that they caused (external offsets).

Advancing an offset is also the fence: of two owners of a partition only one succeeds.
"""

from sqlalchemy import Connection, text

from schemas.errors import PartitionFenced

_INSERT = text(
    "INSERT IGNORE INTO consumer_offset (consumer, topic, partition_no, next_offset)"
    " VALUES (:consumer, :topic, :part, 0)"
)
_READ = text(
    "SELECT next_offset FROM consumer_offset WHERE consumer = :consumer AND topic = :topic AND partition_no = :part"
)
_ADVANCE = text(
    "UPDATE consumer_offset SET next_offset = :next"
    " WHERE consumer = :consumer AND topic = :topic AND partition_no = :part AND next_offset = :expected"
)


def ensure_offset(connection: Connection, consumer: str, topic: str, partition: int) -> int:
    """Returns the next offset of the consumer in this partition; inserts 0 where it has none."""
    names = {"consumer": consumer, "topic": topic, "part": partition}
    connection.execute(_INSERT, names)
    return int(connection.execute(_READ, names).scalar_one())


def advance(connection: Connection, consumer: str, topic: str, partition: int, *, expected: int, next: int) -> None:
    """Advances the offset from `expected` to `next` in the caller's transaction.

    It locks the row, so a second owner waits and then fails. With equal offsets it only locks. Raises PartitionFenced
    where the stored offset isn't `expected`, because another process has advanced it.
    """
    assert next >= expected, f"{consumer} would go back in {topic} {partition}: from {expected} to {next}"
    found = connection.execute(
        _ADVANCE, {"consumer": consumer, "topic": topic, "part": partition, "expected": expected, "next": next}
    )
    if found.rowcount != 1:
        raise PartitionFenced(
            f"{consumer} is not at offset {expected} of {topic} {partition} any more: another process owns this "
            "partition now. What that process wrote is valid; this batch was rolled back."
        )


_RECORD_FAILURE = text(
    "UPDATE consumer_offset SET failures = IF(failed_at <=> :offset, failures + 1, 1), failed_at = :offset"
    " WHERE consumer = :consumer AND topic = :topic AND partition_no = :part"
)
_FAILURES = text(
    "SELECT failures FROM consumer_offset WHERE consumer = :consumer AND topic = :topic AND partition_no = :part"
)


def record_failure(connection: Connection, consumer: str, topic: str, partition: int, offset: int) -> int:
    """Counts a failure on the record at `offset`; returns how often it has failed, in all processes together."""
    names = {"consumer": consumer, "topic": topic, "part": partition}
    connection.execute(_RECORD_FAILURE, {**names, "offset": offset})
    return int(connection.execute(_FAILURES, names).scalar_one())
