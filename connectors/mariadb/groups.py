"""Groups as last said, and their members: what `bill` takes from the topic, compared with what it has."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.ledger import ActivityGroup, GroupMember
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
    group, member = ActivityGroup, GroupMember
    query = (
        select(member.activity_id, member.group_id, group.disposition, member.hash)
        .join(
            group,
            (group.firm_id == member.firm_id)
            & (group.timekeeper_id == member.timekeeper_id)
            & (group.group_id == member.group_id),
        )
        .where(member.firm_id == scope.firm, member.timekeeper_id == scope.timekeeper)
        .where(member.activity_id.in_(activity_ids))
        .order_by(group.changes_offset, group.group_id)
    )
    return {id: Place(of, Disposition(what), hash) for id, of, what, hash in connection.execute(query)}


def _known(connection: Connection, scope: Scope, ids: list[int]) -> dict[int, _Known]:
    group, member = ActivityGroup, GroupMember
    groups = select(group.group_id, group.value, group.disposition, group.changes_offset).where(
        group.firm_id == scope.firm, group.timekeeper_id == scope.timekeeper, group.group_id.in_(ids)
    )
    known = {id: _Known(value, what, offset) for id, value, what, offset in connection.execute(groups)}
    members = select(member.group_id, member.activity_id, member.hash).where(
        member.firm_id == scope.firm, member.timekeeper_id == scope.timekeeper, member.group_id.in_(list(known))
    )
    for group_id, activity_id, hash in connection.execute(members):
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


_GROUP = insert(ActivityGroup)
_UPSERT_GROUP = _GROUP.on_duplicate_key_update(
    {
        name: _GROUP.inserted[name]
        for name in ("value", "disposition", "confidence", "changes_partition", "changes_offset")
    }
)
_MEMBER = insert(GroupMember)
_UPSERT_MEMBER = _MEMBER.on_duplicate_key_update({"hash": _MEMBER.inserted.hash})
