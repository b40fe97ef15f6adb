"""Reads the activities that slicing needs, and stores their state after slicing.

An activity takes part where its row has the content that was grouped, or where it is excluded.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import CompoundSelect, Connection, Executable, bindparam, delete, select, union_all, update
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.billing.billing_rules import InstantRange
from connectors.mariadb.billing.group_store import read_memberships
from connectors.mariadb.source.captured_rows import decode_row_values, wire_columns
from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.ledger_tables import SlicedActivity
from connectors.mariadb.tables.scope import in_scope, scope_params
from connectors.mariadb.tables.source_tables import Activity as ActivityModel
from schemas.billing import Membership
from schemas.changes import Unseal, plain_unseal
from schemas.keys import RowKey, Scope
from schemas.row_decoders import BadRow, known_zones
from schemas.values import Activity, content_hash

STALE_HASH = ""
"""The stored hash of a stale member: its row and its group had different hashes when its days were last sliced."""

_ACTIVITY = Base.metadata.tables[ActivityModel.__tablename__]


class SlicedState(msgspec.Struct, frozen=True):
    """An activity as it was when its days were last sliced."""

    hash: str
    started_at: int
    ended_at: int | None
    zone: str
    excluded: bool


class SlicingInput(msgspec.Struct):
    """The activities that take part in slicing, by id, and the memberships of those that are in a group.

    `stale` are stale members: the hashes of row and group differ, so a new version of one of the two is on its way.
    """

    activities: dict[int, Activity] = msgspec.field(default_factory=dict)
    memberships: dict[int, Membership] = msgspec.field(default_factory=dict)
    stale: set[int] = msgspec.field(default_factory=set)


def read_zones(connection: Connection, scope: Scope) -> set[str]:
    """Returns every known zone in which the timekeeper has an activity (one index lookup for each zone).

    A row with an unknown zone is a dead letter and has no billing day.
    """
    return set(connection.execute(_ZONES, scope_params(scope)).scalars()) & known_zones()


def read_by_id(connection: Connection, scope: Scope, ids: Iterable[int], unseal: Unseal = plain_unseal) -> SlicingInput:
    """Reads those of the activities that exist."""
    return _read_input(connection, scope, _BY_ID, {**scope_params(scope), "ids": list(ids)}, unseal)


def read_overlapping(
    connection: Connection, scope: Scope, ranges: Iterable[InstantRange], unseal: Unseal = plain_unseal
) -> SlicingInput:
    """Reads the activities that touch one of the ranges."""
    bounds = {
        name: at for number, both in enumerate(ranges) for name, at in zip(_bound_names(number), both, strict=True)
    }
    if not bounds:
        return SlicingInput()
    return _read_input(connection, scope, _overlap_query(len(bounds) // 2), {**scope_params(scope), **bounds}, unseal)


@lru_cache(maxsize=64)
def _overlap_query(ranges: int) -> CompoundSelect[Any]:
    """Returns the query for the activities that touch one of `ranges` ranges."""
    of, halves = _ACTIVITY.c, []
    for first, last in map(_bound_names, range(ranges)):
        since, until = bindparam(first, type_=of.started_at.type), bindparam(last, type_=of.started_at.type)
        # Two queries instead of one with OR, so that each of them uses an index of its own.
        halves.append(_SELECT.where(of.ended_at >= since, of.started_at <= until))
        halves.append(_SELECT.where(of.ended_at.is_(None), of.started_at.between(since, until)))
    return union_all(*halves)


def _bound_names(number: int) -> tuple[str, str]:
    return f"first_{number}", f"last_{number}"


def read_changed_exclusions(connection: Connection, scope: Scope) -> set[int]:
    """Returns the excluded activities that were inserted, changed or deleted since their days were sliced.

    No record of `groups` announces them.
    """
    of, sliced = _ACTIVITY.c, SlicedActivity
    rows = connection.execute(
        select(of.id, of.started_at, of.ended_at, of.zone).where(
            of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.excluded
        )
    )
    now = {id: tuple(rest) for id, *rest in rows}
    sliced_rows = connection.execute(
        select(sliced.activity_id, sliced.started_at, sliced.ended_at, sliced.zone).where(
            sliced.firm_id == scope.firm, sliced.timekeeper_id == scope.timekeeper, sliced.excluded
        )
    )
    before = {id: tuple(rest) for id, *rest in sliced_rows}
    return {id for id in now.keys() | before.keys() if now.get(id) != before.get(id)}


def read_sliced_states(connection: Connection, scope: Scope, ids: Iterable[int]) -> dict[int, SlicedState]:
    """Returns those of the activities that have been sliced, as they were when their days were last sliced."""
    return {
        id: SlicedState(hash, start, end, zone, bool(excluded))
        for id, hash, start, end, zone, excluded in connection.execute(
            _SLICED_STATES, {**scope_params(scope), "ids": list(ids)}
        )
    }


def write_sliced_states(
    connection: Connection, scope: Scope, ids: set[int], current: SlicingInput, previous: dict[int, SlicedState]
) -> None:
    """Stores the state in which these activities were sliced, after all their days were sliced with or without them."""
    of = SlicedActivity
    rows = [
        _sliced_row(scope, current.activities[id], current.memberships.get(id))
        for id in sorted(ids & current.activities.keys())
    ]
    if rows:
        connection.execute(_UPSERT, rows)
    if gone := [id for id in previous if id in ids and id not in current.activities and id not in current.stale]:
        connection.execute(
            delete(of).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.activity_id.in_(gone))
        )


def mark_stale(connection: Connection, scope: Scope, ids: set[int]) -> None:
    """Stores the activities as stale, so that the partition's next owner rechecks them after a crash."""
    of = SlicedActivity
    if ids:
        connection.execute(
            update(of)
            .where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.activity_id.in_(sorted(ids)))
            .values(hash=STALE_HASH)
        )


def _sliced_row(scope: Scope, activity: Activity, membership: Membership | None) -> dict[str, object]:
    return {
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "activity_id": activity.id,
        "hash": membership.hash if membership else content_hash(activity),
        "started_at": activity.started_at,
        "ended_at": activity.ended_at,
        "zone": activity.zone,
        "excluded": activity.excluded,
    }


def _read_input(
    connection: Connection, scope: Scope, query: Executable, values: Mapping[str, object], unseal: Unseal
) -> SlicingInput:
    found = SlicingInput()
    rows = connection.execute(query, values).fetchall()
    memberships = read_memberships(connection, scope, [row[0] for row in rows])
    for row in rows:
        key = RowKey(scope.firm, scope.timekeeper, "activity", row[0])
        try:
            activity = decode_row_values(key, row, unseal)
        except BadRow:
            continue  # a dead letter records it; it is in no group and has no minutes
        assert isinstance(activity, Activity)
        membership = memberships.get(activity.id)
        if activity.excluded:
            found.activities[activity.id] = activity
        elif membership is not None and membership.hash == content_hash(activity):
            found.activities[activity.id] = activity
            found.memberships[activity.id] = membership
        elif membership is not None:
            found.stale.add(activity.id)
    return found


_SELECT = select(*wire_columns("activity")).where(*in_scope(_ACTIVITY.c))
_BY_ID = _SELECT.where(_ACTIVITY.c.id.in_(bindparam("ids", expanding=True)))
_ZONES = select(_ACTIVITY.c.zone).where(*in_scope(_ACTIVITY.c)).distinct()
_SLICED_STATES = select(
    SlicedActivity.activity_id,
    SlicedActivity.hash,
    SlicedActivity.started_at,
    SlicedActivity.ended_at,
    SlicedActivity.zone,
    SlicedActivity.excluded,
).where(*in_scope(SlicedActivity), SlicedActivity.activity_id.in_(bindparam("ids", expanding=True)))
_INSERT = insert(SlicedActivity)
_UPSERT = _INSERT.on_duplicate_key_update(
    {name: _INSERT.inserted[name] for name in ("hash", "started_at", "ended_at", "zone", "excluded")}
)
