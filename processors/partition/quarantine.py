"""Timekeepers who are set aside: on whose set our own code fails by itself, so that no single record is to blame.

Their rows are kept and their groups stay as they were last said; periods wait for them, nobody else does. Each owner of
the partition tries again, so after an upgrade all is made good by itself.
"""

from collections import defaultdict

import msgspec

from processors.partition.producer_records import kept_record, letter_record, mark_record
from schemas.changes import Change, WorkingSetRow
from schemas.keys import INTERNAL_PREFIX, OriginKey, RowKey, Scope
from schemas.outcomes import DeadLetter, Reason
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.topics import WORKING_SET
from schemas.values import Mark

ASIDE = f"{INTERNAL_PREFIX}aside"
"""The table under which the working set keeps that there is a letter; the id is the offset in its origin."""


class Aside:
    """`errors`: who is set aside, and why. Remembers letters and withheld marks from owner to owner."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._letters: dict[Scope, set[int]] = {}
        self._withheld: dict[Scope, dict[RowKey, Change]] = defaultdict(dict)
        self.errors: dict[Scope, str] = {}

    @property
    def scopes(self) -> set[Scope]:
        """Everybody of whom something is to be made good."""
        return {*self._letters, *self._withheld}

    def restore(self, key: RowKey) -> None:
        """Takes in that an owner before us wrote a letter; another one may have written a second, at another change."""
        self._letters.setdefault(Scope(key.firm, key.timekeeper), set()).add(key.id)

    def withhold(self, change: Change) -> None:
        """Keeps a mark back until its timekeeper isn't aside any more. The caller keeps its row."""
        self._withheld[Scope(change.key.firm, change.key.timekeeper)][change.key] = change

    def put(self, scope: Scope, at: int, error: Exception) -> list[ProducerRecord]:
        """Sets somebody aside whose newest change is that at `at`: their letter, the same one at the next try."""
        self.errors[scope] = repr(error)
        at = min(self._letters.setdefault(scope, {at}))
        detail = (
            f"timekeeper {scope.timekeeper} of firm {scope.firm} is set aside, since grouping their work fails: "
            f"{error!r}. Rows are kept, groups stay as they were, periods wait; `group` tries again when it starts"
        )
        letter = DeadLetter(Reason.BUG, detail)
        return [
            letter_record(self._origin(at), ConsumerRecord(self._number, at, None, None), letter, scope),
            kept_record(self._number, RowKey(scope.firm, scope.timekeeper, ASIDE, at), WorkingSetRow(at)),
        ]

    def make_good(self, scope: Scope) -> list[ProducerRecord]:
        """Of somebody who isn't aside any more: passes on the marks that waited, and takes back every letter."""
        outgoing = []
        for key, change in sorted(self._withheld.pop(scope, {}).items()):
            assert isinstance(change.value, Mark)
            outgoing += [
                mark_record(self._number, scope, change.value, change.lineage),
                kept_record(self._number, key, None),
            ]
        for at in sorted(self._letters.pop(scope, ())):
            nothing = ConsumerRecord(self._number, at, None, None)
            letter = letter_record(self._origin(at), nothing, DeadLetter(Reason.BUG, ""))
            outgoing += [
                msgspec.structs.replace(letter, value=None),
                kept_record(self._number, RowKey(scope.firm, scope.timekeeper, ASIDE, at), None),
            ]
        return outgoing

    def _origin(self, at: int) -> OriginKey:
        # Not in `changes`: the change at that offset may have a letter of its own.
        return OriginKey(WORKING_SET.name, self._number, at)
