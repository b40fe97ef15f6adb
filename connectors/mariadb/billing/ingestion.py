"""Ingests a batch of one partition of `groups`: everything that it causes, and the offset, in one transaction.

    fence -> groups and members -> recompute the affected days -> marks (close periods, record each mark as seen)

It also rechecks stale members, which needs no record, under the same fence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection, Engine, select, text

from connectors.mariadb.billing import offsets
from connectors.mariadb.billing.billing_rules import BillingRules
from connectors.mariadb.billing.day_recomputer import DayRecomputer, RecomputeResult
from connectors.mariadb.billing.group_store import ingest_groups
from connectors.mariadb.billing.periods import close_period, read_period
from connectors.mariadb.billing.slicing_input import read_changed_exclusions
from connectors.mariadb.server.transactions import in_transaction
from connectors.mariadb.tables.ledger_tables import ActivityGroup, GroupMember, SlicedActivity
from connectors.mariadb.tables.source_tables import Timekeeper
from schemas.groups import PublishedGroup, PublishedMark
from schemas.keys import GroupKey, MarkKey, Scope
from schemas.values import Mark, MarkKind

CONSUMER = "bill"


class GroupsRecord(msgspec.Struct, frozen=True):
    """One decoded record of `groups`. `published` None is a tombstone."""

    key: GroupKey | MarkKey
    published: PublishedGroup | PublishedMark | None


class GroupsBatch(msgspec.Struct, frozen=True):
    """Records of one partition in offset order, from `expected_offset` on. `next_offset` is the offset after them."""

    topic: str
    partition: int
    expected_offset: int
    next_offset: int
    records: Sequence[GroupsRecord]


class IngestResult(msgspec.Struct):
    """What a batch caused: counts, ids of closed periods, and by timekeeper the stale and the resolved activities."""

    groups: int = 0
    superseded: int = 0
    days: int = 0
    entries: int = 0
    blocked_by_release: int = 0
    marks: int = 0
    closed: list[int] = msgspec.field(default_factory=list)
    stale: dict[Scope, set[int]] = msgspec.field(default_factory=dict)
    resolved: dict[Scope, set[int]] = msgspec.field(default_factory=dict)

    def add(self, scope: Scope, result: RecomputeResult) -> None:
        """Adds the result of recomputing a timekeeper's days."""
        self.days += result.days
        self.entries += result.entries
        self.blocked_by_release += result.blocked_by_release
        if result.stale:
            self.stale[scope] = self.stale.get(scope, set()) | result.stale
        self.resolved[scope] = (self.resolved.get(scope, set()) | result.recomputed) - self.stale.get(scope, set())


def read_start_offset(engine: Engine, topic: str, partition: int) -> int:
    """Returns the offset to start from in a partition that was just assigned."""
    with engine.begin() as connection:
        return offsets.ensure_offset(connection, CONSUMER, topic, partition)


def count_failure(engine: Engine, topic: str, partition: int, offset: int) -> int:
    """Counts a failure of our own code on a record; returns how often it has failed."""
    with engine.begin() as connection:
        return offsets.record_failure(connection, CONSUMER, topic, partition, offset)


def read_stale_members(engine: Engine, partition: int) -> dict[Scope, set[int]]:
    """Returns the stale members of a partition: when last sliced, their content was not what was grouped."""
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


def read_known_scopes(engine: Engine, scopes: set[Scope]) -> set[Scope]:
    """Returns those scopes whose timekeeper exists in that firm."""
    of = Timekeeper
    query = select(of.firm_id, of.id).where(of.id.in_([scope.timekeeper for scope in scopes]))
    with engine.connect() as connection:
        return scopes & {Scope(firm, timekeeper) for firm, timekeeper in connection.execute(query)}


def ingest(engine: Engine, batch: GroupsBatch, rules: BillingRules) -> IngestResult:
    """Ingests the batch in one transaction: everything that it causes, or nothing.

    Raises PartitionFenced where another process has advanced this partition's offset.
    """
    return in_transaction(engine, lambda connection: _ingest(connection, batch, rules))


def recheck_stale(
    engine: Engine, topic: str, partition: int, offset: int, stale: Mapping[Scope, set[int]], rules: BillingRules
) -> IngestResult:
    """Recomputes the days of stale members. Raises PartitionFenced like `ingest`."""

    def work(connection: Connection) -> IngestResult:
        offsets.advance(connection, CONSUMER, topic, partition, expected=offset, next=offset)
        result, recomputer = IngestResult(), DayRecomputer(connection, rules)
        for scope, ids in stale.items():
            result.add(scope, recomputer.recompute(scope, ids))
        return result

    return in_transaction(engine, work)


def _ingest(connection: Connection, batch: GroupsBatch, rules: BillingRules) -> IngestResult:
    offsets.advance(
        connection, CONSUMER, batch.topic, batch.partition, expected=batch.expected_offset, next=batch.next_offset
    )
    result, recomputer = IngestResult(), DayRecomputer(connection, rules)
    for scope, (groups, marks) in _group_by_scope(batch.records).items():
        changed, ignored = ingest_groups(connection, scope, groups)
        result.groups += len(groups)
        result.superseded += ignored
        if changed:
            result.add(scope, recomputer.recompute(scope, changed))
        for mark in marks:
            _ingest_mark(recomputer, scope, mark, batch, result)
    return result


def _group_by_scope(
    records: Sequence[GroupsRecord],
) -> dict[Scope, tuple[dict[int, PublishedGroup | None], list[Mark]]]:
    """Returns for each timekeeper the last record of each group, and the marks in order.

    Records after a mark in the batch are stored together with those before it. A closed period may still change, so
    nothing depends on where inside a transaction a mark was.
    """
    found: dict[Scope, tuple[dict[int, PublishedGroup | None], list[Mark]]] = defaultdict(lambda: ({}, []))
    for record in records:
        groups, marks = found[Scope(record.key.firm, record.key.timekeeper)]
        if isinstance(record.published, PublishedMark):
            marks.append(record.published.mark)
        elif isinstance(record.key, GroupKey):
            groups[record.key.group] = record.published
    return found


def _ingest_mark(recomputer: DayRecomputer, scope: Scope, mark: Mark, batch: GroupsBatch, result: IngestResult) -> None:
    """Records that the mark was seen. A close mark also recomputes all days of its period and closes it."""
    result.marks += 1
    connection = recomputer.connection
    period = read_period(connection, scope, mark.period) if mark.kind is MarkKind.CLOSE and mark.period else None
    closing = period if period and period.closed_at is None else None
    days = _days_between(closing.starts_on, closing.ends_on) if closing else set()
    exclusions = read_changed_exclusions(connection, scope) if mark.kind is not MarkKind.CANARY else set()
    if exclusions or days:
        result.add(scope, recomputer.recompute(scope, exclusions, days))
    if closing:
        close_period(connection, closing)
        result.closed.append(closing.id)
    connection.execute(
        _UPSERT_MARK_SEEN,
        {
            "id": mark.id,
            "firm": scope.firm,
            "timekeeper": scope.timekeeper,
            "kind": mark.kind.value,
            "part": batch.partition,
            "next": batch.next_offset,
        },
    )


# A worker that restarts may publish a mark twice.
_UPSERT_MARK_SEEN = text(
    "INSERT INTO mark_seen (mark_id, firm_id, timekeeper_id, kind, partition_no, next_offset)"
    " VALUES (:id, :firm, :timekeeper, :kind, :part, :next) ON DUPLICATE KEY UPDATE mark_id = mark_id"
)


def _days_between(starts_on: date, ends_on: date) -> set[date]:
    return {starts_on + timedelta(days=n) for n in range((ends_on - starts_on).days)}
