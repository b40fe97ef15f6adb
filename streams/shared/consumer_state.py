"""The state of our consumers: their members, their lag, and a status.

    broker: members, committed ─▶ the offset (for `bill`: the database's) ─▶ unread records from there ─▶ status

A status needs a history of some minutes. The broker remembers commits, so a single reading is enough.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from processors.monitoring.status import Commit, ObservedPartition, Status, group_status, partition_status
from schemas.topics import CHANGES, GROUPS, Topic

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.kafka.client.cluster import Cluster
    from connectors.kafka.consumers.commit_history import Committed
    from connectors.kafka.consumers.consumer_groups import ConsumerGroup, Member
    from connectors.kafka.progress.unread import Unread
    from streams.settings import Settings

STATUS_WINDOW_S = 30.0
"""Commits of so long ago on make a status: a batch under load takes twenty seconds at most, and commits then."""

ALLOWED_LAG_S = 10.0
"""A record that waits for less than this is on its way: a hundred times what it takes, and a rebalance."""

SAMPLED_COMMITS = 5
"""At so many of the window's commits the lag of that moment is looked up; only where something lags now."""

REBALANCING = ("PREPARING_REBALANCING", "COMPLETING_REBALANCING")


class WatchedConsumer(msgspec.Struct, frozen=True):
    """A consumer group of ours, and its topic. `has_external_offsets`: its offset is in the database, and Kafka's is
    for observers.
    """

    name: str
    topic: Topic
    has_external_offsets: bool = False


CONSUMERS = (WatchedConsumer("group", CHANGES), WatchedConsumer("bill", GROUPS, has_external_offsets=True))


class PartitionState(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer in one partition. `place`: the next offset it reads, None before it ever read; `committed`: Kafka's
    offset.

    `lag` in offsets and `lag_seconds`, the wait of its oldest unread record, are 0 if nothing is left to read.
    """

    topic: str
    partition: int
    status: Status
    place: int | None
    committed: int | None
    end: int
    lag: int
    lag_seconds: float
    owner: str | None = None
    note: str = ""


class ConsumerState(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group: `state` is Kafka's, `status` Burrow's; the lag of all its partitions, and the longest wait."""

    group: str
    state: str
    status: Status
    lag: int
    lag_seconds: float
    members: tuple["Member", ...]
    partitions: tuple[PartitionState, ...]


def read_consumer_states(cluster: "Cluster", ledger_offsets: Mapping[int, int] | None) -> list[ConsumerState]:
    """Reads the state of every consumer. `ledger_offsets`: the offsets of `bill` in the database; None if unknown.

    Raises StackError if the broker doesn't answer.
    """
    from connectors.kafka.consumers.commit_history import commits_since
    from connectors.kafka.consumers.consumer_groups import consumer_groups
    from connectors.kafka.progress.unread import unread

    groups = {group.name: group for group in consumer_groups(cluster, [one.name for one in CONSUMERS])}
    places: dict[tuple[str, int], int | None] = {}
    for one in CONSUMERS:
        known = {(one.topic.name, number): next for number, next in (ledger_offsets or {}).items()}
        kept = known if one.has_external_offsets and ledger_offsets is not None else groups[one.name].committed
        places |= {(one.topic.name, n): kept.get((one.topic.name, n)) for n in range(one.topic.partitions)}
    now_s = time.time()
    behind = unread(cluster, places)
    late = {of for of, what in behind.items() if _oldest_wait_s(what, now_s) > ALLOWED_LAG_S}
    history = commits_since(cluster, groups, int((now_s - STATUS_WINDOW_S) * 1000)) if late else []
    commits = _commits_with_lags(cluster, [one for one in history if (one.topic, one.partition) in late], behind)
    return [
        _consumer_state(
            groups[one.name],
            [_partition_state(groups[one.name], of, places[of], behind[of], commits, now_s) for of in its],
        )
        for one in CONSUMERS
        if (its := [(one.topic.name, number) for number in range(one.topic.partitions)])
    ]


def _oldest_wait_s(unread: "Unread", now_s: float) -> float:
    """Seconds that the oldest unread record has waited; at least 0, because clocks of two machines may differ."""
    return 0.0 if unread.since_ms is None else max(0.0, now_s - unread.since_ms / 1000)


def _commits_with_lags(
    cluster: "Cluster", history: "Sequence[Committed]", unread_by_partition: "Mapping[tuple[str, int], Unread]"
) -> dict[tuple[str, str, int], list[Commit]]:
    """The window's commits by group and partition; for a sample of each with the lag at that moment."""
    from connectors.kafka.progress.unread import first_records

    by_partition: dict[tuple[str, str, int], list[Committed]] = {}
    for one in history:
        by_partition.setdefault((one.group, one.topic, one.partition), []).append(one)
    lags: dict[tuple[tuple[str, str, int], int], float] = {}
    for turn in range(SAMPLED_COMMITS):
        asked = {of: _sample_index(len(commits), turn) for of, commits in by_partition.items()}
        starts = {
            of[1:]: max(by_partition[of][nth].offset, unread_by_partition[of[1:]].begin) for of, nth in asked.items()
        }
        records = first_records(cluster, starts)
        for of, nth in asked.items():
            at_ms = by_partition[of][nth].at_ms
            _, since_ms = records.get(of[1:], (0, at_ms))
            lags[of, nth] = max(0.0, (at_ms - since_ms) / 1000)
    return {
        of: [Commit(one.at_ms / 1000, one.offset, lags.get((of, nth))) for nth, one in enumerate(commits)]
        for of, commits in by_partition.items()
    }


def _sample_index(count: int, turn: int) -> int:
    """Indexes spread evenly from the first to the last of `count`."""
    return turn * (count - 1) // (SAMPLED_COMMITS - 1)


def _partition_state(
    group: "ConsumerGroup",
    topic_partition: tuple[str, int],
    offset: int | None,
    unread: "Unread",
    commits: Mapping[tuple[str, str, int], list[Commit]],
    now_s: float,
) -> PartitionState:
    owner, committed = group.owners.get(topic_partition), group.committed.get(topic_partition)
    waited_s = _oldest_wait_s(unread, now_s)
    at = unread.begin if offset is None else offset
    watched = ObservedPartition(
        commits=tuple(commits.get((group.name, *topic_partition), ())),
        # What is committed may lie behind the end marks after the place: beside that, the place were a step back.
        place=committed if committed is not None and at <= committed <= _next_record_offset(unread) else at,
        lag_s=waited_s,
        owned=None if group.state in REBALANCING else owner is not None,
        missing=unread.missing,
    )
    return PartitionState(
        topic=topic_partition[0],
        partition=topic_partition[1],
        status=partition_status(watched, now_s, ALLOWED_LAG_S, STATUS_WINDOW_S),
        place=offset,
        committed=committed,
        end=unread.end,
        lag=unread.offsets,
        lag_seconds=round(waited_s, 1),
        owner=f"{owner.client} at {owner.host}" if owner else None,
        note=_note(offset, committed, unread),
    )


def _next_record_offset(unread: "Unread") -> int:
    """The offset of the next record: all offsets between are the same to a reader."""
    return unread.end if unread.next is None else unread.next


def _note(offset: int | None, committed: int | None, unread: "Unread") -> str:
    """What is odd about the offsets. Behind the last record, Kafka's may be anywhere among the end markers."""
    if unread.missing:
        return f"its place {offset} isn't on the broker, which ends at {unread.end}"
    if offset is None:
        return "empty" if unread.next is None else "never committed"
    if committed is not None and not offset <= committed <= _next_record_offset(unread):
        return f"Kafka says {committed}; the database's {offset} counts"
    return ""


def _consumer_state(group: "ConsumerGroup", partitions: list[PartitionState]) -> ConsumerState:
    # Places without anybody having been there: a group that was never started.
    been = group.active or any(one.place is not None for one in partitions)
    return ConsumerState(
        group=group.name,
        state=group.state,
        status=group_status(one.status for one in partitions) if been else Status.NOTFOUND,
        lag=sum(one.lag for one in partitions),
        lag_seconds=max(one.lag_seconds for one in partitions),
        members=group.members,
        partitions=tuple(partitions),
    )


def ledger_offsets(settings: "Settings") -> dict[int, int]:
    """The offsets of `bill` in the database, by partition. Raises StackError where the database isn't up."""
    from connectors.mariadb.server.engine import connect

    return ledger_offsets_in(connect(settings.mariadb().url("pipeline"), pool_size=1))


def ledger_offsets_in(engine: "Engine") -> dict[int, int]:
    """The same through an engine, which is disposed of afterwards."""
    from connectors.mariadb.audit.ledger_snapshot import read_offsets
    from connectors.mariadb.billing.ingestion import CONSUMER
    from schemas.topics import GROUPS

    try:
        with engine.connect() as connection:
            return read_offsets(connection, CONSUMER, GROUPS.name)
    finally:
        engine.dispose()
