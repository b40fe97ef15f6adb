"""How often our own code failed on a change, as `working-set` remembers it across the processes that this ended."""

from schemas.changes import Kept
from schemas.keys import RowKey, Scope
from schemas.records import Incoming

ATTEMPT = "attempt"
"""The table under which the working set keeps the count; the id is the change's offset."""

TRIES = 3
"""A change on which our own code fails so often is dead-lettered with reason `bug`."""


class Attempts:
    """Counts by offset, and the timekeepers of whom a change was given up."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._suspects: set[Scope] = set()

    def restore(self, key: RowKey, kept: Kept) -> None:
        """Takes in what was kept."""
        self._note(Scope(key.firm, key.timekeeper), key.id, kept.version)

    def failed(self, record: Incoming, scope: Scope) -> tuple[RowKey, Kept]:
        """Counts a failure, and returns what to keep of it."""
        count = self._counts.get(record.offset, 0) + 1
        self._note(scope, record.offset, count)
        return RowKey(scope.firm, scope.timekeeper, ATTEMPT, record.offset), Kept(count)

    def hopeless(self, record: Incoming, scope: Scope) -> bool:
        """Did it fail often enough? For whom a change was given up before, once is enough: else each change of one
        timekeeper could end everybody's process twice.
        """
        return self._counts.get(record.offset, 0) >= TRIES or scope in self._suspects

    def tried(self, record: Incoming) -> bool:
        """Did it fail before?"""
        return record.offset in self._counts

    def _note(self, scope: Scope, offset: int, count: int) -> None:
        self._counts[offset] = count
        if count >= TRIES:
            self._suspects.add(scope)
