"""Joining, in two steps that each go in the order of events: activities into strands, strands into groups.

An activity joins the earlier strand that the most speaks for, or begins one; a strand joins the earlier group that the
most speaks for and the least against, or begins one. While they are being decided, strands and groups are labelled by
the slot of the activity that began them. What one joins depends on the labels of those that it has links or ties with
and on nothing else; so when a label changes, those are decided again, in order, and nobody else: deciding what was
touched is deciding everything.
"""

from typing import NamedTuple

import numpy as np

from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.edges import Ends, Threads

_BARRED = -1
"""In the place of a sum of odds, which is more than 0."""

LINKS, MEMBERS = 1, 2
"""What is other than before of a strand that is marked: only its members' links, or its members."""


class Placed(NamedTuple):
    """Where activities belong, by slot. `label` is the slot of the one that began the strand, its own where it began
    it, -1 where it isn't decided.

    `joined` is how much speaks for that strand rather than for a new one, as a logit in millionths (0 where it begins
    one), `rival` how much for the next best, which is the strand of label `second` or a new one (its own slot); `via`
    is the strongest link's other end (its own slot where it begins one or was tied in); `strongest` is which of its
    links into the strand is the strongest, of equals the earliest (-1: it has none). `next` and `before` lead round the
    members of a strand.
    """

    label: Slots
    joined: Slots
    rival: Slots
    second: Slots
    via: Slots
    strongest: Slots
    next: Slots
    before: Slots


class Merged(NamedTuple):
    """Where strands belong, by the slot of the one that began them. `label`, `joined`, `rival` and `second` are of
    groups as those of `Placed` are of strands, but means of ties' logits; `next` and `before` lead round the strands of
    a group. `size` is how many members a strand has, 0 for none; `end` its last end in microseconds.
    """

    label: Slots
    joined: Slots
    rival: Slots
    second: Slots
    next: Slots
    before: Slots
    size: Slots
    end: Integers


class Order(NamedTuple):
    """All activities: their slots in the order of events, at which place each slot is, and its id."""

    slots: Slots
    rank: Slots
    ids: Integers


class Said(NamedTuple):
    """What people said, of the activities that they spoke of, numbered. `row` is the number of each slot (-1: none),
    `first` the slot of the earliest of the bundle that it is tied into. Of number n, `bundle` has from `bundled[n]` on
    the slots that are tied to it where it is the first, and `apart` from `parted[n]` on the firsts of those that its
    bundle mustn't share a group with.
    """

    row: Slots
    first: Slots
    bundled: Slots
    bundle: Slots
    parted: Slots
    apart: Slots


class Ties(NamedTuple):
    """Of strands, by slot: where its ties `begin`, how `many` there are and have `room`; of each tie the
    earlier strand, the logit in millionths, what it counts for, and a digest of the steps that it is made of. They are
    in the order in which the strands began.
    """

    begin: Slots
    many: Slots
    room: Slots
    other: Slots
    logit: Slots
    weight: Slots
    made_of: Integers


class Apart(NamedTuple):
    """Pairs of strands that mustn't share a group, both ways and by the slot of the first."""

    one: Slots
    other: Slots


class Odds(NamedTuple):
    """The table of odds, the least logit in it, and its step."""

    table: Integers
    least: int
    step: int


class Marks(NamedTuple):
    """By slot: activities that are still to be decided, and that went from one strand to another; strands whose
    LINKS or MEMBERS are others than before, and of which something else is told than before.
    """

    todo: Flags
    went: Flags
    moved: Flags
    told: Flags


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
    joined = _logit(sums[best], odds)
    if joined <= over:
        return slot, 0, joined, labels[best]
    other = _greatest(sums, known, best)
    rival = odds.least if other < 0 else _logit(sums[other], odds)
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
def _logit(summed: int, odds: Odds) -> int:
    """The largest logit whose odds aren't more (`odds.logit`)."""
    return odds.least + max(int(np.searchsorted(odds.table, summed, side="right")) - 1, 0) * odds.step


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
        _leave(slot, placed.next, placed.before)
        sizes[before] -= 1
        marks.went[slot], marks.moved[before], marks.told[before] = 1, MEMBERS, 1
    placed.label[slot] = label
    sizes[label] += 1
    marks.moved[label], marks.told[label] = MEMBERS, 1
    _enter(slot, label, placed.next, placed.before)


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
            _leave(slot, placed.next, placed.before)
            sizes[label] -= 1
    placed.label[slot], placed.second[slot], placed.via[slot], placed.strongest[slot] = -1, slot, slot, -1
    marks.todo[slot] = 0


@compiled
def _leave(one: int, following: Slots, before: Slots) -> None:
    following[before[one]], before[following[one]] = following[one], before[one]


@compiled
def _enter(one: int, first: int, following: Slots, before: Slots) -> None:
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
                _leave(slot, merged.next, merged.before)
            merged.label[slot] = label
            _enter(slot, label, merged.next, merged.before)
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
        _leave(strand, merged.next, merged.before)
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
