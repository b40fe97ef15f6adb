"""Strands join groups, in the order in which they began: each the earlier group that the most speaks for and the least
against, or it begins one. Works as `placing` does: what a strand joins depends on its ties, and on the groups of those.
"""

import numpy as np

from processors.grouping.clustering.assignment import enter, leave
from processors.grouping.clustering.graph_arrays import Apart, Marks, Merged, Order, Placed, Ties
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.similarity.links import Ends, Threads
from processors.grouping.similarity.log_odds import Odds


@compiled
def merge(
    order: Order, placed: Placed, merged: Merged, ties: Ties, ends: Ends, threads: Threads, apart: Apart,
    merging: Integers, odds: Odds, marks: Marks,
) -> None:  # fmt: skip
    """Decides the strands that are to be decided, and whoever hangs on one whose group changes, each once and in the
    order in which they began. `merging` is what the mean of each strand's ties has to pass (`Joining.merging`).

    Of marks `moved` isn't asked, and `told` is of groups.
    """
    labels, sums = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int64)
    whole = np.empty(64, dtype=np.int64)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if not marks.todo[slot]:
            continue
        marks.todo[slot] = 0
        if merged.size[slot] == 0:
            continue
        if ties.many[slot] > len(labels):
            size = ties.many[slot]
            labels, sums, whole = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64)
        known = _speaking(slot, merged, ties, labels, sums, whole)
        first, last = np.searchsorted(apart.one, slot), np.searchsorted(apart.one, slot, side="right")
        for other in apart.other[first:last]:
            if order.rank[other] < rank:
                for at in range(known):
                    if labels[at] == merged.label[other]:
                        whole[at] = 0
        label, joined, rival, second = _taken(slot, labels, sums, whole, known, merging[slot], odds.least)
        before = merged.label[slot]
        if joined != merged.joined[slot] or rival != merged.rival[slot] or second != merged.second[slot]:
            marks.told[label] = 1
        merged.joined[slot], merged.rival[slot], merged.second[slot] = joined, rival, second
        if before != label:
            marks.told[label] = 1
            if before >= 0:
                marks.told[before] = 1
                leave(slot, merged.next, merged.before)
            merged.label[slot] = label
            enter(slot, label, merged.next, merged.before)
            _wake_strands(slot, rank, order, placed, ends, threads, marks)
            for other in apart.other[first:last]:
                if order.rank[other] > rank:
                    marks.todo[other] = 1


@compiled
def retire(strand: int, merged: Merged, marks: Marks) -> None:
    """Takes a strand that is no more out of its group. Where it began that, the others are in none, and undecided."""
    label = merged.label[strand]
    if label < 0:
        return
    marks.told[label] = 1
    if label == strand:
        other = merged.next[strand]
        while other != strand:
            merged.label[other], marks.todo[other] = -1, 1
            other = merged.next[other]
    else:
        leave(strand, merged.next, merged.before)
    merged.label[strand] = -1


@compiled
def _speaking(slot: int, merged: Merged, ties: Ties, labels: Slots, sums: Integers, whole: Integers) -> int:
    """The groups of those that a strand has ties with, in their order, the sums of logits, each as often as it counts,
    and how much counts in all; returns how many groups.
    """
    known = 0
    for tie in range(ties.begin[slot], ties.begin[slot] + ties.many[slot]):
        label = merged.label[ties.other[tie]]
        known = _speak(label, ties.logit[tie], ties.weight[tie], labels, sums, whole, known)
    return known


@compiled
def _speak(label: int, logit: int, weight: int, labels: Slots, sums: Integers, whole: Integers, known: int) -> int:
    at = 0
    while at < known and labels[at] != label:
        at += 1
    if at == known:
        labels[at], sums[at], whole[at], known = label, 0, 0, known + 1
    sums[at] += int(logit) * weight
    whole[at] += weight
    return known


@compiled
def _taken(
    slot: int, labels: Slots, sums: Integers, whole: Integers, known: int, over: int, least: int
) -> tuple[int, int, int, int]:
    """Label, joined, rival and second: the greatest sum is taken, of equals the first, and its mean has to pass `over`.
    Groups that have nothing that counts are left out.
    """
    best, other = -1, -1
    for at in range(known):
        if whole[at] and (best < 0 or sums[at] > sums[best]):
            best = at
    if best < 0:
        return slot, 0, least, slot
    joined = sums[best] // whole[best]
    if joined <= over:
        return slot, 0, joined, labels[best]
    for at in range(known):
        if at != best and whole[at] and (other < 0 or sums[at] > sums[other]):
            other = at
    rival = least if other < 0 else sums[other] // whole[other]
    if rival > 0:
        return labels[best], joined, rival, labels[other]
    return labels[best], joined, 0, slot


@compiled
def _wake_strands(
    slot: int, rank: int, order: Order, placed: Placed, ends: Ends, threads: Threads, marks: Marks
) -> None:
    """Has later strands that links lead to, or from, decided again."""
    member = slot
    while True:
        for edge in range(ends.begin[member], ends.begin[member] + ends.many[member]):
            label = placed.label[threads.other[edge]]
            if order.rank[label] > rank:
                marks.todo[label] = 1
        edge = ends.into[member]
        while edge >= 0:
            label = placed.label[threads.owner[edge]]
            if order.rank[label] > rank:
                marks.todo[label] = 1
            edge = threads.next[edge]
        member = placed.next[member]
        if member == slot:
            return


@compiled
def _bits(size: int) -> int:
    bits = 0
    while size:
        bits, size = bits + 1, size >> 1
    return bits


@compiled
def joined(own: Slots, counts: Integers, others: Slots, logits: Slots, sizes: Slots, over: int, least: int) -> Slots:
    """The group of each strand, by slot, where strands have these ties and nobody said anything: `merge` of all.

    Strands that have any are given in the order in which they began.
    """
    groups = np.arange(len(sizes)).astype(np.int32)
    first = 0
    for number in range(len(own)):
        count = counts[number]
        labels, sums = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int64)
        whole = np.empty(count, dtype=np.int64)
        known = 0
        for tie in range(first, first + count):
            known = _speak(groups[others[tie]], logits[tie], _bits(sizes[others[tie]]), labels, sums, whole, known)
        groups[own[number]] = _taken(own[number], labels, sums, whole, known, over, least)[0]
        first += count
    return groups
