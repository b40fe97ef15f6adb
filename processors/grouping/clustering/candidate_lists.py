"""The lists of strands: which earlier ones each has links with, in either direction, and what they have in common."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.grouping.clustering.cluster_pair_features import (
    BITS,
    LEAST_TOLD,
    LOGIT_STEP,
    PAIRS,
    SHARE_STEP,
    SHARED,
    TIES,
)
from processors.grouping.clustering.graph_arrays import MEMBERS, Marks, Merged, Order, Placed
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.features.content_features import MISSING
from processors.grouping.features.pair_features import FEATURES, Matrix
from processors.grouping.model.grouping_model import Regime
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import Scale
from processors.grouping.similarity.links import Ends, Threads
from processors.grouping.similarity.log_odds import Odds, logit

_PAIRS, _SHARED, _TIES = len(PAIRS), len(SHARED), len(TIES)
_SECOND_US, _MILLI, _HIGHEST = 1_000_000, 1_000, 2**31 - 1
_TIMES = 9
"""Where the features of links begin among PAIRS."""

_MISSING = np.int32(MISSING)


class Told(NamedTuple):
    """What steps of links tell: in which column of them a feature of SHARED is, by regime (-1: in none), and the value
    that each step stands for.
    """

    columns: Slots
    lows: Matrix


def told(scales: Sequence[Scale]) -> Told:
    """Of the scales of each regime's classifier, in the order of `Regime`."""
    columns = np.full((len(Regime), _SHARED), -1, dtype=np.int32)
    lows = np.full((len(Regime), _SHARED, 256), MISSING, dtype=np.int32)
    for number, scale in enumerate(scales):
        kept = scale.columns.tolist()
        for at, feature in enumerate(FEATURES.index(name) for name in SHARED):
            if feature in kept:
                columns[number, at] = kept.index(feature)
                lows[number, at, : len(scale.lows[feature])] = scale.lows[feature]
    return Told(columns, lows)


class Activities(NamedTuple):
    """By slot: start in microseconds, and the number of the regime that decides which trees are asked."""

    start: Integers
    regime: Integers


class Lists(NamedTuple):
    """The lists of some strands: `own` ones, how many others each has, and those in the order in which they began.

    `rows` are of TIES: one a pair, and behind each list's one for a beginning, of which only OWN is known.
    """

    own: Slots
    counts: Integers
    others: Slots
    rows: Matrix


NO_LISTS = Lists(
    np.zeros(0, dtype=np.int32),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int32),
    np.zeros((0, _TIES), np.int32),
)


@compiled
def touched(
    order: Order, placed: Placed, merged: Merged, ends: Ends, threads: Threads, marks: Marks, unlinked: Flags,
    last: Integers,
) -> Flags:  # fmt: skip
    """Marks the strands whose lists may be others than before: those that moved, the later ones that their links
    lead to, or where members are others, the later ones that have any links with them; all that have links with an
    activity that went (they may have been the later ones before), and those of activities that links don't lead to any
    more (`unlinked`).

    Works out the last end of those that moved; `last` are the activities'.
    """
    found = np.zeros(len(unlinked), dtype=np.uint8)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if unlinked[slot]:
            found[placed.label[slot]] = 1
        if not marks.moved[slot] or not merged.size[slot]:
            continue
        found[slot] = 1
        end, member = last[slot], slot
        while True:
            end, least = max(end, last[member]), -1 if marks.went[member] else rank
            for edge in range(ends.begin[member], ends.begin[member] + ends.many[member]):
                label = placed.label[threads.other[edge]]
                if order.rank[label] > least:
                    found[label] = 1
            edge = ends.into[member] if marks.moved[slot] == MEMBERS else -1
            while edge >= 0:
                label = placed.label[threads.owner[edge]]
                if order.rank[label] > least:
                    found[label] = 1
                edge = threads.next[edge]
            member = placed.next[member]
            if member == slot:
                break
        merged.end[slot] = end
    return found


class Seen(NamedTuple):
    """All that lists of strands are made from."""

    order: Order
    placed: Placed
    merged: Merged
    ends: Ends
    threads: Threads
    steps: Steps
    activities: Activities
    told: Told
    odds: Odds


class Gathered(NamedTuple):
    """What is found of the others of one strand: who they are, the sums and the greatest values of the links with each
    (see `_compare`), and by slot where each is in these, -1 for who isn't.
    """

    near: Slots
    sums: Integers
    values: Matrix
    at: Slots


@compiled
def lists(strands: Slots, seen: Seen) -> Lists:
    """The lists of these strands; who has an empty one is left out."""
    slots = len(seen.order.rank)
    found = Gathered(
        np.empty(slots, dtype=np.int32),
        np.empty((slots, 4), dtype=np.int64),
        np.empty((slots, _SHARED), dtype=np.int32),
        np.full(slots, -1, dtype=np.int32),
    )
    own, counts = np.empty(len(strands), dtype=np.int32), np.empty(len(strands), dtype=np.int64)
    others, rows = np.empty(64, dtype=np.int32), np.empty((128, _TIES), dtype=np.int32)
    listed, filled = 0, 0
    for strand in strands:
        known = _gather(strand, seen, found)
        if known:
            while filled + known > len(others):  # a list has a row more than it has others
                others, rows = np.append(others, others), np.concatenate((rows, rows))
            begin = filled + listed
            _order(strand, known, seen, found, others[filled : filled + known], rows[begin : begin + known + 1])
            own[listed], counts[listed] = strand, known
            listed, filled = listed + 1, filled + known
    return Lists(own[:listed], counts[:listed], others[:filled], rows[: filled + listed])


@compiled
def _gather(strand: int, seen: Seen, found: Gathered) -> int:
    """Goes through all links from and to a strand's members; returns how many earlier strands they tie it with.

    Everything is looked up by names of this function's own: of what lies in another thing each look counts its uses.
    """
    begin, many, into, total = seen.ends.begin, seen.ends.many, seen.ends.into, seen.ends.total
    others, owners, following, scores = seen.threads.other, seen.threads.owner, seen.threads.next, seen.threads.odds
    labels, members, rank, regimes = seen.placed.label, seen.placed.next, seen.order.rank, seen.activities.regime
    table, least, step = seen.odds
    steps, columns, lows = seen.steps, seen.told.columns, seen.told.lows
    near, sums, values, at = found
    known, member = 0, strand
    while True:
        for back in range(2):
            edge = into[member] if back else begin[member]
            while edge >= 0 if back else edge < begin[member] + many[member]:
                owner = owners[edge]
                other = labels[owner if back else others[edge]]
                place = scores[edge]
                if place >= LEAST_TOLD and rank[other] < rank[strand]:
                    of = at[other]
                    if of < 0:
                        of, known = known, known + 1
                        at[other], near[of], sums[of, 0], sums[of, 1] = of, other, 0, least
                        sums[of, 2], sums[of, 3] = 0, 0
                        values[of] = _MISSING
                    weight = table[place]
                    sums[of, 2 + back] += weight * _MILLI // total[owner]
                    sums[of, 1] = max(sums[of, 1], least + int(place) * step)
                    if owner == strand:  # who began it
                        sums[of, 0] += weight
                    for feature in range(_SHARED):
                        column = columns[regimes[owner], feature]
                        if column >= 0:
                            value = lows[regimes[owner], feature, steps[edge, column]]
                            values[of, feature] = max(values[of, feature], value)
                edge = following[edge] if back else edge + 1
        member = members[member]
        if member == strand:
            return known


@compiled
def _order(strand: int, known: int, seen: Seen, found: Gathered, others: Slots, rows: Matrix) -> None:
    """Fills in a strand's list: the others in the order in which they began, their rows, and behind those its own."""
    merged, start = seen.merged, seen.activities.start
    ranks = np.empty(known, dtype=np.int64)
    for which in range(known):
        ranks[which] = seen.order.rank[found.near[which]]
    most_linked, most_share = _MISSING, _MISSING
    for place, which in enumerate(np.argsort(ranks)):
        other = found.near[which]
        found.at[other], others[place] = -1, other
        _compare(rows[place], strand, other, found.sums[which], found.values[which], merged, start, seen.odds)
        most_linked, most_share = max(most_linked, rows[place, 0]), max(most_share, rows[place, 2])
    rows[known] = _MISSING
    size = _leading(int(merged.size[strand]))
    span = _leading((merged.end[strand] - start[strand]) // _SECOND_US)
    for place in range(known + 1):
        row = rows[place]
        if place < known:
            row[_PAIRS], row[_PAIRS + 1] = most_linked - row[0], most_share - row[2]
        row[_PAIRS + 2], row[_PAIRS + 3] = size, span
        row[_PAIRS + 4], row[_PAIRS + 5], row[_PAIRS + 6] = known, most_linked, most_share


@compiled
def _compare(
    row: Slots, later: int, earlier: int, sums: Integers, values: Slots, merged: Merged, start: Integers, odds: Odds
) -> None:
    """Fills in PAIRS: `sums` are the odds of what began the later one, the greatest logit, and the shares forth and
    back.
    """
    row[0] = _logit_told(sums[1])
    row[1] = _logit_told(logit(sums[0], odds))
    row[2] = sums[2] // merged.size[later] // SHARE_STEP * SHARE_STEP
    row[3] = sums[3] // merged.size[earlier] // SHARE_STEP * SHARE_STEP
    row[4] = _leading(int(merged.size[earlier]))
    earlier_end, later_end = merged.end[earlier], merged.end[later]
    row[5] = _leading((earlier_end - start[earlier]) // _SECOND_US)
    row[6] = _leading((start[later] - start[earlier]) // _SECOND_US)
    row[7] = _leading(max(start[later] - earlier_end, 0) // _SECOND_US)
    row[8] = _leading(max(min(earlier_end, later_end) - start[later], 0) // _SECOND_US)
    for feature in range(_SHARED):
        row[_TIMES + feature] = values[feature]


@compiled
def _logit_told(found: int) -> int:
    """Thousandths of a logit, as told."""
    return found // (_MILLI * LOGIT_STEP) * LOGIT_STEP


@compiled
def _leading(value: int) -> int:
    """The leading BITS bits of a number, and noughts behind; at least 0, at most _HIGHEST."""
    value = max(value, 0)
    shift, rest = 0, value >> BITS
    while rest:
        shift, rest = shift + 1, rest >> 1
    return min(value >> shift << shift, _HIGHEST)
