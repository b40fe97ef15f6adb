"""Stores groups as last published, with their members, and finds the activities that a batch of records changes."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, delete, select
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.tables.ledger_tables import ActivityGroup, GroupMember
from connectors.mariadb.tables.scope import in_scope, scope_params
from schemas.billing import Membership
from schemas.groups import Disposition, Group, Lineage, PublishedGroup, encode_group
from schemas.keys import Scope

LatestRecords = Mapping[int, PublishedGroup | None]
"""The last record of each group in a batch; None is a tombstone."""


class _StoredGroup(msgspec.Struct):
    """A stored group and the hashes of its members by activity id."""

    value: str
    disposition: str
    offset: int
    members: dict[int, str] = msgspec.field(default_factory=dict)


def ingest_groups(connection: Connection, scope: Scope, records: LatestRecords) -> tuple[set[int], int]:
    """Stores the last record of each group in a batch; returns the activities that it changed and how many it ignored.

    A record that was decided at an older offset than the stored group is ignored (a fenced process wrote it).
    """
    known = _read_stored_groups(connection, scope, list(records))
    fresh = {
        id: record
        for id, record in records.items()
        if record is None or id not in known or record.lineage.offset >= known[id].offset
    }
    changed: set[int] = set()
    for id, record in fresh.items():
        changed |= _changed_activities(known.get(id), record.group if record else None)
    _write(connection, scope, known, fresh)
    return changed, len(records) - len(fresh)


def read_memberships(connection: Connection, scope: Scope, activity_ids: list[int]) -> dict[int, Membership]:
    """Returns the membership of each activity that is in a group.

    Two groups may hold one activity for a moment; the one decided at the higher offset wins.
    """
    found = connection.execute(_MEMBERSHIPS, {**scope_params(scope), "ids": activity_ids})
    return {id: Membership(group, Disposition(disposition), hash) for id, group, disposition, hash in found}


def _read_stored_groups(connection: Connection, scope: Scope, ids: list[int]) -> dict[int, _StoredGroup]:
    groups = connection.execute(_GROUPS, {**scope_params(scope), "ids": ids})
    known = {id: _StoredGroup(value, disposition, offset) for id, value, disposition, offset in groups}
    for group_id, activity_id, hash in connection.execute(_MEMBERS, {**scope_params(scope), "ids": list(known)}):
        known[group_id].members[activity_id] = hash
    return known


def _changed_activities(stored: _StoredGroup | None, group: Group | None) -> set[int]:
    """Returns the activities whose membership or content changed; all of them where the disposition changed."""
    before = stored.members.items() if stored else ()
    after = [(member.id, member.hash) for member in group.members] if group else []
    if stored and group and stored.disposition != group.disposition:
        return {id for id, _ in before} | {id for id, _ in after}
    return {id for id, _ in set(before) ^ set(after)}


def _write(connection: Connection, scope: Scope, known: Mapping[int, _StoredGroup], fresh: LatestRecords) -> None:
    gone = [id for id, record in fresh.items() if record is None and id in known]
    published = {id: record for id, record in fresh.items() if record is not None}
    _delete_members(connection, scope, known, fresh)
    if gone:
        of = ActivityGroup
        connection.execute(
            delete(of).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.group_id.in_(gone))
        )
    if rows := [_group_row(scope, id, record.group, record.lineage) for id, record in published.items()]:
        connection.execute(_UPSERT_GROUP, rows)
    members = [
        {"firm_id": scope.firm, "timekeeper_id": scope.timekeeper, "group_id": id, "activity_id": m.id, "hash": m.hash}
        for id, record in published.items()
        for m in record.group.members
        if id not in known or known[id].members.get(m.id) != m.hash
    ]
    if members:
        connection.execute(_UPSERT_MEMBER, members)


def _delete_members(
    connection: Connection, scope: Scope, known: Mapping[int, _StoredGroup], fresh: LatestRecords
) -> None:
    of = GroupMember
    for id, record in fresh.items():
        staying = {member.id for member in record.group.members} if record else set()
        if leaving := [member for member in known[id].members if member not in staying] if id in known else []:
            connection.execute(
                delete(of).where(
                    of.firm_id == scope.firm,
                    of.timekeeper_id == scope.timekeeper,
                    of.group_id == id,
                    of.activity_id.in_(leaving),
                )
            )


def _group_row(scope: Scope, id: int, group: Group, lineage: Lineage) -> dict[str, object]:
    return {
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "group_id": id,
        "value": encode_group(group).decode(),
        "disposition": group.disposition.value,
        "confidence": group.confidence,
        "changes_partition": lineage.partition,
        "changes_offset": lineage.offset,
    }


_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_GROUPS = select(
    ActivityGroup.group_id, ActivityGroup.value, ActivityGroup.disposition, ActivityGroup.changes_offset
).where(*in_scope(ActivityGroup), ActivityGroup.group_id.in_(_IDS))
_MEMBERS = select(GroupMember.group_id, GroupMember.activity_id, GroupMember.hash).where(
    *in_scope(GroupMember), GroupMember.group_id.in_(_IDS)
)
_MEMBERSHIPS = (
    select(GroupMember.activity_id, GroupMember.group_id, ActivityGroup.disposition, GroupMember.hash)
    .join(
        ActivityGroup,
        (ActivityGroup.firm_id == GroupMember.firm_id)
        & (ActivityGroup.timekeeper_id == GroupMember.timekeeper_id)
        & (ActivityGroup.group_id == GroupMember.group_id),
    )
    .where(*in_scope(GroupMember), GroupMember.activity_id.in_(_IDS))
    .order_by(ActivityGroup.changes_offset, ActivityGroup.group_id)
)
_GROUP = insert(ActivityGroup)
_UPSERT_GROUP = _GROUP.on_duplicate_key_update(
    {
        name: _GROUP.inserted[name]
        for name in ("value", "disposition", "confidence", "changes_partition", "changes_offset")
    }
)
_MEMBER = insert(GroupMember)
_UPSERT_MEMBER = _MEMBER.on_duplicate_key_update({"hash": _MEMBER.inserted.hash})
