"""The decisions of `processors.billing`, in the form in which `connectors.mariadb.billing` calls them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from processors.billing.entries import affected_days
from processors.billing.entries.affected_days import Range
from processors.billing.entries.drafts import drafted_days
from processors.billing.entries.entry_matching import follow
from processors.billing.entries.matters import MatterBook, matter_book
from schemas.billing import Directory, Draft, DraftedDay, Membership, StoredEntry
from schemas.values import Activity

CACHED_FIRMS = 64


class ProcessorRules:
    """Implements the protocol of `connectors.mariadb.billing.billing_rules`. Caches the matter books of some firms."""

    def __init__(self) -> None:
        self._books: dict[Directory, MatterBook] = {}
        self._latest: tuple[Directory, MatterBook] | None = None

    def affected_range(self, started_at: int, ended_at: int | None) -> Range:
        """See `processors.billing.entries.affected_days.reach`."""
        return affected_days.reach(started_at, ended_at)

    def affected_days(self, ranges: Iterable[Range], zones: Collection[str]) -> set[date]:
        """See `processors.billing.entries.affected_days.days_reached`."""
        return affected_days.days_reached(ranges, zones)

    def read_ranges(self, days: Collection[date], zones: Collection[str]) -> list[Range]:
        """See `processors.billing.entries.affected_days.window`."""
        return affected_days.window(days, zones)

    def draft_days(
        self,
        activities: Iterable[Activity],
        memberships: Mapping[int, Membership],
        directory: Directory,
        days: Collection[date],
        frozen: Mapping[date, Collection[int]],
    ) -> list[DraftedDay]:
        """See `processors.billing.entries.drafts.drafted_days`."""
        return drafted_days(activities, memberships, self._book(directory), days, frozen)

    def match_entries(self, stored: Sequence[StoredEntry], drafts: Sequence[Draft]) -> Mapping[tuple[int, int], int]:
        """See `processors.billing.entries.entry_matching.follow`."""
        return follow(stored, drafts)

    def _book(self, directory: Directory) -> MatterBook:
        # Finding it costs as much as the directory has matters, and one is asked for each timekeeper of a batch.
        if self._latest is None or self._latest[0] is not directory:
            self._latest = directory, self._found(directory)
        return self._latest[1]

    def _found(self, directory: Directory) -> MatterBook:
        if directory not in self._books:
            if len(self._books) >= CACHED_FIRMS:
                self._books.clear()
            self._books[directory] = matter_book(directory)
        return self._books[directory]
