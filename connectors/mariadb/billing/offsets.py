"""How far a consumer has read, kept beside what it wrote: the fence that only one owner passes."""

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
    """Where the consumer goes on in this partition; 0 where it has never been."""
    names = {"consumer": consumer, "topic": topic, "part": partition}
    connection.execute(_INSERT, names)
    return int(connection.execute(_READ, names).scalar_one())


def advance(connection: Connection, consumer: str, topic: str, partition: int, *, expected: int, next: int) -> None:
    """Moves from `expected` to `next` in the caller's transaction; holds the row, so a second owner waits, and fails.

    Raises Fenced where the offset isn't `expected`: somebody else has read on. Equal offsets only hold the row.
    """
    assert next >= expected, f"{consumer} would go back in {topic} {partition}: from {expected} to {next}"
    found = connection.execute(
        _ADVANCE, {"consumer": consumer, "topic": topic, "part": partition, "expected": expected, "next": next}
    )
    if found.rowcount != 1:
        raise PartitionFenced(
            f"{consumer} is not at offset {expected} of {topic} {partition} any more: another process reads this "
            "partition now. What it wrote stands; this batch was rolled back."
        )


_RECORD_FAILURE = text(
    "UPDATE consumer_offset SET failures = IF(failed_at <=> :offset, failures + 1, 1), failed_at = :offset"
    " WHERE consumer = :consumer AND topic = :topic AND partition_no = :part"
)
_FAILURES = text(
    "SELECT failures FROM consumer_offset WHERE consumer = :consumer AND topic = :topic AND partition_no = :part"
)


def record_failure(connection: Connection, consumer: str, topic: str, partition: int, offset: int) -> int:
    """Counts a failure on the record at `offset`; returns how many that were, over all processes."""
    names = {"consumer": consumer, "topic": topic, "part": partition}
    connection.execute(_RECORD_FAILURE, {**names, "offset": offset})
    return int(connection.execute(_FAILURES, names).scalar_one())
