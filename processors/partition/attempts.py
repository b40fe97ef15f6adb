"""Counts how often our own code failed on a change. `working-set` keeps the counts across the processes that the
failures end.
"""

from collections import defaultdict

from schemas.changes import WorkingSetRow
from schemas.keys import INTERNAL_PREFIX, RowKey, Scope
from schemas.outcomes import MAX_ATTEMPTS
from schemas.topics import ConsumerRecord

ATTEMPT = f"{INTERNAL_PREFIX}attempt"
"""The table under which `working-set` stores the count. The id is the change's offset."""


class Attempts:
    """The counts by offset, and each timekeeper's given-up changes that no later change has resolved."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._given_up: dict[Scope, set[int]] = defaultdict(set)

    def restore(self, key: RowKey, kept: WorkingSetRow) -> None:
        """Restores a stored count."""
        self._note(Scope(key.firm, key.timekeeper), key.id, kept.version)

    def failed(self, record: ConsumerRecord, scope: Scope) -> tuple[RowKey, WorkingSetRow]:
        """Counts a failure; returns the row to store."""
        count = self._counts.get(record.offset, 0) + 1
        self._note(scope, record.offset, count)
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, record.offset), WorkingSetRow(count)

    def is_exhausted(self, record: ConsumerRecord, scope: Scope) -> bool:
        """Returns whether the change has failed often enough.

        While another change of the same timekeeper is given up, one failure is enough. Otherwise each of the
        timekeeper's changes could end the process twice, and with it every timekeeper's.
        """
        return self._counts.get(record.offset, 0) >= MAX_ATTEMPTS or bool(self._given_up.get(scope))

    def give_up(self, record: ConsumerRecord, scope: Scope) -> tuple[RowKey, WorkingSetRow]:
        """Marks a change as given up, however often it failed; returns the row to store."""
        self._note(scope, record.offset, MAX_ATTEMPTS)
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, record.offset), WorkingSetRow(MAX_ATTEMPTS)

    def resolved(self, scope: Scope, offset: int) -> RowKey | None:
        """Forgets a change that a later change of its row has resolved. Returns the stored row to delete, or None.

        A change of another row that succeeds proves nothing: the error may be in the one row.
        """
        self._given_up[scope].discard(offset)
        if self._counts.pop(offset, None) is None:
            return None
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, offset)

    def was_tried(self, record: ConsumerRecord) -> bool:
        """Returns whether the change has failed before."""
        return record.offset in self._counts

    def _note(self, scope: Scope, offset: int, count: int) -> None:
        self._counts[offset] = count
        if count >= MAX_ATTEMPTS:
            self._given_up[scope].add(offset)
