"""Takes a batch of one partition of `groups` into the tables: everything it causes, and the offset, in one transaction.

    fence -> groups and members -> slice what they touch -> marks (close periods, write that they were seen)

Also what needs no record: activities in doubt are looked at again, under the same fence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection, Engine, select, text

from connectors.mariadb import offsets
from connectors.mariadb.groups import take_groups
from connectors.mariadb.ledger import ActivityGroup, GroupMember, SlicedActivity
from connectors.mariadb.models import Timekeeper
from connectors.mariadb.part_takers import excluded_since
from connectors.mariadb.periods import close_period, read_period
from connectors.mariadb.reslicing import Resliced, Reslicer
from connectors.mariadb.slicing import Slicing
from connectors.mariadb.transactions import in_transaction
from schemas.groups import GroupSaid, MarkSaid
from schemas.keys import GroupKey, MarkKey, Scope
from schemas.values import Mark, MarkKind

CONSUMER = "bill"


class Record(msgspec.Struct, frozen=True):
    """One record of `groups`, decoded. `said` None is a tombstone."""

    key: GroupKey | MarkKey
    said: GroupSaid | MarkSaid | None


class Batch(msgspec.Struct, frozen=True):
    """Records of one partition in offset order, from `expected` on; `next` is where to go on after them."""

    topic: str
    partition: int
    expected: int
    next: int
    records: Sequence[Record]


class Taken(msgspec.Struct):
    """What a batch did."""

    groups: int = 0
    ignored: int = 0
    days: int = 0
    entries: int = 0
    withheld: int = 0
    marks: int = 0
    closed: list[int] = msgspec.field(default_factory=list)
    in_doubt: dict[Scope, set[int]] = msgspec.field(default_factory=dict)
    settled: dict[Scope, set[int]] = msgspec.field(default_factory=dict)

    def add(self, scope: Scope, resliced: Resliced) -> None:
        """Counts what slicing again did."""
        self.days += resliced.days
        self.entries += resliced.entries
        self.withheld += resliced.withheld
        if resliced.in_doubt:
            self.in_doubt[scope] = self.in_doubt.get(scope, set()) | resliced.in_doubt
        self.settled[scope] = (self.settled.get(scope, set()) | resliced.moved) - self.in_doubt.get(scope, set())


def take_up(engine: Engine, topic: str, partition: int) -> int:
    """Where to go on in a partition that was just assigned."""
    with engine.begin() as connection:
        return offsets.take_up(connection, CONSUMER, topic, partition)


def count_failure(engine: Engine, topic: str, partition: int, offset: int) -> int:
    """Counts that our own code failed on a record; returns how often it has."""
    with engine.begin() as connection:
        return offsets.failed(connection, CONSUMER, topic, partition, offset)


def left_in_doubt(engine: Engine, partition: int) -> dict[Scope, set[int]]:
    """Activities of a partition that weren't what was grouped when their days were last sliced."""
    group, member, sliced = ActivityGroup, GroupMember, SlicedActivity
    query = (
        select(member.firm_id, member.timekeeper_id, member.activity_id)
        .join(
            group,
            (group.firm_id == member.firm_id)
            & (group.timekeeper_id == member.timekeeper_id)
            & (group.group_id == member.group_id),
        )
        .outerjoin(
            sliced,
            (sliced.firm_id == member.firm_id)
            & (sliced.timekeeper_id == member.timekeeper_id)
            & (sliced.activity_id == member.activity_id),
        )
        .where(group.changes_partition == partition, sliced.hash.is_distinct_from(member.hash))
    )
    found: dict[Scope, set[int]] = defaultdict(set)
    with engine.connect() as connection:
        for firm, timekeeper, activity in connection.execute(query):
            found[Scope(firm, timekeeper)].add(activity)
    return found


def known_owners(engine: Engine, scopes: set[Scope]) -> set[Scope]:
    """Those of the scopes that are a timekeeper of a firm."""
    of = Timekeeper
    query = select(of.firm_id, of.id).where(of.id.in_([scope.timekeeper for scope in scopes]))
    with engine.connect() as connection:
        return scopes & {Scope(firm, timekeeper) for firm, timekeeper in connection.execute(query)}


def take(engine: Engine, batch: Batch, slicing: Slicing) -> Taken:
    """Everything the batch causes, or nothing. Raises Fenced where another process has read on in this partition."""
    return in_transaction(engine, lambda connection: _take(connection, batch, slicing))


def look_again(
    engine: Engine, topic: str, partition: int, at: int, doubts: Mapping[Scope, set[int]], slicing: Slicing
) -> Taken:
    """Slices the days of activities in doubt again. Raises Fenced like `take`."""

    def work(connection: Connection) -> Taken:
        offsets.advance(connection, CONSUMER, topic, partition, expected=at, next=at)
        taken, reslicer = Taken(), Reslicer(connection, slicing)
        for scope, ids in doubts.items():
            taken.add(scope, reslicer.reslice(scope, ids))
        return taken

    return in_transaction(engine, work)


def _take(connection: Connection, batch: Batch, slicing: Slicing) -> Taken:
    offsets.advance(connection, CONSUMER, batch.topic, batch.partition, expected=batch.expected, next=batch.next)
    taken, reslicer = Taken(), Reslicer(connection, slicing)
    for scope, (groups, marks) in _by_scope(batch.records).items():
        moved, ignored = take_groups(connection, scope, groups)
        taken.groups += len(groups)
        taken.ignored += ignored
        if moved:
            taken.add(scope, reslicer.reslice(scope, moved))
        for mark in marks:
            _take_mark(reslicer, scope, mark, batch, taken)
    return taken


def _by_scope(records: Sequence[Record]) -> dict[Scope, tuple[dict[int, GroupSaid | None], list[Mark]]]:
    """For each timekeeper the last word on each group, and the marks in order.

    What comes after a mark in the batch is stored with what came before it: a period that is closed may still change,
    so nothing depends on where inside a transaction a mark was.
    """
    found: dict[Scope, tuple[dict[int, GroupSaid | None], list[Mark]]] = defaultdict(lambda: ({}, []))
    for record in records:
        groups, marks = found[Scope(record.key.firm, record.key.timekeeper)]
        if isinstance(record.said, MarkSaid):
            marks.append(record.said.mark)
        elif isinstance(record.key, GroupKey):
            groups[record.key.group] = record.said
    return found


def _take_mark(reslicer: Reslicer, scope: Scope, mark: Mark, batch: Batch, taken: Taken) -> None:
    """Writes that the mark was seen; a close mark closes its period, with all its days sliced anew."""
    taken.marks += 1
    connection = reslicer.connection
    period = read_period(connection, scope, mark.period) if mark.kind is MarkKind.CLOSE and mark.period else None
    closing = period if period and period.closed_at is None else None
    days = _days(closing.starts_on, closing.ends_on) if closing else set()
    unheard = excluded_since(connection, scope) if mark.kind is not MarkKind.CANARY else set()
    if unheard or days:
        taken.add(scope, reslicer.reslice(scope, unheard, days))
    if closing:
        close_period(connection, closing)
        taken.closed.append(closing.id)
    connection.execute(
        _SEEN,
        {
            "id": mark.id,
            "firm": scope.firm,
            "timekeeper": scope.timekeeper,
            "kind": mark.kind.value,
            "part": batch.partition,
            "next": batch.next,
        },
    )


# A worker that starts again may pass a mark on twice.
_SEEN = text(
    "INSERT INTO mark_seen (mark_id, firm_id, timekeeper_id, kind, partition_no, next_offset)"
    " VALUES (:id, :firm, :timekeeper, :kind, :part, :next) ON DUPLICATE KEY UPDATE mark_id = mark_id"
)


def _days(starts_on: date, ends_on: date) -> set[date]:
    return {starts_on + timedelta(days=n) for n in range((ends_on - starts_on).days)}
