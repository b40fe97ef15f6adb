"""What `bill` asks of those who decide: the functions of `processors.billing`, handed in, since SQL decides nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from schemas.billing import Directory, Draft, DraftedDay, Place, StoredEntry
from schemas.values import Activity

Range = tuple[int, int]
"""Instants from, to (both inside)."""


class Slicing(Protocol):
    """The decisions that storing a timekeeper's days takes."""

    def reach(self, started_at: int, ended_at: int | None) -> Range:
        """The instants whose owner may change when such an activity comes, goes or changes."""

    def days_reached(self, ranges: Iterable[Range], zones: Collection[str]) -> set[date]:
        """Every billing day, in any of the zones, that has an instant of the ranges."""

    def window(self, days: Collection[date], zones: Collection[str]) -> list[Range]:
        """The instants to read: every activity that touches one of them takes part in slicing the days."""

    def draft(
        self,
        activities: Iterable[Activity],
        places: Mapping[int, Place],
        directory: Directory,
        days: Collection[date],
        frozen: Mapping[date, Collection[int]],
    ) -> list[DraftedDay]:
        """Each of the days as it should be stored."""

    def follow(self, stored: Sequence[StoredEntry], drafts: Sequence[Draft]) -> Mapping[tuple[int, int], int]:
        """The entry id that each draft (by its slice's key) takes over."""
