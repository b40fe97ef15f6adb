"""Schedules rechecks of the stale members of one partition: activities whose row isn't what was grouped.

Usually the record that explains the difference is on its way, and ingesting it resolves the stale member. No record
explains some others, such as a row that was changed and changed back. These are rechecked once the partition is idle:
soon at first, then ever more rarely, because a difference that nothing explains is for `verify` to find.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from schemas.keys import Scope

MIN_RECHECK_S, MAX_RECHECK_S = 0.2, 30.0
"""Seconds from one recheck to the next, at first and at most. A busy partition waits for the longer time in addition:
the records that it is about to read resolve its stale members, and a recheck costs as much as ingesting.
"""


class StaleMembers(msgspec.Struct):
    """The stale members of one partition, and when they are due.

    Times are seconds of any clock that never goes back.
    """

    members: "dict[Scope, set[int]]" = msgspec.field(default_factory=dict)
    wait_s: float = MIN_RECHECK_S
    due: float = 0.0

    @property
    def count(self) -> int:
        """The number of stale members. Another thread may read it."""
        return sum(len(ids) for ids in list(self.members.values()))

    def after_batch(self, doubted: "Mapping[Scope, set[int]]", settled: "Mapping[Scope, set[int]]", now: float) -> None:
        """Adds the members that a batch made stale, and removes those that it resolved."""
        for scope, ids in settled.items():
            if scope in self.members:
                self._set(scope, self.members[scope] - ids)
        if doubted:
            self.due = min(self.due, now + MIN_RECHECK_S) if self.members else now + MIN_RECHECK_S
            self.wait_s = MIN_RECHECK_S
        for scope, ids in doubted.items():
            self._set(scope, self.members.get(scope, set()) | ids)

    def after_recheck(self, doubted: "Mapping[Scope, set[int]]", now: float) -> None:
        """Keeps only the members that a recheck found still stale."""
        self.members = {scope: set(ids) for scope, ids in doubted.items() if ids}
        self.due = now + self.wait_s
        self.wait_s = min(2 * self.wait_s, MAX_RECHECK_S)

    def is_due(self, now: float, busy: bool) -> bool:
        """Returns whether it is time for a recheck. `busy`: the partition has just had records."""
        return bool(self.members) and now >= self.due + (MAX_RECHECK_S if busy else 0)

    def _set(self, scope: "Scope", ids: set[int]) -> None:
        if ids:
            self.members[scope] = ids
        else:
            self.members.pop(scope, None)
