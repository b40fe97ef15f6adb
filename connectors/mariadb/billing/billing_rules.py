"""What `bill` asks of those who decide: the functions of `processors.billing`, handed in, since SQL decides nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from schemas.billing import Directory, Draft, DraftedDay, Membership, StoredEntry
from schemas.values import Activity

InstantRange = tuple[int, int]
"""Instants from, to (both inside)."""


class BillingRules(Protocol):
    """The decisions that storing a timekeeper's days takes."""

    def affected_range(self, started_at: int, ended_at: int | None) -> InstantRange:
        """The instants whose owner may change when such an activity comes, goes or changes."""

    def affected_days(self, ranges: Iterable[InstantRange], zones: Collection[str]) -> set[date]:
        """Every billing day, in any of the zones, that has an instant of the ranges."""

    def read_ranges(self, days: Collection[date], zones: Collection[str]) -> list[InstantRange]:
        """The instants to read: every activity that touches one of them takes part in slicing the days."""

    def draft_days(
        self,
        activities: Iterable[Activity],
        memberships: Mapping[int, Membership],
        directory: Directory,
        days: Collection[date],
        frozen: Mapping[date, Collection[int]],
    ) -> list[DraftedDay]:
        """Each of the days as it should be stored."""

    def match_entries(self, stored: Sequence[StoredEntry], drafts: Sequence[Draft]) -> Mapping[tuple[int, int], int]:
        """The entry id that each draft (by its slice's key) takes over."""
