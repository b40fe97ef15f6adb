"""Lists for each micro-cluster the earlier ones that it has links with, in either direction, and the features of each
pair.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.grouping.clustering.cluster_pair_features import (
    BITS,
    CLUSTER_PAIR_FEATURES,
    LOGIT_STEP,
    MIN_LOGIT,
    PAIRS,
    SHARE_STEP,
    SHARED,
)
from processors.grouping.clustering.graph_arrays import MEMBERS, Assigned, ChangeMarks, LinkedOrder, Merged, Order
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.features.content_features import MISSING
from processors.grouping.features.pair_features import FEATURES, Matrix
from processors.grouping.model.grouping_model import Domain
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import Scale
from processors.grouping.similarity.links import LinkArrays, LinkRows
from processors.grouping.similarity.log_odds import OddsTable, logit

_PAIRS, _SHARED, _TIES = len(PAIRS), len(SHARED), len(CLUSTER_PAIR_FEATURES)
_SECOND_US, _MILLI, _HIGHEST = 1_000_000, 1_000, 2**31 - 1
_TIMES = 9
"""The position in PAIRS at which the features of links begin."""

_MISSING = np.int32(MISSING)


class Stepper(NamedTuple):
    """What the steps that are kept with links stand for: the column in which a feature of SHARED is, by domain (-1: in
    none), and the value of each of its steps.
    """

    columns: Slots
    lows: Matrix


def stepper_of(scales: Sequence[Scale]) -> Stepper:
    """Returns it for the scales of each domain's classifier, in the order of `Domain`."""
    columns = np.full((len(Domain), _SHARED), -1, dtype=np.int32)
    lows = np.full((len(Domain), _SHARED, 256), MISSING, dtype=np.int32)
    for number, scale in enumerate(scales):
        kept = scale.columns.tolist()
        for at, feature in enumerate(FEATURES.index(name) for name in SHARED):
            if feature in kept:
                columns[number, at] = kept.index(feature)
                lows[number, at, : len(scale.lows[feature])] = scale.lows[feature]
    return Stepper(columns, lows)


class ActivityColumns(NamedTuple):
    """By slot: the start in microseconds, and the number of the domain whose trees score the activity."""

    start: Integers
    regime: Integers


class CandidateLists(NamedTuple):
    """The candidate lists of some micro-clusters: their own slots (`own`), how many others each has, and those others
    in the order in which they began.

    `rows` has the columns CLUSTER_PAIR_FEATURES: one row for each pair, and after each list's pairs one row for the
    case that the micro-cluster begins a group. Of that row only the features in OWN are known.
    """

    own: Slots
    counts: Integers
    others: Slots
    rows: Matrix


NO_LISTS = CandidateLists(
    np.zeros(0, dtype=np.int32),
    np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int32),
    np.zeros((0, _TIES), np.int32),
)


@compiled
def changed_clusters(linked: LinkedOrder, merged: Merged, marks: ChangeMarks, unlinked: Flags, last: Integers) -> Flags:
    """Returns a flag for each slot: 1 where the candidate list of a micro-cluster may have changed. These are:

    - micro-clusters that changed (`marks.moved`);
    - later ones to which their links lead and, where their members changed, later ones whose links lead to them;
    - where a member came from another micro-cluster, earlier ones that it has links with, because they may have been
      later than that one;
    - micro-clusters of activities that lost a link that led to them (`unlinked`).

    Also updates `merged.end` of those that changed. `last` holds the ends of activities.
    """
    order, assigned, ends, threads = linked
    found = np.zeros(len(unlinked), dtype=np.uint8)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if unlinked[slot]:
            found[assigned.label[slot]] = 1
        if not marks.moved[slot] or not merged.size[slot]:
            continue
        found[slot] = 1
        end, member = last[slot], slot
        while True:
            end, least = max(end, last[member]), -1 if marks.removed[member] else rank
            for link in range(ends.begin[member], ends.begin[member] + ends.many[member]):
                label = assigned.label[threads.other[link]]
                if order.rank[label] > least:
                    found[label] = 1
            link = ends.into[member] if marks.moved[slot] == MEMBERS else -1
            while link >= 0:
                label = assigned.label[threads.owner[link]]
                if order.rank[label] > least:
                    found[label] = 1
                link = threads.next[link]
            member = assigned.next[member]
            if member == slot:
                break
        merged.end[slot] = end
    return found


class GraphView(NamedTuple):
    """Everything that candidate lists are made from."""

    order: Order
    placed: Assigned
    merged: Merged
    ends: LinkRows
    threads: LinkArrays
    steps: Steps
    activities: ActivityColumns
    told: Stepper
    odds: OddsTable


class Gathered(NamedTuple):
    """The others of one micro-cluster: their slots, the sums and the greatest values of the links with each (see
    `_compare`), and by slot the position of each other in these arrays, -1 for all else.
    """

    near: Slots
    sums: Integers
    values: Matrix
    at: Slots


@compiled
def candidate_lists(clusters: Slots, view: GraphView) -> CandidateLists:
    """Returns the candidate lists of these micro-clusters; those with an empty list are left out."""
    slots = len(view.order.rank)
    found = Gathered(
        np.empty(slots, dtype=np.int32),
        np.empty((slots, 4), dtype=np.int64),
        np.empty((slots, _SHARED), dtype=np.int32),
        np.full(slots, -1, dtype=np.int32),
    )
    own, counts = np.empty(len(clusters), dtype=np.int32), np.empty(len(clusters), dtype=np.int64)
    others, rows = np.empty(64, dtype=np.int32), np.empty((128, _TIES), dtype=np.int32)
    listed, filled = 0, 0
    for cluster in clusters:
        known = _gather(cluster, view, found)
        if known:
            while filled + known > len(others):  # a list has a row more than it has others
                others, rows = np.append(others, others), np.concatenate((rows, rows))
            begin = filled + listed
            _order(cluster, known, view, found, others[filled : filled + known], rows[begin : begin + known + 1])
            own[listed], counts[listed] = cluster, known
            listed, filled = listed + 1, filled + known
    return CandidateLists(own[:listed], counts[:listed], others[:filled], rows[: filled + listed])


@compiled
def _gather(cluster: int, view: GraphView, found: Gathered) -> int:
    """Goes through all links from and to the members of a micro-cluster, and returns how many earlier ones they lead
    to.

    The arrays are bound to local names first, because numba counts a reference at every access to a tuple's field.
    """
    begin, many, into, total = view.ends.begin, view.ends.many, view.ends.into, view.ends.total
    others, owners, following, scores = view.threads.other, view.threads.owner, view.threads.next, view.threads.odds
    labels, members, rank, domains = view.placed.label, view.placed.next, view.order.rank, view.activities.regime
    table, least, step = view.odds
    steps, columns, lows = view.steps, view.told.columns, view.told.lows
    near, sums, values, at = found
    known, member = 0, cluster
    while True:
        for back in range(2):
            link = into[member] if back else begin[member]
            while link >= 0 if back else link < begin[member] + many[member]:
                owner = owners[link]
                other = labels[owner if back else others[link]]
                place = scores[link]
                if place >= MIN_LOGIT and rank[other] < rank[cluster]:
                    of = at[other]
                    if of < 0:
                        of, known = known, known + 1
                        at[other], near[of], sums[of, 0], sums[of, 1] = of, other, 0, least
                        sums[of, 2], sums[of, 3] = 0, 0
                        values[of] = _MISSING
                    weight = table[place]
                    sums[of, 2 + back] += weight * _MILLI // total[owner]
                    sums[of, 1] = max(sums[of, 1], least + int(place) * step)
                    if owner == cluster:  # the activity that began it
                        sums[of, 0] += weight
                    for feature in range(_SHARED):
                        column = columns[domains[owner], feature]
                        if column >= 0:
                            value = lows[domains[owner], feature, steps[link, column]]
                            values[of, feature] = max(values[of, feature], value)
                link = following[link] if back else link + 1
        member = members[member]
        if member == cluster:
            return known


@compiled
def _order(cluster: int, known: int, view: GraphView, found: Gathered, others: Slots, rows: Matrix) -> None:
    """Fills in one list: the others in the order in which they began, their rows, and last the row of the micro-cluster
    itself.
    """
    merged, start = view.merged, view.activities.start
    ranks = np.empty(known, dtype=np.int64)
    for which in range(known):
        ranks[which] = view.order.rank[found.near[which]]
    most_linked, most_share = _MISSING, _MISSING
    for place, which in enumerate(np.argsort(ranks)):
        other = found.near[which]
        found.at[other], others[place] = -1, other
        _compare(rows[place], cluster, other, found.sums[which], found.values[which], merged, start, view.odds)
        most_linked, most_share = max(most_linked, rows[place, 0]), max(most_share, rows[place, 2])
    rows[known] = _MISSING
    size = _leading(int(merged.size[cluster]))
    span = _leading((merged.end[cluster] - start[cluster]) // _SECOND_US)
    for place in range(known + 1):
        row = rows[place]
        if place < known:
            row[_PAIRS], row[_PAIRS + 1] = most_linked - row[0], most_share - row[2]
        row[_PAIRS + 2], row[_PAIRS + 3] = size, span
        row[_PAIRS + 4], row[_PAIRS + 5], row[_PAIRS + 6] = known, most_linked, most_share


@compiled
def _compare(
    row: Slots,
    later: int,
    earlier: int,
    sums: Integers,
    values: Slots,
    merged: Merged,
    start: Integers,
    odds: OddsTable,
) -> None:
    """Fills in the columns PAIRS of a row. `sums` are the odds between the activity that began the later one and the
    earlier one, the greatest log-odds of a link, and the shares forth and back.
    """
    row[0] = _rounded_logit(sums[1])
    row[1] = _rounded_logit(logit(sums[0], odds))
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
def _rounded_logit(found: int) -> int:
    """Returns log-odds (millionths) as thousandths, rounded down to a multiple of LOGIT_STEP."""
    return found // (_MILLI * LOGIT_STEP) * LOGIT_STEP


@compiled
def _leading(value: int) -> int:
    """Returns a number with all but its leading BITS bits set to 0; at least 0, at most _HIGHEST."""
    value = max(value, 0)
    shift, rest = 0, value >> BITS
    while rest:
        shift, rest = shift + 1, rest >> 1
    return min(value >> shift << shift, _HIGHEST)
