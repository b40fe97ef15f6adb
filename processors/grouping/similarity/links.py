"""Links as arrays: each activity's to the earlier ones, side by side, and threaded through them those that lead to it.

Most of what is held of an activity are its links, so they are kept in few bytes: the other end, the score as a place in
the table of odds, and the steps of the features that it is made of.
"""

from typing import NamedTuple

import numpy as np

from processors.grouping.allocation import ROOM, allocate, no_free_rows, release
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.log_odds import ODDS, ONE


class Ends(NamedTuple):
    """Of each activity, by slot: where its links `begin`, how `many` there are and have `room`, the first that leads to
    it (-1: none), and its links' odds, with those of beginning something new, in all.
    """

    begin: Slots
    many: Slots
    room: Slots
    into: Slots
    total: Integers


class Threads(NamedTuple):
    """Of each link: both ends (`other` -1: gone), the next one and the one before that lead to the same activity, and
    its score's place in the table of odds.
    """

    other: Slots
    owner: Slots
    next: Slots
    before: Slots
    odds: Slots


class Given(NamedTuple):
    """Links of some activities, side by side: those activities, how many each has, the other ends, and of each link the
    place of its odds in the table, and its steps.
    """

    own: Integers
    counts: Integers
    others: Integers
    odds: Integers
    steps: Steps


def nothing(own: Integers) -> Given:
    """That these have no links."""
    none = np.zeros(0, dtype=np.int64)
    return Given(own, np.zeros(len(own), dtype=np.int64), none, none, np.zeros((0, 0), dtype=np.uint8))


_ENDS = (*[np.dtype(np.int32)] * 4, np.dtype(np.int64))
_KINDS = (*[np.dtype(np.int32)] * 4, np.dtype(np.uint16))


class Edges:
    """All links of one board, to be read by `ends`, `threads` and `steps`."""

    def __init__(self) -> None:
        self.ends = Ends(*(np.zeros(0, dtype=kind) for kind in _ENDS))
        self.threads = Threads(*(np.zeros(0, dtype=kind) for kind in _KINDS))
        self.steps: Steps = np.zeros((0, 0), dtype=np.uint8)
        self._free = no_free_rows()
        self._top = np.zeros(1, dtype=np.int64)

    def grow(self, slots: int) -> None:
        """Makes place for activities in as many slots."""
        size = len(self.ends.into)
        if slots > size:
            more = [np.concatenate((one, np.zeros(slots - size, dtype=one.dtype))) for one in self.ends]
            more[3][size:] = -1
            self.ends = Ends(*more)

    def put(self, given: Given, unlinked: Flags) -> Flags:
        """Gives activities these links in the place of those that they have; says of each whether they are others.
        Marks in `unlinked` whom links don't lead to any more.
        """
        self._reserve(len(given.own) * ROOM + len(given.others), given.steps.shape[1])
        return _put(self.ends, self.threads, self.steps, self._free, self._top, given, ODDS, ONE, unlinked)

    def drop(self, slot: int, unlinked: Flags) -> None:
        """Takes away all links from and to one that goes."""
        _drop(self.ends, self.threads, self._free, slot, unlinked)

    def _reserve(self, more: int, width: int) -> None:
        size, have = int(self._top[0]) + more, len(self.threads.other)
        if size > have:
            size = max(size, have + have // 4)
            self.threads = Threads(*(np.append(one, np.zeros(size - have, dtype=one.dtype)) for one in self.threads))
        if size > have or width > self.steps.shape[1]:
            wider = np.zeros((len(self.threads.other), max(width, self.steps.shape[1])), dtype=np.uint8)
            wider[: len(self.steps), : self.steps.shape[1]] = self.steps
            self.steps = wider


@compiled
def _put(
    ends: Ends,
    threads: Threads,
    kept: Steps,
    free: Slots,
    top: Integers,
    given: Given,
    table: Integers,
    new: int,
    unlinked: Flags,
) -> Flags:
    own, counts, others, odds, steps = given
    changed = np.zeros(len(own), dtype=np.uint8)
    first = 0
    for number in range(len(own)):
        slot, count = own[number], counts[number]
        at = ends.begin[slot]
        same = ends.many[slot] == count
        for link in range(count):
            if not same:
                break
            same = threads.other[at + link] == others[first + link] and threads.odds[at + link] == odds[first + link]
            for column in range(steps.shape[1]):
                same = same and kept[at + link, column] == steps[first + link, column]
        if not same:
            changed[number] = 1
            _forget(ends, threads, slot, unlinked)
            at = allocate(ends.begin, ends.many, ends.room, threads.next, free, top, slot, count)
            total = np.int64(new)
            for link in range(count):
                edge, other = at + link, others[first + link]
                threads.other[edge], threads.owner[edge], threads.odds[edge] = other, slot, odds[first + link]
                following = ends.into[other]
                threads.next[edge], threads.before[edge], ends.into[other] = following, -1, edge
                if following >= 0:
                    threads.before[following] = edge
                for column in range(steps.shape[1]):
                    kept[edge, column] = steps[first + link, column]
                total += table[odds[first + link]]
            ends.total[slot] = total
        first += count
    return changed


@compiled
def _forget(ends: Ends, threads: Threads, slot: int, unlinked: Flags) -> None:
    """Takes an activity's links out of the threads that they are in."""
    for edge in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        other = threads.other[edge]
        if other < 0:
            continue
        unlinked[other] = 1
        following, before = threads.next[edge], threads.before[edge]
        if following >= 0:
            threads.before[following] = before
        if before >= 0:
            threads.next[before] = following
        else:
            ends.into[other] = following
    ends.many[slot] = 0


@compiled
def _drop(ends: Ends, threads: Threads, free: Slots, slot: int, unlinked: Flags) -> None:
    _forget(ends, threads, slot, unlinked)
    release(ends.begin, ends.room, threads.next, free, slot)
    edge = ends.into[slot]
    while edge >= 0:
        threads.other[edge] = -1
        edge = threads.next[edge]
    ends.into[slot] = -1
