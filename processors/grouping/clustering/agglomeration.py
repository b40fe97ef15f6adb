"""Joins micro-clusters into groups. In the order in which they began, each micro-cluster joins the earlier group with
the greatest sum of evidence, or begins a group.

It works as `assignment` does for activities: which group a micro-cluster joins depends only on its pairs with earlier
micro-clusters and on the groups of those.
"""

import numpy as np

from processors.grouping.clustering.assignment import link_member, unlink_member
from processors.grouping.clustering.graph_arrays import (
    Assigned,
    ChangeMarks,
    ClusterPairs,
    KeptApart,
    LinkedOrder,
    Merged,
    Order,
)
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.similarity.links import LinkArrays, LinkRows
from processors.grouping.similarity.log_odds import OddsTable


@compiled
def agglomerate(
    linked: LinkedOrder,
    merged: Merged,
    pairs: ClusterPairs,
    apart: KeptApart,
    merging: Integers,
    odds: OddsTable,
    marks: ChangeMarks,
) -> None:
    """Decides the micro-clusters that are marked `todo` and those that depend on one whose group changes, each once and
    in the order in which they began. `merging` is by slot the threshold that the mean log-odds of a micro-cluster's
    pairs has to exceed (`ClusteringThresholds.merging`).

    Of `marks` it doesn't use `moved`, and `published` refers to groups.
    """
    order, assigned, ends, threads = linked
    labels, sums = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int64)
    whole = np.empty(64, dtype=np.int64)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if not marks.todo[slot]:
            continue
        marks.todo[slot] = 0
        if merged.size[slot] == 0:
            continue
        if pairs.many[slot] > len(labels):
            size = pairs.many[slot]
            labels, sums, whole = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64)
        known = _sum_evidence(slot, merged, pairs, labels, sums, whole)
        first, last = np.searchsorted(apart.one, slot), np.searchsorted(apart.one, slot, side="right")
        for other in apart.other[first:last]:
            if order.rank[other] < rank:
                for at in range(known):
                    if labels[at] == merged.label[other]:
                        whole[at] = 0
        label, joined, rival, second = _chosen_group(slot, labels, sums, whole, known, merging[slot], odds.least)
        before = merged.label[slot]
        if joined != merged.joined[slot] or rival != merged.rival[slot] or second != merged.second[slot]:
            marks.published[label] = 1
        merged.joined[slot], merged.rival[slot], merged.second[slot] = joined, rival, second
        if before != label:
            marks.published[label] = 1
            if before >= 0:
                marks.published[before] = 1
                unlink_member(slot, merged.next, merged.before)
            merged.label[slot] = label
            link_member(slot, label, merged.next, merged.before)
            _requeue_later(slot, rank, order, assigned, ends, threads, marks)
            for other in apart.other[first:last]:
                if order.rank[other] > rank:
                    marks.todo[other] = 1


@compiled
def remove_cluster(cluster: int, merged: Merged, marks: ChangeMarks) -> None:
    """Takes a micro-cluster that no longer exists out of its group. If it began the group, the others are left without
    a group and marked `todo`.
    """
    label = merged.label[cluster]
    if label < 0:
        return
    marks.published[label] = 1
    if label == cluster:
        other = merged.next[cluster]
        while other != cluster:
            merged.label[other], marks.todo[other] = -1, 1
            other = merged.next[other]
    else:
        unlink_member(cluster, merged.next, merged.before)
    merged.label[cluster] = -1


@compiled
def _sum_evidence(
    slot: int, merged: Merged, pairs: ClusterPairs, labels: Slots, sums: Integers, whole: Integers
) -> int:
    """Collects the groups of the micro-clusters that this one has pairs with, in the order of the pairs. Writes their
    labels, the weighted sums of their log-odds and the sums of weights, and returns the number of groups.
    """
    known = 0
    for pair in range(pairs.begin[slot], pairs.begin[slot] + pairs.many[slot]):
        label = merged.label[pairs.other[pair]]
        known = _add_evidence(label, pairs.logit[pair], pairs.weight[pair], labels, sums, whole, known)
    return known


@compiled
def _add_evidence(
    label: int, logit: int, weight: int, labels: Slots, sums: Integers, whole: Integers, known: int
) -> int:
    at = 0
    while at < known and labels[at] != label:
        at += 1
    if at == known:
        labels[at], sums[at], whole[at], known = label, 0, 0, known + 1
    sums[at] += int(logit) * weight
    whole[at] += weight
    return known


@compiled
def _chosen_group(
    slot: int, labels: Slots, sums: Integers, whole: Integers, known: int, over: int, least: int
) -> tuple[int, int, int, int]:
    """Returns label, joined, rival and second. The group with the greatest sum is chosen, the first of equals; its mean
    has to exceed `over`. Groups with a weight of 0 are left out: they are barred.
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
def _requeue_later(
    slot: int, rank: int, order: Order, assigned: Assigned, ends: LinkRows, threads: LinkArrays, marks: ChangeMarks
) -> None:
    """Marks later micro-clusters that links lead to or from, so that they are decided again."""
    member = slot
    while True:
        for link in range(ends.begin[member], ends.begin[member] + ends.many[member]):
            label = assigned.label[threads.other[link]]
            if order.rank[label] > rank:
                marks.todo[label] = 1
        link = ends.into[member]
        while link >= 0:
            label = assigned.label[threads.owner[link]]
            if order.rank[label] > rank:
                marks.todo[label] = 1
            link = threads.next[link]
        member = assigned.next[member]
        if member == slot:
            return


@compiled
def _bit_length(size: int) -> int:
    bits = 0
    while size:
        bits, size = bits + 1, size >> 1
    return bits


@compiled
def joined_groups(
    own: Slots, counts: Integers, others: Slots, logits: Slots, sizes: Slots, over: int, least: int
) -> Slots:
    """Returns the group of each micro-cluster, by slot, given only pairs and no feedback: the result of `agglomerate`
    for all of them. The micro-clusters that have pairs are given in the order in which they began.
    """
    groups = np.arange(len(sizes)).astype(np.int32)
    first = 0
    for number in range(len(own)):
        count = counts[number]
        labels, sums = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int64)
        whole = np.empty(count, dtype=np.int64)
        known = 0
        for pair in range(first, first + count):
            known = _add_evidence(
                groups[others[pair]], logits[pair], _bit_length(sizes[others[pair]]), labels, sums, whole, known
            )
        groups[own[number]] = _chosen_group(own[number], labels, sums, whole, known, over, least)[0]
        first += count
    return groups
