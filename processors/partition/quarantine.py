"""Quarantines timekeepers: our own code fails on their working set as such, so that no single record is to blame.

Their rows are stored, their groups stay as they were last published, and their periods wait. No other timekeeper waits.
Each new owner of the partition tries again, so an upgrade that repairs the code releases them.
"""

from collections import defaultdict

import msgspec

from processors.partition.producer_records import dead_letter_record, mark_record, working_set_record
from schemas.changes import Change, WorkingSetRow
from schemas.keys import INTERNAL_PREFIX, OriginKey, RowKey, Scope
from schemas.outcomes import DeadLetter, Reason
from schemas.topics import WORKING_SET, ConsumerRecord, ProducerRecord
from schemas.values import Mark

QUARANTINE = f"{INTERNAL_PREFIX}aside"
"""The table under which `working-set` stores that there is a dead letter. The id is the offset in its origin."""


class Quarantine:
    """The quarantined timekeepers of a partition; `errors` has the reason for each.

    Their dead letters and held-back marks are restored from one owner to the next.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._letters: dict[Scope, set[int]] = {}
        self._held_back: dict[Scope, dict[RowKey, Change]] = defaultdict(dict)
        self.errors: dict[Scope, str] = {}

    @property
    def scopes(self) -> set[Scope]:
        """All timekeepers who have a dead letter to resolve or a mark to forward."""
        return {*self._letters, *self._held_back}

    def restore(self, key: RowKey) -> None:
        """Restores that a previous owner wrote a dead letter. Another owner may have written a second one, at another
        change.
        """
        self._letters.setdefault(Scope(key.firm, key.timekeeper), set()).add(key.id)

    def hold_back(self, change: Change) -> None:
        """Holds a mark back until its timekeeper is released. The caller stores its row."""
        self._held_back[Scope(change.key.firm, change.key.timekeeper)][change.key] = change

    def quarantine(self, scope: Scope, at: int, error: Exception) -> list[ProducerRecord]:
        """Quarantines a timekeeper whose newest change is the one at offset `at`; returns the records to write.

        At the next try, the dead letter has the same key.
        """
        self.errors[scope] = repr(error)
        at = min(self._letters.setdefault(scope, {at}))
        detail = (
            f"timekeeper {scope.timekeeper} of firm {scope.firm} is set aside, since grouping their work fails: "
            f"{error!r}. Rows are kept, groups stay as they were, periods wait; `group` tries again when it starts"
        )
        letter = DeadLetter(Reason.BUG, detail)
        return [
            dead_letter_record(self._origin(at), ConsumerRecord(self._number, at, None, None), letter, scope),
            working_set_record(self._number, RowKey(scope.firm, scope.timekeeper, QUARANTINE, at), WorkingSetRow(at)),
        ]

    def release(self, scope: Scope) -> list[ProducerRecord]:
        """Releases a timekeeper: returns the held-back marks, and tombstones for every dead letter."""
        outgoing = []
        for key, change in sorted(self._held_back.pop(scope, {}).items()):
            assert isinstance(change.value, Mark)
            outgoing += [
                mark_record(self._number, scope, change.value, change.lineage),
                working_set_record(self._number, key, None),
            ]
        for at in sorted(self._letters.pop(scope, ())):
            nothing = ConsumerRecord(self._number, at, None, None)
            letter = dead_letter_record(self._origin(at), nothing, DeadLetter(Reason.BUG, ""))
            outgoing += [
                msgspec.structs.replace(letter, value=None),
                working_set_record(self._number, RowKey(scope.firm, scope.timekeeper, QUARANTINE, at), None),
            ]
        return outgoing

    def _origin(self, at: int) -> OriginKey:
        # The origin isn't in `changes`, because the change at that offset may have a dead letter of its own.
        return OriginKey(WORKING_SET.name, self._number, at)
