"""Activities of one partition whose row and group differ, and when to look at them again.

The record that explains one is mostly on its way, and taking it settles the doubt. What no record explains, such as a
row that was changed and changed back, is looked at again: once the partition is at rest, first soon, then ever more
rarely, since a row that nothing explains is for `verify` to tell.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from schemas.keys import Scope

SOON_S, RARELY_S = 0.2, 30.0
"""How long a look waits after the last one, at first and at most. A busy partition waits the longer time, too: what it
has in doubt is explained by what it is about to read, and looking costs as much as taking.
"""


class Doubts(msgspec.Struct):
    """See the module. Times are seconds of any clock that doesn't go back."""

    found: "dict[Scope, set[int]]" = msgspec.field(default_factory=dict)
    wait_s: float = SOON_S
    due: float = 0.0

    @property
    def count(self) -> int:
        """How many activities are in doubt. May be asked by another thread."""
        return sum(len(ids) for ids in list(self.found.values()))

    def heard(self, doubted: "Mapping[Scope, set[int]]", settled: "Mapping[Scope, set[int]]", now: float) -> None:
        """After a batch: what it put in doubt, and what it settled."""
        for scope, ids in settled.items():
            if scope in self.found:
                self._keep(scope, self.found[scope] - ids)
        if doubted:
            self.due = min(self.due, now + SOON_S) if self.found else now + SOON_S
            self.wait_s = SOON_S
        for scope, ids in doubted.items():
            self._keep(scope, self.found.get(scope, set()) | ids)

    def looked(self, doubted: "Mapping[Scope, set[int]]", now: float) -> None:
        """After a look: what it left in doubt."""
        self.found = {scope: set(ids) for scope, ids in doubted.items() if ids}
        self.due = now + self.wait_s
        self.wait_s = min(2 * self.wait_s, RARELY_S)

    def are_due(self, now: float, busy: bool) -> bool:
        """Is it time to look? `busy`: the partition has just had records."""
        return bool(self.found) and now >= self.due + (RARELY_S if busy else 0)

    def _keep(self, scope: "Scope", ids: set[int]) -> None:
        if ids:
            self.found[scope] = ids
        else:
            self.found.pop(scope, None)
