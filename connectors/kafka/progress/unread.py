"""Whether there is a record to read at or after an offset: exact on transactional topics, and cheap.

The end of a topic doesn't show it: a transaction's end marker takes an offset too, and so does every record of an
aborted transaction, so an idle consumer stays "one behind" for ever (librdkafka 2539). A reader of committed records
does: placed at the offset it returns either a record, or the partition's end. At most one batch for each partition is
transferred.
"""

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import cast

import msgspec
from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster, reader
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, admin, unanswered
from schemas.errors import StackError

Partition = tuple[str, int]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """What a partition has from an offset on. `end`: where committed records end.

    `next` is the first readable record, appended at `since_ms` (since 1970); None if there is none. `missing`: the
    offset is outside of what the broker has, which is `begin` to `end`.
    """

    begin: int
    end: int
    next: int | None = None
    since_ms: int | None = None
    missing: bool = False

    @property
    def offsets(self) -> int:
        """Offsets from the first unread record to the end, with the transactions' end marks between; 0 if none is."""
        return 0 if self.next is None else self.end - self.next


def partitions_of(cluster: Cluster, topics: Iterable[str]) -> dict[str, int]:
    """The number of partitions of each topic; missing topics are left out. Raises StackError without a broker."""
    try:
        known = admin(cluster).list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        raise unanswered(cluster, error) from error
    return {name: len(known[name].partitions) for name in topics if name in known}


def unread(cluster: Cluster, places: Mapping[Partition, int | None]) -> dict[Partition, Unread]:
    """What is unread from these offsets on (None: nothing was ever read). Raises StackError without a broker."""
    client = admin(cluster)
    try:
        begins = _offsets(client, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        ends = _offsets(client, places, latest)
        last = _offsets(client, places, latest, IsolationLevel.READ_UNCOMMITTED)
        found: dict[Partition, Unread] = {}
        asked: dict[Partition, int] = {}
        for one, place in places.items():
            begin, end = begins[one], ends[one]
            start = begin if place is None else place
            # Older records may be gone by the topic's own rules; a place behind the last one can't be.
            found[one] = Unread(begin=begin, end=end, missing=start > last[one])
            if start < end:
                asked[one] = max(start, begin)
        for one, (offset, at_ms) in first_records(cluster, asked).items():
            found[one] = msgspec.structs.replace(found[one], next=offset, since_ms=at_ms)
    except KafkaException as error:
        raise unanswered(cluster, error) from error
    return found


def _offsets(
    client: AdminClient,
    partitions: Iterable[Partition],
    which: OffsetSpec,
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
) -> dict[Partition, int]:
    wanted = {TopicPartition(topic, number): which for topic, number in partitions}
    if not wanted:
        return {}
    asked = client.list_offsets(wanted, isolation_level=isolation, request_timeout=TIMEOUT_S)
    return {(tp.topic, tp.partition): future.result().offset for tp, future in asked.items()}


def first_records(cluster: Cluster, starts: Mapping[Partition, int]) -> dict[Partition, tuple[int, int]]:
    """The first committed record at or after each start, with when it was appended (ms since 1970).

    Partitions without such a record are left out. The starts must be on the broker.
    """
    if not starts:
        return {}
    consumer = reader(cluster, max_partition_fetch_bytes=65_536)
    found: dict[Partition, tuple[int, int]] = {}
    left, heard = set(starts), monotonic()
    try:
        consumer.assign([TopicPartition(topic, number, start) for (topic, number), start in starts.items()])
        while left:
            for message in consumer.consume(500, timeout=0.02):
                heard = monotonic()
                one = (cast(str, message.topic()), cast(int, message.partition()))
                if one not in left:
                    continue
                if not _is_end(message):
                    found[one] = (cast(int, message.offset()), message.timestamp()[1])
                left.discard(one)
                consumer.incremental_unassign([TopicPartition(*one)])
            if monotonic() - heard > TIMEOUT_S:
                raise StackError(
                    f"The broker at {cluster} said nothing for {TIMEOUT_S:g} s while {len(left)} partitions were read. "
                    "See `./timeloom stack status`."
                )
    finally:
        consumer.close()
    return found


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise StackError(f"Reading {message.topic()} failed: {error.str()}. See `./timeloom stack status`.")
    return error is not None
