"""The ties of all strands as arrays: of each the earlier strands that it has links with, the logit of each tie, and
what it counts for (`decided.Ties`).
"""

from typing import NamedTuple

import numpy as np

from processors.grouping.allocation import ROOM, allocate, no_free_rows
from processors.grouping.clustering.graph_arrays import Ties
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.model.trees import Steps

_KINDS = (*[np.dtype(np.int32)] * 6, np.dtype(np.int64))


class Given(NamedTuple):
    """Ties side by side: see `decided.Ties`; `steps` are what they are made of, a row each."""

    others: Slots
    logits: Slots
    weights: Slots
    steps: Steps


class Tying:
    """See the module; `ties` are to be read."""

    def __init__(self) -> None:
        self.ties = Ties(*(np.zeros(0, dtype=kind) for kind in _KINDS))
        self._free = no_free_rows()
        self._top = np.zeros(1, dtype=np.int64)

    def grow(self, slots: int) -> None:
        """Makes place for strands in as many slots."""
        known = self.ties
        more = np.zeros(slots - len(known.begin), dtype=np.int32)
        begin, many, room = (np.concatenate((one, more)) for one in (known.begin, known.many, known.room))
        self.ties = known._replace(begin=begin, many=many, room=room)

    def put(self, own: Slots, counts: Integers, given: Given) -> Flags:
        """Gives these strands these ties, side by side, in the place of those that they have; says of each whether they
        are others.
        """
        size, have = int(self._top[0]) + len(own) * ROOM + len(given.others), len(self.ties.other)
        if size > have:
            more = max(size - have, have // 4)
            kept = [np.append(one, np.zeros(more, dtype=one.dtype)) for one in self.ties[3:]]
            self.ties = Ties(*self.ties[:3], *kept)
        return _put(self.ties, self._free, self._top, own, counts, given)


@compiled
def _put(ties: Ties, free: Slots, top: Integers, own: Slots, counts: Integers, given: Given) -> Flags:
    others, logits, weights, steps = given
    changed = np.zeros(len(own), dtype=np.uint8)
    first = 0
    for number in range(len(own)):
        strand, count = own[number], counts[number]
        at = ties.begin[strand]
        same = ties.many[strand] == count
        for tie in range(count):
            if not same:
                break
            same = (
                ties.other[at + tie] == others[first + tie]
                and ties.logit[at + tie] == logits[first + tie]
                and ties.weight[at + tie] == weights[first + tie]
                and ties.made_of[at + tie] == _digest(steps[first + tie])
            )
        if not same:
            changed[number] = 1
            at = allocate(ties.begin, ties.many, ties.room, ties.other, free, top, strand, count)
            for tie in range(count):
                ties.other[at + tie], ties.logit[at + tie] = others[first + tie], logits[first + tie]
                ties.weight[at + tie], ties.made_of[at + tie] = weights[first + tie], _digest(steps[first + tie])
        first += count
    return changed


@compiled
def _digest(steps: Steps) -> int:
    """Of 64 bits (after FNV-1a)."""
    digest = np.uint64(14695981039346656037)
    for step in steps:
        digest = (digest ^ np.uint64(step)) * np.uint64(1099511628211)
    return int(np.int64(digest))
