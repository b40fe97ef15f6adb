"""Reads everything that the database holds of one timekeeper, for an audit, from one consistent snapshot."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select, union

from connectors.mariadb.source.captured_rows import read_all_rows
from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.ledger_tables import (
    ActivityGroup,
    ConsumerOffset,
    DayMinutes,
    Entry,
    EntryActivity,
    GroupMember,
)
from connectors.mariadb.tables.source_tables import Activity as ActivityModel
from schemas.changes import Unseal, plain_unseal
from schemas.groups import Disposition, Group
from schemas.keys import Scope
from schemas.ledger_snapshot import (
    DayRow,
    Decision,
    EntryPartRow,
    EntryRow,
    LedgerSnapshot,
    LiveActivity,
    MemberRow,
    RowRef,
    StoredGroup,
)
from schemas.values import Activity, content_hash

CHUNK_IDS = 1_000
DECISION_TABLES = ("feedback", "release", "activation")
FROZEN_STATUSES = frozenset({"released", "locked"})

UNREADABLE_GROUP = Group((), Disposition.HELD, 0, 0, 0, 0, "unreadable")
"""The replacement for a stored value that can't be decoded. It differs from every published group."""

_group = msgspec.json.Decoder(Group)
_activity = Base.metadata.tables[ActivityModel.__tablename__].c


@contextmanager
def consistent_snapshot(engine: Engine) -> Iterator[Connection]:
    """Yields a connection that reads the database as it was at its first statement. It locks nothing."""
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        yield connection


def read_scopes(connection: Connection) -> list[Scope]:
    """Returns every timekeeper who has activities, groups, entries or minutes, sorted."""
    owners = (
        select(of.firm_id, of.timekeeper_id).distinct() for of in (ActivityModel, ActivityGroup, Entry, DayMinutes)
    )
    return sorted(Scope(*row) for row in connection.execute(union(*owners)))


def read_offsets(connection: Connection, consumer: str, topic: str) -> dict[int, int]:
    """Returns the consumer's next offset in each partition that it has read."""
    of = ConsumerOffset
    query = select(of.partition_no, of.next_offset).where(of.consumer == consumer, of.topic == topic)
    return {partition: next_offset for partition, next_offset in connection.execute(query)}


def read_ledger_snapshot(
    connection: Connection,
    scope: Scope,
    published: Mapping[int, Group],
    dead_letters: Mapping[RowRef, frozenset[str]],
    applied: Mapping[RowRef, Decision],
    unseal: Unseal = plain_unseal,
) -> LedgerSnapshot:
    """Reads the timekeeper's rows and the ledger's rows of them, and adds what the caller has read from the topics."""
    live = _read_live_activities(connection, scope, unseal)
    members = tuple(sorted(MemberRow(*row) for row in connection.execute(_member_query(scope))))
    parts, foreign = _parts(connection, scope)
    named = {row.activity for row in members} | {row.activity for row in parts}
    named |= {member.id for group in published.values() for member in group.members}
    return LedgerSnapshot(
        scope=scope,
        live=live,
        dead_letters=dead_letters,
        decisions=_decisions(connection, scope),
        applied=applied,
        groups=_groups(connection, scope),
        members=members,
        published=published,
        other_owners=_read_other_owners(connection, sorted(named - live.keys())),
        entries=_entries(connection, scope),
        parts=parts,
        foreign_parts=foreign,
        days=_days(connection, scope),
    )


def _read_live_activities(connection: Connection, scope: Scope, unseal: Unseal) -> dict[int, LiveActivity]:
    query = select(_activity.id, _activity.updated_at).where(
        _activity.firm_id == scope.firm, _activity.timekeeper_id == scope.timekeeper
    )
    changed_at = {id: at for id, at in connection.execute(query)}
    return {
        id: LiveActivity(value, content_hash(value), changed_at[id])
        if isinstance(value, Activity)
        else LiveActivity(None, "", changed_at[id])
        for id, value in read_all_rows(connection, scope, "activity", unseal)
    }


def _decisions(connection: Connection, scope: Scope) -> dict[RowRef, Decision | None]:
    return {
        (table, id): value if isinstance(value, Decision) else None
        for table in DECISION_TABLES
        for id, value in read_all_rows(connection, scope, table)
    }


def _groups(connection: Connection, scope: Scope) -> dict[int, StoredGroup]:
    of = ActivityGroup
    query = _in_scope(select(of.group_id, of.value, of.changes_offset), of, scope)
    return {id: StoredGroup(_decode_group(value), offset) for id, value, offset in connection.execute(query)}


def _decode_group(value: str) -> Group:
    try:
        return _group.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        return UNREADABLE_GROUP


def _member_query(scope: Scope) -> Any:
    of = GroupMember
    return _in_scope(select(of.group_id, of.activity_id, of.hash), of, scope)


def _entries(connection: Connection, scope: Scope) -> tuple[EntryRow, ...]:
    of = Entry
    columns = (of.id, of.group_id, of.billing_day, of.status, of.billable, of.allocated_us, of.imputed_us)
    query = _in_scope(select(*columns), of, scope).order_by(of.id)
    return tuple(
        EntryRow(id, group, day, status in FROZEN_STATUSES, billable, allocated, imputed)
        for id, group, day, status, billable, allocated, imputed in connection.execute(query)
    )


def _parts(connection: Connection, scope: Scope) -> tuple[tuple[EntryPartRow, ...], tuple[EntryPartRow, ...]]:
    """Returns the parts of the timekeeper's entries: those with the timekeeper's scope, and those with another one."""
    part = EntryActivity
    columns = (part.entry_id, part.activity_id, part.allocated_us, part.imputed, part.firm_id, part.timekeeper_id)
    query = _in_scope(select(*columns).join(Entry, Entry.id == part.entry_id), Entry, scope)
    ours: list[EntryPartRow] = []
    foreign: list[EntryPartRow] = []
    for *columns_of, firm, timekeeper in connection.execute(query.order_by(part.entry_id, part.activity_id)):
        (ours if Scope(firm, timekeeper) == scope else foreign).append(EntryPartRow(*columns_of))
    return tuple(ours), tuple(foreign)


def _days(connection: Connection, scope: Scope) -> dict[Any, DayRow]:
    of = DayMinutes
    columns = (of.captured_us, of.billable_us, of.non_billable_us, of.held_us, of.outlier_us, of.excluded_us)
    return {
        day: DayRow(*row) for day, *row in connection.execute(_in_scope(select(of.billing_day, *columns), of, scope))
    }


def _read_other_owners(connection: Connection, ids: list[int]) -> dict[int, Scope]:
    """Returns the scope of each of these activities that exists."""
    found: dict[int, Scope] = {}
    for first in range(0, len(ids), CHUNK_IDS):
        some = ids[first : first + CHUNK_IDS]
        query = select(_activity.id, _activity.firm_id, _activity.timekeeper_id).where(_activity.id.in_(some))
        found |= {id: Scope(firm, timekeeper) for id, firm, timekeeper in connection.execute(query)}
    return found


def _in_scope(query: Any, of: Any, scope: Scope) -> Any:
    return query.where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper)
