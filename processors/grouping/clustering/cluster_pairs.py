"""Holds the scored pairs of all micro-clusters as arrays: the earlier ones that each has links with, and the log-odds
and weight of each pair (`graph_arrays.ClusterPairs`).
"""

from typing import NamedTuple

import numpy as np

from processors.grouping.allocation import ROOM, allocate, no_free_rows
from processors.grouping.clustering.graph_arrays import ClusterPairs
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.model.trees import Steps

_KINDS = (*[np.dtype(np.int32)] * 6, np.dtype(np.int64))


class GivenPairs(NamedTuple):
    """Scored pairs side by side, as in `graph_arrays.ClusterPairs`. `steps` has a row for each pair: what it was scored
    by.
    """

    others: Slots
    logits: Slots
    weights: Slots
    steps: Steps


class ClusterPairStore:
    """See the module; read `arrays`."""

    def __init__(self) -> None:
        self.arrays = ClusterPairs(*(np.zeros(0, dtype=kind) for kind in _KINDS))
        self._free = no_free_rows()
        self._top = np.zeros(1, dtype=np.int64)

    def grow(self, slots: int) -> None:
        """Makes room for micro-clusters in this many slots."""
        known = self.arrays
        more = np.zeros(slots - len(known.begin), dtype=np.int32)
        begin, many, room = (np.concatenate((one, more)) for one in (known.begin, known.many, known.room))
        self.arrays = known._replace(begin=begin, many=many, room=room)

    def put(self, own: Slots, counts: Integers, given: GivenPairs) -> Flags:
        """Replaces the pairs of these micro-clusters, given side by side. Returns a flag for each: 1 where its pairs
        changed.
        """
        size, have = int(self._top[0]) + len(own) * ROOM + len(given.others), len(self.arrays.other)
        if size > have:
            more = max(size - have, have // 4)
            kept = [np.append(one, np.zeros(more, dtype=one.dtype)) for one in self.arrays[3:]]
            self.arrays = ClusterPairs(*self.arrays[:3], *kept)
        return _put(self.arrays, self._free, self._top, own, counts, given)


@compiled
def _put(pairs: ClusterPairs, free: Slots, top: Integers, own: Slots, counts: Integers, given: GivenPairs) -> Flags:
    others, logits, weights, steps = given
    changed = np.zeros(len(own), dtype=np.uint8)
    first = 0
    for number in range(len(own)):
        cluster, count = own[number], counts[number]
        at = pairs.begin[cluster]
        same = pairs.many[cluster] == count
        for pair in range(count):
            if not same:
                break
            same = (
                pairs.other[at + pair] == others[first + pair]
                and pairs.logit[at + pair] == logits[first + pair]
                and pairs.weight[at + pair] == weights[first + pair]
                and pairs.digest[at + pair] == _digest(steps[first + pair])
            )
        if not same:
            changed[number] = 1
            at = allocate(pairs.begin, pairs.many, pairs.room, pairs.other, free, top, cluster, count)
            for pair in range(count):
                pairs.other[at + pair], pairs.logit[at + pair] = others[first + pair], logits[first + pair]
                pairs.weight[at + pair], pairs.digest[at + pair] = weights[first + pair], _digest(steps[first + pair])
        first += count
    return changed


@compiled
def _digest(steps: Steps) -> int:
    """Returns a digest of 64 bits (after FNV-1a)."""
    digest = np.uint64(14695981039346656037)
    for step in steps:
        digest = (digest ^ np.uint64(step)) * np.uint64(1099511628211)
    return int(np.int64(digest))
