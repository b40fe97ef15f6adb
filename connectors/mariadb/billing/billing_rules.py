"""Defines the billing decisions that the database code calls: the functions of `processors.billing`, as a protocol.

The caller passes them in, because a connector decides nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from schemas.billing import Directory, Draft, DraftedDay, Membership, StoredEntry
from schemas.values import Activity

InstantRange = tuple[int, int]
"""The first and the last instant, both included."""


class BillingRules(Protocol):
    """The decisions that recomputing a timekeeper's days needs."""

    def affected_range(self, started_at: int, ended_at: int | None) -> InstantRange:
        """Returns the instants that another activity may own after such an activity is inserted, changed or deleted."""

    def affected_days(self, ranges: Iterable[InstantRange], zones: Collection[str]) -> set[date]:
        """Returns every billing day, in any of the zones, that contains an instant of the ranges."""

    def read_ranges(self, days: Collection[date], zones: Collection[str]) -> list[InstantRange]:
        """Returns the instants to read: slicing the days needs every activity that touches one of them."""

    def draft_days(
        self,
        activities: Iterable[Activity],
        memberships: Mapping[int, Membership],
        directory: Directory,
        days: Collection[date],
        frozen: Mapping[date, Collection[int]],
    ) -> list[DraftedDay]:
        """Returns each of the days as it should be stored. `frozen` has by day the activities of released entries."""

    def match_entries(self, stored: Sequence[StoredEntry], drafts: Sequence[Draft]) -> Mapping[tuple[int, int], int]:
        """Returns, by the key of a draft's slice, the id of the stored entry that the draft continues."""
