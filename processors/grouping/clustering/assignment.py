"""Assigns activities to micro-clusters. In the order of events, each activity joins the earlier micro-cluster with the
greatest summed odds, or begins one.

While this runs, the label of a micro-cluster is the slot of the activity that began it. Which one an activity joins
depends only on the labels of the activities that it has links or constraints with. So when a label changes, the later
activities that depend on it are decided again, in order, and no others. Deciding what changed thus gives the same
result as deciding everything. `agglomeration` does the same for micro-clusters and groups.
"""

import numpy as np

from processors.grouping.clustering.graph_arrays import (
    MEMBERS,
    Assigned,
    ChangeMarks,
    FeedbackArrays,
    LinkedOrder,
    Order,
)
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.similarity.links import LinkArrays, LinkRows
from processors.grouping.similarity.log_odds import OddsTable, logit

_BARRED = -1
"""Stands in for a sum of odds, which is always more than 0."""


@compiled
def assign(
    linked: LinkedOrder,
    sizes: Slots,
    feedback: FeedbackArrays,
    overs: Integers,
    odds: OddsTable,
    marks: ChangeMarks,
) -> None:
    """Decides the activities that are marked `todo` and those that depend on one whose label changes, each once and in
    the order of events. `sizes` are the sizes of micro-clusters, and are updated. `overs` is by slot the threshold that
    an activity's log-odds has to exceed (`ClusteringThresholds.over`).
    """
    order, assigned, ends, threads = linked
    labels, sums = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int64)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if not marks.todo[slot]:
            continue
        marks.todo[slot] = 0
        if ends.many[slot] > len(labels):
            labels, sums = np.empty(ends.many[slot], dtype=np.int32), np.empty(ends.many[slot], dtype=np.int64)
        number = feedback.row[slot]
        if number >= 0 and feedback.first[number] != slot:
            label, joined, rival, second = assigned.label[feedback.first[number]], 0, 0, slot
            via = slot
        else:
            known = _sum_odds(slot, assigned, ends, threads, odds, labels, sums)
            if number >= 0:
                _apply_constraints(number, rank, order, assigned, feedback, labels, sums, known)
            label, joined, rival, second = _choice(slot, labels, sums, known, overs[slot], odds)
            via = slot if label == slot else _via(slot, label, order, assigned, ends, threads)
        strongest = _strongest(slot, label, assigned, ends, threads)
        if joined != assigned.joined[slot] or rival != assigned.rival[slot] or second != assigned.second[slot]:
            marks.published[assigned.second[slot]], marks.published[second], marks.published[label] = 1, 1, 1
        if via != assigned.via[slot] or strongest != assigned.strongest[slot]:
            marks.published[label] = 1
        assigned.joined[slot], assigned.rival[slot], assigned.second[slot], assigned.via[slot] = (
            joined,
            rival,
            second,
            via,
        )
        assigned.strongest[slot] = strongest
        if assigned.label[slot] != label:
            _move(slot, label, assigned, sizes, marks)
            _requeue_later(slot, number, order, ends, threads, feedback, marks)


@compiled
def _sum_odds(
    slot: int, assigned: Assigned, ends: LinkRows, threads: LinkArrays, odds: OddsTable, labels: Slots, sums: Integers
) -> int:
    """Collects the labels of the activities that this one has links with, in the order of the links. Writes the labels
    and the sums of their odds, and returns the number of labels.
    """
    known = 0
    for link in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        label, at = assigned.label[threads.other[link]], 0
        while at < known and labels[at] != label:
            at += 1
        if at == known:
            labels[at], sums[at], known = label, 0, known + 1
        sums[at] += odds.table[threads.odds[link]]
    return known


@compiled
def _apply_constraints(
    number: int,
    rank: int,
    order: Order,
    assigned: Assigned,
    feedback: FeedbackArrays,
    labels: Slots,
    sums: Integers,
    known: int,
) -> None:
    """Bars the labels that an activity must not join."""
    for part in range(feedback.parted[number], feedback.parted[number + 1]):
        other = feedback.apart[part]
        if order.rank[other] < rank:
            for at in range(known):
                if labels[at] == assigned.label[other]:
                    sums[at] = _BARRED


@compiled
def _choice(
    slot: int, labels: Slots, sums: Integers, known: int, over: int, odds: OddsTable
) -> tuple[int, int, int, int]:
    """Returns label, joined, rival and second. The micro-cluster with the greatest sum is chosen, the first of equals;
    its log-odds has to exceed `over`.
    """
    best = _greatest(sums, known, -1)
    if best < 0:
        return slot, 0, odds.least, slot
    joined = logit(sums[best], odds)
    if joined <= over:
        return slot, 0, joined, labels[best]
    other = _greatest(sums, known, best)
    rival = odds.least if other < 0 else logit(sums[other], odds)
    if rival > 0:
        return labels[best], joined, rival, labels[other]
    return labels[best], joined, 0, slot


@compiled
def _greatest(sums: Integers, known: int, but: int) -> int:
    """Returns the position of the greatest sum, the first of equals, except position `but`; -1 where none is left."""
    best = -1
    for at in range(known):
        if at != but and sums[at] != _BARRED and (best < 0 or sums[at] > sums[best]):
            best = at
    return best


@compiled
def _strongest(slot: int, label: int, assigned: Assigned, ends: LinkRows, threads: LinkArrays) -> int:
    begin, found = ends.begin[slot], -1
    for link in range(begin, begin + ends.many[slot]):
        inside = assigned.label[threads.other[link]] == label
        if inside and (found < 0 or threads.odds[link] > threads.odds[begin + found]):
            found = link - begin
    return found


@compiled
def _via(slot: int, label: int, order: Order, assigned: Assigned, ends: LinkRows, threads: LinkArrays) -> int:
    """Returns the other end of the strongest link into a micro-cluster; of equals the one with the largest id."""
    via, most = slot, -1
    for link in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        other, weight = threads.other[link], int(threads.odds[link])
        inside, later = assigned.label[other] == label, order.ids[other] > order.ids[via]
        if inside and (weight > most or (weight == most and later)):
            via, most = other, weight
    return via


@compiled
def _move(slot: int, label: int, assigned: Assigned, sizes: Slots, marks: ChangeMarks) -> None:
    """Moves an activity to another micro-cluster, from its present one if it has one."""
    before = assigned.label[slot]
    if before >= 0:
        unlink_member(slot, assigned.next, assigned.before)
        sizes[before] -= 1
        marks.removed[slot], marks.moved[before], marks.published[before] = 1, MEMBERS, 1
    assigned.label[slot] = label
    sizes[label] += 1
    marks.moved[label], marks.published[label] = MEMBERS, 1
    link_member(slot, label, assigned.next, assigned.before)


@compiled
def unassign(slot: int, assigned: Assigned, sizes: Slots, marks: ChangeMarks) -> None:
    """Removes an activity from its micro-cluster. If it began that, the others are in none and are to be decided."""
    label = assigned.label[slot]
    if label >= 0:
        marks.moved[label], marks.published[label], marks.published[assigned.second[slot]] = MEMBERS, 1, 1
        if label == slot:
            member = assigned.next[slot]
            while member != slot:
                assigned.label[member], marks.todo[member], marks.removed[member] = -1, 1, 1
                member = assigned.next[member]
            sizes[slot] = 0
        else:
            unlink_member(slot, assigned.next, assigned.before)
            sizes[label] -= 1
    assigned.label[slot], assigned.second[slot], assigned.via[slot], assigned.strongest[slot] = -1, slot, slot, -1
    marks.todo[slot] = 0


@compiled
def unlink_member(one: int, following: Slots, before: Slots) -> None:
    following[before[one]], before[following[one]] = following[one], before[one]


@compiled
def link_member(one: int, first: int, following: Slots, before: Slots) -> None:
    """Adds a member to the ring of `first`, which is in it already or begins it."""
    if one == first:
        following[one], before[one] = one, one
        return
    second = following[first]
    following[one], before[one] = second, first
    following[first], before[second] = one, one


@compiled
def _requeue_later(
    slot: int,
    number: int,
    order: Order,
    ends: LinkRows,
    threads: LinkArrays,
    feedback: FeedbackArrays,
    marks: ChangeMarks,
) -> None:
    """Marks later activities that depend on this activity's label, so that they are decided again."""
    link = ends.into[slot]
    while link >= 0:
        marks.todo[threads.owner[link]] = 1
        link = threads.next[link]
    if number >= 0:
        for at in range(feedback.bundled[number], feedback.bundled[number + 1]):
            marks.todo[feedback.bundle[at]] |= order.rank[feedback.bundle[at]] > order.rank[slot]
        for at in range(feedback.parted[number], feedback.parted[number + 1]):
            marks.todo[feedback.apart[at]] |= order.rank[feedback.apart[at]] > order.rank[slot]
