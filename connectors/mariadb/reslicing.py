"""Slices again what changed activities touch, in the caller's transaction.

moved activities -> where they were and where they are -> days -> read all that touches these days -> draft -> write
"""

from collections.abc import Collection
from datetime import date

import msgspec
from sqlalchemy import Connection

from connectors.mariadb.directory import read_directory
from connectors.mariadb.entries import frozen_activities, read_entries
from connectors.mariadb.entry_changes import write_days
from connectors.mariadb.part_takers import (
    PartTakers,
    Sliced,
    by_id,
    in_ranges,
    mark_in_doubt,
    remember,
    remembered,
    zones_of,
)
from connectors.mariadb.slicing import Slicing
from schemas.keys import Scope
from schemas.values import Activity


class Resliced(msgspec.Struct):
    """What slicing again did: days, entries written, drafts withheld (law 7), and the activities in doubt: to be looked
    at again soon, since either their row or their group is about to be said again.
    """

    days: int = 0
    entries: int = 0
    withheld: int = 0
    in_doubt: set[int] = msgspec.field(default_factory=set)


def reslice(
    connection: Connection, scope: Scope, moved: Collection[int], slicing: Slicing, also: Collection[date] = ()
) -> Resliced:
    """Brings every day that the moved activities touched or touch up to date, and the days in `also`."""
    moved_ids = set(moved)
    zones = zones_of(connection, scope)
    while True:
        before = remembered(connection, scope, moved_ids)
        now = by_id(connection, scope, moved_ids)
        zones |= {sliced.zone for sliced in before.values()} or {"UTC"}
        days = _days(before, now, zones, slicing) | set(also)
        if not days:
            remember(connection, scope, moved_ids, now, before)
            return Resliced(in_doubt=now.in_doubt)
        read = in_ranges(connection, scope, slicing.window(days, zones))
        unheard = _unheard(connection, scope, read) - moved_ids
        if not unheard:
            break
        moved_ids |= unheard
    result = _store(connection, scope, read, days, slicing)
    remember(connection, scope, moved_ids, now, before)
    mark_in_doubt(connection, scope, read.in_doubt | now.in_doubt)
    result.in_doubt = read.in_doubt | now.in_doubt
    return result


def _days(before: dict[int, Sliced], now: PartTakers, zones: set[str], slicing: Slicing) -> set[date]:
    ranges = [slicing.reach(one.started_at, one.ended_at) for one in before.values()]
    ranges += [slicing.reach(one.started_at, one.ended_at) for one in now.activities.values()]
    return slicing.days_reached(ranges, zones)


def _unheard(connection: Connection, scope: Scope, read: PartTakers) -> set[int]:
    """Excluded activities that are not as they were remembered: no record tells of them, so all their days are due."""
    excluded = {id: one for id, one in read.activities.items() if one.excluded}
    before = remembered(connection, scope, excluded) if excluded else {}
    return {id for id, one in excluded.items() if id not in before or not _same(before[id], one)}


def _same(sliced: Sliced, activity: Activity) -> bool:
    return sliced.excluded and (sliced.started_at, sliced.ended_at, sliced.zone) == (
        activity.started_at,
        activity.ended_at,
        activity.zone,
    )


def _store(connection: Connection, scope: Scope, read: PartTakers, days: set[date], slicing: Slicing) -> Resliced:
    stored = read_entries(connection, scope, days)
    drafted = slicing.draft(
        read.activities.values(),
        read.places,
        read_directory(connection, scope.firm),
        days,
        frozen_activities(stored),
    )
    written = write_days(connection, scope, stored, drafted, slicing)
    return Resliced(len(days), written.entries, written.withheld)
