"""Candidate pairs as arrays: lists of earlier activities side by side."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


class Pairs(msgspec.Struct, frozen=True, eq=False):
    """Activities in the order of events, each with the earlier ones that it is compared with, in the same order.

    `ids` are all that occur. `own`, and for each as many of `earlier` as `counts` says, are positions in `ids`. `steps`
    is how many steps back in the order of events an earlier one is (`Candidates.steps`).
    """

    ids: Integers
    own: Integers
    counts: Integers
    earlier: Integers
    steps: Integers

    @property
    def of(self) -> Integers:
        """The list of each pair."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def some(self, lists: npt.NDArray[np.bool_]) -> "Pairs":
        """The pairs of these lists."""
        if lists.all():
            return self
        rows = np.repeat(lists, self.counts)
        return Pairs(self.ids, self.own[lists], self.counts[lists], self.earlier[rows], self.steps[rows])

    def chunks(self, size: int) -> Iterator["Pairs"]:
        """The same in chunks of whole lists, each of at least `size` pairs except the last."""
        ends = np.cumsum(self.counts)
        first = 0
        while first < len(ends):
            begin = int(ends[first] - self.counts[first])
            last = min(int(np.searchsorted(ends, begin + size)), len(ends) - 1)
            lists, rows = slice(first, last + 1), slice(begin, int(ends[last]))
            yield Pairs(self.ids, self.own[lists], self.counts[lists], self.earlier[rows], self.steps[rows])
            first = last + 1
