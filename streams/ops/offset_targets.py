"""Checks a move of offsets: which consumer may be moved, from where, and to where.

Only `group` can be moved: a change that it reads again changes nothing (law 1), and one that it skips is resent by
`verify --mend`. `bill` stores its offset beside what it caused: moved forward, work and close marks would be lost;
moved back, it would ignore what it has ingested; and a move would fence a running `bill`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.errors import ConfigurationError, TimeloomError

if TYPE_CHECKING:
    from processors.monitoring.offset_moves import OffsetPosition
    from streams.settings import Settings
    from streams.shared.consumer_state import WatchedConsumer


def movable_consumer(group: str) -> "WatchedConsumer":
    """The consumer of that name, if it may be moved. Raises ConfigurationError with the reason if not."""
    from streams.shared.consumer_state import CONSUMERS

    for one in CONSUMERS:
        if one.name == group and not one.has_external_offsets:
            return one
        if one.name == group:
            raise ConfigurationError(
                f"{group}'s place is in the database, beside what it caused: moved on, it would lose work and periods "
                "would not close; moved back, it would ignore what it has taken. If the tables are wrong: "
                "./timeloom verify --mend"
            )
    raise ConfigurationError(f"{group!r} is no consumer of Timeloom. There are group and bill.")


def refuse_active(settings: "Settings", consumer: "WatchedConsumer") -> None:
    """Raises TimeloomError naming the members, and how to stop them, while the group has members."""
    from connectors.kafka.consumers.consumer_groups import consumer_groups

    (found,) = consumer_groups(settings.kafka(), [consumer.name])
    if found.active:
        members = ", ".join(f"{one.client} at {one.host}" for one in found.members) or "it is being joined"
        raise TimeloomError(
            f"{consumer.name} runs ({members}), and would go on from where it is. Stop it: `./timeloom stack down`, "
            "then `./timeloom stack up --no-workers`; elsewhere as you started it. One that was killed stays a member "
            f"for {settings.worker_session_s:g} s."
        )


def positions_of(
    settings: "Settings", consumer: "WatchedConsumer", partitions: list[int] | None
) -> "dict[int, OffsetPosition]":
    """The positions of these partitions (None: all). Raises ConfigurationError for one that doesn't exist."""
    from connectors.kafka.consumers.consumer_groups import consumer_groups
    from connectors.kafka.progress.unread import unread
    from processors.monitoring.offset_moves import OffsetPosition

    numbers = range(consumer.topic.partitions) if partitions is None else partitions
    if wrong := [number for number in numbers if not 0 <= number < consumer.topic.partitions]:
        raise ConfigurationError(f"{consumer.topic.name} has partitions 0 to {consumer.topic.partitions - 1}: {wrong}")
    (group,) = consumer_groups(settings.kafka(), [consumer.name])
    places = {(consumer.topic.name, number): group.committed.get((consumer.topic.name, number)) for number in numbers}
    return {
        number: OffsetPosition(begin=seen.begin, end=seen.end, next=seen.next, place=places[topic, number])
        for (topic, number), seen in unread(settings.kafka(), places).items()
    }


def resolve_targets(
    settings: "Settings",
    consumer: "WatchedConsumer",
    to: str,
    partitions_named: bool,
    positions: "dict[int, OffsetPosition]",
) -> dict[int, int]:
    """The target offset for each partition. Raises ConfigurationError for an invalid one."""
    from connectors.kafka.progress.topic_progress import offsets_since

    if to in ("earliest", "latest"):
        return {number: at.begin if to == "earliest" else at.end for number, at in positions.items()}
    if to.isdecimal():
        if not partitions_named:
            raise ConfigurationError("An offset means a place in one partition: say which with --partition.")
        return dict.fromkeys(positions, int(to))
    try:
        when = datetime.fromisoformat(to)
    except ValueError as error:
        raise ConfigurationError(
            f"--to {to!r} is none of earliest, latest, an offset, a time such as 2026-03-02T08:00Z."
        ) from error
    since_ms = int(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1000)
    found = offsets_since(settings.kafka(), consumer.topic.name, positions, since_ms)
    # Nothing so late: what comes next is the first of then.
    return {number: found.get(number, at.end) for number, at in positions.items()}
