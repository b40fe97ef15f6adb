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
from schemas.billing import Directory
from schemas.keys import Scope
from schemas.rows import known_zones
from schemas.values import Activity


class Resliced(msgspec.Struct):
    """What slicing again did: days, entries written, drafts withheld (law 7); the activities that it was done for; and
    those in doubt, to be looked at again, since either their row or their group is about to be said again.
    """

    days: int = 0
    entries: int = 0
    withheld: int = 0
    in_doubt: set[int] = msgspec.field(default_factory=set)
    moved: set[int] = msgspec.field(default_factory=set)


class Reslicer:
    """Slices again within one transaction; reads each firm's directory once."""

    def __init__(self, connection: Connection, slicing: Slicing) -> None:
        self.connection, self._slicing = connection, slicing
        self._directories: dict[int, Directory] = {}

    def reslice(self, scope: Scope, moved: Collection[int], also: Collection[date] = ()) -> Resliced:
        """Brings every day that the moved activities touched or touch up to date, and the days in `also`."""
        moved_ids = set(moved)
        zones = zones_of(self.connection, scope)
        while True:
            before = remembered(self.connection, scope, moved_ids)
            now = by_id(self.connection, scope, moved_ids)
            # A zone may have been known when it was sliced, and not any more.
            zones = (zones | {sliced.zone for sliced in before.values()}) & known_zones() or {"UTC"}
            days = _days(before, now, zones, self._slicing) | set(also)
            if not days:
                remember(self.connection, scope, moved_ids, now, before)
                return Resliced(in_doubt=now.in_doubt, moved=moved_ids)
            read = in_ranges(self.connection, scope, self._slicing.window(days, zones))
            unheard = _unheard(self.connection, scope, read) - moved_ids
            if not unheard:
                break
            moved_ids |= unheard
        result = self._store(scope, read, days)
        remember(self.connection, scope, moved_ids, now, before)
        result.in_doubt, result.moved = read.in_doubt | now.in_doubt, moved_ids
        mark_in_doubt(self.connection, scope, result.in_doubt)
        return result

    def _store(self, scope: Scope, read: PartTakers, days: set[date]) -> Resliced:
        if scope.firm not in self._directories:
            self._directories[scope.firm] = read_directory(self.connection, scope.firm)
        stored = read_entries(self.connection, scope, days)
        drafted = self._slicing.draft(
            read.activities.values(), read.places, self._directories[scope.firm], days, frozen_activities(stored)
        )
        written = write_days(self.connection, scope, stored, drafted, self._slicing)
        return Resliced(len(days), written.entries, written.withheld)


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
