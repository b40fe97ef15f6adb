"""Activities join strands, in the order of events: each the earlier strand that the most speaks for, or it begins one.

While they are being decided, strands are labelled by the slot of the activity that began them. What one joins depends
on the labels of those that it has links with and on nothing else; so when a label changes, those are decided again, in
order, and nobody else: deciding what was touched is deciding everything. `joining` does the same of strands and groups.
"""

import numpy as np

from processors.grouping.clustering.graph_arrays import MEMBERS, Marks, Order, Placed, Said
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.similarity.links import Ends, Threads
from processors.grouping.similarity.log_odds import Odds, logit

_BARRED = -1
"""In the place of a sum of odds, which is more than 0."""


@compiled
def place(
    order: Order, placed: Placed, sizes: Slots, ends: Ends, threads: Threads, said: Said, overs: Integers, odds: Odds,
    marks: Marks,
) -> None:  # fmt: skip
    """Decides the activities that are to be decided, and whoever hangs on one whose label changes, each once and in the
    order of events. `sizes` are those of strands, `overs` by how much each activity has to be joined (`Joining.over`).
    """
    labels, sums = np.empty(64, dtype=np.int32), np.empty(64, dtype=np.int64)
    for rank in range(len(order.slots)):
        slot = order.slots[rank]
        if not marks.todo[slot]:
            continue
        marks.todo[slot] = 0
        if ends.many[slot] > len(labels):
            labels, sums = np.empty(ends.many[slot], dtype=np.int32), np.empty(ends.many[slot], dtype=np.int64)
        number = said.row[slot]
        if number >= 0 and said.first[number] != slot:
            label, joined, rival, second = placed.label[said.first[number]], 0, 0, slot
            via = slot
        else:
            known = _sums(slot, placed, ends, threads, odds, labels, sums)
            if number >= 0:
                _bar(number, rank, order, placed, said, labels, sums, known)
            label, joined, rival, second = _choice(slot, labels, sums, known, overs[slot], odds)
            via = slot if label == slot else _via(slot, label, order, placed, ends, threads)
        strongest = _strongest(slot, label, placed, ends, threads)
        if joined != placed.joined[slot] or rival != placed.rival[slot] or second != placed.second[slot]:
            marks.told[placed.second[slot]], marks.told[second], marks.told[label] = 1, 1, 1
        if via != placed.via[slot] or strongest != placed.strongest[slot]:
            marks.told[label] = 1
        placed.joined[slot], placed.rival[slot], placed.second[slot], placed.via[slot] = joined, rival, second, via
        placed.strongest[slot] = strongest
        if placed.label[slot] != label:
            _move(slot, label, placed, sizes, marks)
            _wake(slot, number, order, ends, threads, said, marks)


@compiled
def _sums(slot: int, placed: Placed, ends: Ends, threads: Threads, odds: Odds, labels: Slots, sums: Integers) -> int:
    """The labels of those that an activity has links with, in the order of the links, and the sums of their odds;
    returns how many labels.
    """
    known = 0
    for edge in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        label, at = placed.label[threads.other[edge]], 0
        while at < known and labels[at] != label:
            at += 1
        if at == known:
            labels[at], sums[at], known = label, 0, known + 1
        sums[at] += odds.table[threads.odds[edge]]
    return known


@compiled
def _bar(
    number: int, rank: int, order: Order, placed: Placed, said: Said, labels: Slots, sums: Integers, known: int
) -> None:
    """Leaves out the labels that an activity must not join."""
    for part in range(said.parted[number], said.parted[number + 1]):
        other = said.apart[part]
        if order.rank[other] < rank:
            for at in range(known):
                if labels[at] == placed.label[other]:
                    sums[at] = _BARRED


@compiled
def _choice(slot: int, labels: Slots, sums: Integers, known: int, over: int, odds: Odds) -> tuple[int, int, int, int]:
    """Label, joined, rival and second: the greatest sum is taken, of equals the first, and has to pass `over`."""
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
    """Where the greatest sum is, of equals the first; -1 where none is left."""
    best = -1
    for at in range(known):
        if at != but and sums[at] != _BARRED and (best < 0 or sums[at] > sums[best]):
            best = at
    return best


@compiled
def _strongest(slot: int, label: int, placed: Placed, ends: Ends, threads: Threads) -> int:
    begin, found = ends.begin[slot], -1
    for edge in range(begin, begin + ends.many[slot]):
        inside = placed.label[threads.other[edge]] == label
        if inside and (found < 0 or threads.odds[edge] > threads.odds[begin + found]):
            found = edge - begin
    return found


@compiled
def _via(slot: int, label: int, order: Order, placed: Placed, ends: Ends, threads: Threads) -> int:
    """The other end of the strongest link into a strand, of equals the one with the largest id."""
    via, most = slot, -1
    for edge in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        other, weight = threads.other[edge], int(threads.odds[edge])
        inside, later = placed.label[other] == label, order.ids[other] > order.ids[via]
        if inside and (weight > most or (weight == most and later)):
            via, most = other, weight
    return via


@compiled
def _move(slot: int, label: int, placed: Placed, sizes: Slots, marks: Marks) -> None:
    """From the strand that an activity is in, if it is in one, to another one."""
    before = placed.label[slot]
    if before >= 0:
        leave(slot, placed.next, placed.before)
        sizes[before] -= 1
        marks.went[slot], marks.moved[before], marks.told[before] = 1, MEMBERS, 1
    placed.label[slot] = label
    sizes[label] += 1
    marks.moved[label], marks.told[label] = MEMBERS, 1
    enter(slot, label, placed.next, placed.before)


@compiled
def unplace(slot: int, placed: Placed, sizes: Slots, marks: Marks) -> None:
    """Takes an activity that goes out of its strand. Where it began that, the others are in none, and to be decided."""
    label = placed.label[slot]
    if label >= 0:
        marks.moved[label], marks.told[label], marks.told[placed.second[slot]] = MEMBERS, 1, 1
        if label == slot:
            member = placed.next[slot]
            while member != slot:
                placed.label[member], marks.todo[member], marks.went[member] = -1, 1, 1
                member = placed.next[member]
            sizes[slot] = 0
        else:
            leave(slot, placed.next, placed.before)
            sizes[label] -= 1
    placed.label[slot], placed.second[slot], placed.via[slot], placed.strongest[slot] = -1, slot, slot, -1
    marks.todo[slot] = 0


@compiled
def leave(one: int, following: Slots, before: Slots) -> None:
    following[before[one]], before[following[one]] = following[one], before[one]


@compiled
def enter(one: int, first: int, following: Slots, before: Slots) -> None:
    """Into the ring of the first one, which is in it, or begins it."""
    if one == first:
        following[one], before[one] = one, one
        return
    second = following[first]
    following[one], before[one] = second, first
    following[first], before[second] = one, one


@compiled
def _wake(slot: int, number: int, order: Order, ends: Ends, threads: Threads, said: Said, marks: Marks) -> None:
    """Has later ones that hang on an activity's label decided again."""
    edge = ends.into[slot]
    while edge >= 0:
        marks.todo[threads.owner[edge]] = 1
        edge = threads.next[edge]
    if number >= 0:
        for at in range(said.bundled[number], said.bundled[number + 1]):
            marks.todo[said.bundle[at]] |= order.rank[said.bundle[at]] > order.rank[slot]
        for at in range(said.parted[number], said.parted[number + 1]):
            marks.todo[said.apart[at]] |= order.rank[said.apart[at]] > order.rank[slot]
