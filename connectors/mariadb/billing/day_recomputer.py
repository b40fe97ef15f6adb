"""Recomputes the days that changed activities affect, in the caller's transaction.

changed activities -> their sliced states and rows -> affected days -> all activities of these days -> drafts -> write
"""

from collections.abc import Collection
from datetime import date

import msgspec
from sqlalchemy import Connection

from connectors.mariadb.billing.billing_rules import BillingRules
from connectors.mariadb.billing.entries import frozen_activities, read_entries
from connectors.mariadb.billing.entry_changes import write_days
from connectors.mariadb.billing.slicing_input import (
    SlicedState,
    SlicingInput,
    mark_stale,
    read_by_id,
    read_overlapping,
    read_sliced_states,
    read_zones,
    write_sliced_states,
)
from connectors.mariadb.source.directory import read_directory
from schemas.billing import Directory
from schemas.keys import Scope
from schemas.row_decoders import known_zones
from schemas.values import Activity


class RecomputeResult(msgspec.Struct):
    """How many days were recomputed, entries written, and drafts blocked by a released entry (law 7).

    `recomputed` are the activities whose days were recomputed. `stale` are stale members, to be rechecked: a new
    version of their row or of their group is on its way.
    """

    days: int = 0
    entries: int = 0
    blocked_by_release: int = 0
    stale: set[int] = msgspec.field(default_factory=set)
    recomputed: set[int] = msgspec.field(default_factory=set)


class DayRecomputer:
    """Recomputes days within one transaction. It reads the directory of each firm once."""

    def __init__(self, connection: Connection, rules: BillingRules) -> None:
        self.connection, self._rules = connection, rules
        self._directories: dict[int, Directory] = {}

    def recompute(self, scope: Scope, changed: Collection[int], extra_days: Collection[date] = ()) -> RecomputeResult:
        """Recomputes every day that the changed activities touched or touch, and `extra_days`."""
        changed_ids = set(changed)
        zones = read_zones(self.connection, scope)
        while True:
            before = read_sliced_states(self.connection, scope, changed_ids)
            now = read_by_id(self.connection, scope, changed_ids)
            # A zone may have been known when the activity was sliced, and be unknown now.
            zones = (zones | {sliced.zone for sliced in before.values()}) & known_zones() or {"UTC"}
            days = _affected_days(before, now, zones, self._rules) | set(extra_days)
            if not days:
                write_sliced_states(self.connection, scope, changed_ids, now, before)
                return RecomputeResult(stale=now.stale, recomputed=changed_ids)
            read = read_overlapping(self.connection, scope, self._rules.read_ranges(days, zones))
            exclusions = _changed_exclusions(self.connection, scope, read) - changed_ids
            if not exclusions:
                break
            changed_ids |= exclusions
        result = self._write_days(scope, read, days)
        write_sliced_states(self.connection, scope, changed_ids, now, before)
        result.stale, result.recomputed = read.stale | now.stale, changed_ids
        mark_stale(self.connection, scope, result.stale)
        return result

    def _write_days(self, scope: Scope, read: SlicingInput, days: set[date]) -> RecomputeResult:
        if scope.firm not in self._directories:
            self._directories[scope.firm] = read_directory(self.connection, scope.firm)
        stored = read_entries(self.connection, scope, days)
        drafted = self._rules.draft_days(
            read.activities.values(), read.memberships, self._directories[scope.firm], days, frozen_activities(stored)
        )
        written = write_days(self.connection, scope, stored, drafted, self._rules)
        return RecomputeResult(len(days), written.entries, written.blocked_by_release)


def _affected_days(
    before: dict[int, SlicedState], now: SlicingInput, zones: set[str], rules: BillingRules
) -> set[date]:
    ranges = [rules.affected_range(sliced.started_at, sliced.ended_at) for sliced in before.values()]
    ranges += [rules.affected_range(activity.started_at, activity.ended_at) for activity in now.activities.values()]
    return rules.affected_days(ranges, zones)


def _changed_exclusions(connection: Connection, scope: Scope, read: SlicingInput) -> set[int]:
    """Returns the excluded activities that differ from their sliced state. No record of `groups` announces them, so all
    their days must be recomputed.
    """
    excluded = {id: activity for id, activity in read.activities.items() if activity.excluded}
    before = read_sliced_states(connection, scope, excluded) if excluded else {}
    return {id for id, activity in excluded.items() if id not in before or not _is_unchanged(before[id], activity)}


def _is_unchanged(sliced: SlicedState, activity: Activity) -> bool:
    return sliced.excluded and (sliced.started_at, sliced.ended_at, sliced.zone) == (
        activity.started_at,
        activity.ended_at,
        activity.zone,
    )
