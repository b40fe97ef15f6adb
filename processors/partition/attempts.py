"""How often our own code failed on a change, as `working-set` remembers it across the processes that this ended."""

from collections import defaultdict

from schemas.changes import WorkingSetRow
from schemas.keys import INTERNAL_PREFIX, RowKey, Scope
from schemas.outcomes import MAX_ATTEMPTS
from schemas.records import ConsumerRecord

ATTEMPT = f"{INTERNAL_PREFIX}attempt"
"""The table under which the working set keeps the count; the id is the change's offset."""


class Attempts:
    """Counts by offset, and of each timekeeper the changes that were given up and nothing has answered since."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._given_up: dict[Scope, set[int]] = defaultdict(set)

    def restore(self, key: RowKey, kept: WorkingSetRow) -> None:
        """Takes in what was kept."""
        self._note(Scope(key.firm, key.timekeeper), key.id, kept.version)

    def failed(self, record: ConsumerRecord, scope: Scope) -> tuple[RowKey, WorkingSetRow]:
        """Counts a failure, and returns what to keep of it."""
        count = self._counts.get(record.offset, 0) + 1
        self._note(scope, record.offset, count)
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, record.offset), WorkingSetRow(count)

    def hopeless(self, record: ConsumerRecord, scope: Scope) -> bool:
        """Did it fail often enough? While a change of the same timekeeper is given up, once is enough: else each of
        theirs could end everybody's process twice.
        """
        return self._counts.get(record.offset, 0) >= MAX_ATTEMPTS or bool(self._given_up.get(scope))

    def give_up(self, record: ConsumerRecord, scope: Scope) -> tuple[RowKey, WorkingSetRow]:
        """Notes that a change is given up, after however many failures, and returns what to keep of it."""
        self._note(scope, record.offset, MAX_ATTEMPTS)
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, record.offset), WorkingSetRow(MAX_ATTEMPTS)

    def answered(self, scope: Scope, offset: int) -> RowKey | None:
        """Forgets a change that a later one of its row has answered; returns what is to be kept no more, if anything.

        That another row's change went well proves nothing: the bug may be in the one row.
        """
        self._given_up[scope].discard(offset)
        if self._counts.pop(offset, None) is None:
            return None
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, offset)

    def tried(self, record: ConsumerRecord) -> bool:
        """Did it fail before?"""
        return record.offset in self._counts

    def _note(self, scope: Scope, offset: int, count: int) -> None:
        self._counts[offset] = count
        if count >= MAX_ATTEMPTS:
            self._given_up[scope].add(offset)
