"""Reads everything that the database says of one timekeeper, for an audit, out of one consistent snapshot."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select, union

from connectors.mariadb.columns import Base
from connectors.mariadb.ledger import (
    ActivityGroup,
    ConsumerOffset,
    DayMinutes,
    Entry,
    EntryActivity,
    GroupMember,
)
from connectors.mariadb.models import Activity as ActivityModel
from connectors.mariadb.rows import read_all
from schemas.books import (
    Books,
    DayRow,
    Decision,
    EntryRow,
    Live,
    MemberRow,
    PartRow,
    RowName,
    StoredGroup,
)
from schemas.changes import Unseal, plain
from schemas.groups import Disposition, Group
from schemas.keys import Scope
from schemas.values import Activity, content_hash

CHUNK = 1_000
DECISIONS = ("feedback", "release", "activation")
FROZEN = frozenset({"released", "locked"})

UNREADABLE = Group((), Disposition.HELD, 0, 0, 0, 0, "unreadable")
"""Stands for a stored value that no program of ours wrote: it differs from whatever the topic says."""

_group = msgspec.json.Decoder(Group)
_activity = Base.metadata.tables[ActivityModel.__tablename__].c


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that reads the database as it was at its first statement. It locks nothing."""
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        yield connection


def scopes(connection: Connection) -> list[Scope]:
    """Every timekeeper who has activities, groups, entries or minutes."""
    owners = (
        select(of.firm_id, of.timekeeper_id).distinct() for of in (ActivityModel, ActivityGroup, Entry, DayMinutes)
    )
    return sorted(Scope(*row) for row in connection.execute(union(*owners)))


def offsets(connection: Connection, consumer: str, topic: str) -> dict[int, int]:
    """How far the consumer has read in each partition."""
    of = ConsumerOffset
    query = select(of.partition_no, of.next_offset).where(of.consumer == consumer, of.topic == topic)
    return {partition: next_offset for partition, next_offset in connection.execute(query)}


def read_books(
    connection: Connection,
    scope: Scope,
    said: Mapping[int, Group],
    dead: Mapping[RowName, frozenset[str]],
    heeded: Mapping[RowName, Decision],
    unseal: Unseal = plain,
) -> Books:
    """The timekeeper's rows and what the pipeline's tables say of them; what the topics say is given."""
    live = _live(connection, scope, unseal)
    members = tuple(sorted(MemberRow(*row) for row in connection.execute(_members(scope))))
    parts, crossed = _parts(connection, scope)
    named = {row.activity for row in members} | {row.activity for row in parts}
    named |= {member.id for group in said.values() for member in group.members}
    return Books(
        scope=scope,
        live=live,
        dead=dead,
        decisions=_decisions(connection, scope),
        heeded=heeded,
        groups=_groups(connection, scope),
        members=members,
        said=said,
        owners=_owners(connection, sorted(named - live.keys())),
        entries=_entries(connection, scope),
        parts=parts,
        crossed=crossed,
        days=_days(connection, scope),
    )


def _live(connection: Connection, scope: Scope, unseal: Unseal) -> dict[int, Live]:
    query = select(_activity.id, _activity.updated_at).where(
        _activity.firm_id == scope.firm, _activity.timekeeper_id == scope.timekeeper
    )
    changed_at = {id: at for id, at in connection.execute(query)}
    return {
        id: Live(value, content_hash(value), changed_at[id])
        if isinstance(value, Activity)
        else Live(None, "", changed_at[id])
        for id, value in read_all(connection, scope, "activity", unseal)
    }


def _decisions(connection: Connection, scope: Scope) -> dict[RowName, Decision | None]:
    return {
        (table, id): value if isinstance(value, Decision) else None
        for table in DECISIONS
        for id, value in read_all(connection, scope, table)
    }


def _groups(connection: Connection, scope: Scope) -> dict[int, StoredGroup]:
    of = ActivityGroup
    query = _owned(select(of.group_id, of.value, of.changes_offset), of, scope)
    return {id: StoredGroup(_read_group(value), offset) for id, value, offset in connection.execute(query)}


def _read_group(value: str) -> Group:
    try:
        return _group.decode(value)
    except (msgspec.DecodeError, UnicodeError):
        return UNREADABLE


def _members(scope: Scope) -> Any:
    of = GroupMember
    return _owned(select(of.group_id, of.activity_id, of.hash), of, scope)


def _entries(connection: Connection, scope: Scope) -> tuple[EntryRow, ...]:
    of = Entry
    columns = (of.id, of.group_id, of.billing_day, of.status, of.billable, of.allocated_us, of.imputed_us)
    query = _owned(select(*columns), of, scope).order_by(of.id)
    return tuple(
        EntryRow(id, group, day, status in FROZEN, billable, allocated, imputed)
        for id, group, day, status, billable, allocated, imputed in connection.execute(query)
    )


def _parts(connection: Connection, scope: Scope) -> tuple[tuple[PartRow, ...], tuple[PartRow, ...]]:
    """The parts of the timekeeper's entries: those that are the timekeeper's, and those that aren't."""
    part = EntryActivity
    columns = (part.entry_id, part.activity_id, part.allocated_us, part.imputed, part.firm_id, part.timekeeper_id)
    query = _owned(select(*columns).join(Entry, Entry.id == part.entry_id), Entry, scope)
    ours: list[PartRow] = []
    crossed: list[PartRow] = []
    for *columns_of, firm, timekeeper in connection.execute(query.order_by(part.entry_id, part.activity_id)):
        (ours if Scope(firm, timekeeper) == scope else crossed).append(PartRow(*columns_of))
    return tuple(ours), tuple(crossed)


def _days(connection: Connection, scope: Scope) -> dict[Any, DayRow]:
    of = DayMinutes
    columns = (of.captured_us, of.billable_us, of.non_billable_us, of.held_us, of.outlier_us, of.excluded_us)
    return {day: DayRow(*row) for day, *row in connection.execute(_owned(select(of.billing_day, *columns), of, scope))}


def _owners(connection: Connection, ids: list[int]) -> dict[int, Scope]:
    """Whose these activities are, as far as they are anybody's."""
    found: dict[int, Scope] = {}
    for first in range(0, len(ids), CHUNK):
        some = ids[first : first + CHUNK]
        query = select(_activity.id, _activity.firm_id, _activity.timekeeper_id).where(_activity.id.in_(some))
        found |= {id: Scope(firm, timekeeper) for id, firm, timekeeper in connection.execute(query)}
    return found


def _owned(query: Any, of: Any, scope: Scope) -> Any:
    return query.where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper)
