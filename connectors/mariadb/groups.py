"""Groups as last said, and their members: what `bill` takes from the topic, compared with what it has."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, delete, select
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.ledger import ActivityGroup, GroupMember
from connectors.mariadb.owned import owned, owner
from schemas.billing import Place
from schemas.groups import Disposition, Group, GroupSaid, Lineage, encode_group
from schemas.keys import Scope

Latest = Mapping[int, GroupSaid | None]
"""The last record of each group in a batch; None is a tombstone."""


class _Known(msgspec.Struct):
    """A stored group and its members' hashes."""

    value: str
    disposition: str
    offset: int
    members: dict[int, str] = msgspec.field(default_factory=dict)


def take_groups(connection: Connection, scope: Scope, latest: Latest) -> tuple[set[int], int]:
    """Stores the batch's last word on each group; returns the activities that it moved and how many records it ignored.

    A record that was decided at an older offset than the one stored is ignored (a process that was fenced wrote it).
    """
    known = _known(connection, scope, list(latest))
    fresh = {
        id: said
        for id, said in latest.items()
        if said is None or id not in known or said.lineage.offset >= known[id].offset
    }
    moved: set[int] = set()
    for id, said in fresh.items():
        moved |= _moved(known.get(id), said.group if said else None)
    _write(connection, scope, known, fresh)
    return moved, len(latest) - len(fresh)


def places_of(connection: Connection, scope: Scope, activity_ids: list[int]) -> dict[int, Place]:
    """Where each activity is. Where two groups hold one for a moment, the one decided at the higher offset wins."""
    found = connection.execute(_PLACES, {**owner(scope), "ids": activity_ids})
    return {id: Place(of, Disposition(what), hash) for id, of, what, hash in found}


def _known(connection: Connection, scope: Scope, ids: list[int]) -> dict[int, _Known]:
    groups = connection.execute(_GROUPS, {**owner(scope), "ids": ids})
    known = {id: _Known(value, what, offset) for id, value, what, offset in groups}
    for group_id, activity_id, hash in connection.execute(_MEMBERS, {**owner(scope), "ids": list(known)}):
        known[group_id].members[activity_id] = hash
    return known


def _moved(known: _Known | None, group: Group | None) -> set[int]:
    """The activities whose place or content is another one now; all of them where the group's disposition is."""
    before = known.members.items() if known else ()
    after = [(member.id, member.hash) for member in group.members] if group else []
    if known and group and known.disposition != group.disposition:
        return {id for id, _ in before} | {id for id, _ in after}
    return {id for id, _ in set(before) ^ set(after)}


def _write(connection: Connection, scope: Scope, known: Mapping[int, _Known], fresh: Latest) -> None:
    gone = [id for id, said in fresh.items() if said is None and id in known]
    said = {id: one for id, one in fresh.items() if one is not None}
    _delete_members(connection, scope, known, fresh)
    if gone:
        of = ActivityGroup
        connection.execute(
            delete(of).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.group_id.in_(gone))
        )
    if rows := [_group_row(scope, id, one.group, one.lineage) for id, one in said.items()]:
        connection.execute(_UPSERT_GROUP, rows)
    members = [
        {"firm_id": scope.firm, "timekeeper_id": scope.timekeeper, "group_id": id, "activity_id": m.id, "hash": m.hash}
        for id, one in said.items()
        for m in one.group.members
        if id not in known or known[id].members.get(m.id) != m.hash
    ]
    if members:
        connection.execute(_UPSERT_MEMBER, members)


def _delete_members(connection: Connection, scope: Scope, known: Mapping[int, _Known], fresh: Latest) -> None:
    of = GroupMember
    for id, said in fresh.items():
        staying = {member.id for member in said.group.members} if said else set()
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
).where(*owned(ActivityGroup), ActivityGroup.group_id.in_(_IDS))
_MEMBERS = select(GroupMember.group_id, GroupMember.activity_id, GroupMember.hash).where(
    *owned(GroupMember), GroupMember.group_id.in_(_IDS)
)
_PLACES = (
    select(GroupMember.activity_id, GroupMember.group_id, ActivityGroup.disposition, GroupMember.hash)
    .join(
        ActivityGroup,
        (ActivityGroup.firm_id == GroupMember.firm_id)
        & (ActivityGroup.timekeeper_id == GroupMember.timekeeper_id)
        & (ActivityGroup.group_id == GroupMember.group_id),
    )
    .where(*owned(GroupMember), GroupMember.activity_id.in_(_IDS))
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
