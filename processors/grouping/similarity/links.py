"""Holds links as arrays: each activity's links to earlier ones lie side by side, and those that lead to it are chained.

Links are most of what is held for an activity, so each takes few bytes: the other end, the position of its odds in the
table, and the steps of the features that it was scored by.
"""

from typing import NamedTuple

import numpy as np

from processors.grouping.allocation import ROOM, allocate, no_free_rows, release
from processors.grouping.compiled import Flags, Integers, Slots, compiled
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.log_odds import ODDS, ONE


class LinkRows(NamedTuple):
    """For each activity, by slot: where its links `begin`, how `many` there are, how many it has `room` for, the first
    link that leads to it (`into`, -1: none), and `total`, the sum of its links' odds and of the odds of something new.
    """

    begin: Slots
    many: Slots
    room: Slots
    into: Slots
    total: Integers


class LinkArrays(NamedTuple):
    """For each link: both ends (`other` is -1 where that activity is gone), the `next` link and the one `before` that
    lead to the same activity, and the position of its score in the table of odds.
    """

    other: Slots
    owner: Slots
    next: Slots
    before: Slots
    odds: Slots


class GivenLinks(NamedTuple):
    """Links of some activities, side by side. For each activity: its slot and its number of links. For each link: the
    other end, the position of its odds in the table, and its steps.
    """

    own: Integers
    counts: Integers
    others: Integers
    odds: Integers
    steps: Steps


def no_links(own: Integers) -> GivenLinks:
    """Returns the value that says that these activities have no links."""
    none = np.zeros(0, dtype=np.int64)
    return GivenLinks(own, np.zeros(len(own), dtype=np.int64), none, none, np.zeros((0, 0), dtype=np.uint8))


_ENDS = (*[np.dtype(np.int32)] * 4, np.dtype(np.int64))
_KINDS = (*[np.dtype(np.int32)] * 4, np.dtype(np.uint16))


class Links:
    """All links of one pair graph. Read them through `ends`, `threads` and `steps`."""

    def __init__(self) -> None:
        self.ends = LinkRows(*(np.zeros(0, dtype=kind) for kind in _ENDS))
        self.threads = LinkArrays(*(np.zeros(0, dtype=kind) for kind in _KINDS))
        self.steps: Steps = np.zeros((0, 0), dtype=np.uint8)
        self._free = no_free_rows()
        self._top = np.zeros(1, dtype=np.int64)

    def grow(self, slots: int) -> None:
        """Makes room for activities in this many slots."""
        size = len(self.ends.into)
        if slots > size:
            more = [np.concatenate((one, np.zeros(slots - size, dtype=one.dtype))) for one in self.ends]
            more[3][size:] = -1
            self.ends = LinkRows(*more)

    def put(self, given: GivenLinks, unlinked: Flags) -> Flags:
        """Replaces the links of these activities. Returns a flag for each activity: 1 where its links changed. Sets
        `unlinked` for activities that lost a link that led to them.
        """
        self._reserve(len(given.own) * ROOM + len(given.others), given.steps.shape[1])
        return _put(self.ends, self.threads, self.steps, self._free, self._top, given, ODDS, ONE, unlinked)

    def drop(self, slot: int, unlinked: Flags) -> None:
        """Removes all links from and to an activity that is removed."""
        _drop(self.ends, self.threads, self._free, slot, unlinked)

    def _reserve(self, more: int, width: int) -> None:
        size, have = int(self._top[0]) + more, len(self.threads.other)
        if size > have:
            size = max(size, have + have // 4)
            self.threads = LinkArrays(*(np.append(one, np.zeros(size - have, dtype=one.dtype)) for one in self.threads))
        if size > have or width > self.steps.shape[1]:
            wider = np.zeros((len(self.threads.other), max(width, self.steps.shape[1])), dtype=np.uint8)
            wider[: len(self.steps), : self.steps.shape[1]] = self.steps
            self.steps = wider


@compiled
def _put(
    ends: LinkRows,
    threads: LinkArrays,
    kept: Steps,
    free: Slots,
    top: Integers,
    given: GivenLinks,
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
            _unlink(ends, threads, slot, unlinked)
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
def _unlink(ends: LinkRows, threads: LinkArrays, slot: int, unlinked: Flags) -> None:
    """Takes an activity's links out of the chains that they are in."""
    for link in range(ends.begin[slot], ends.begin[slot] + ends.many[slot]):
        other = threads.other[link]
        if other < 0:
            continue
        unlinked[other] = 1
        following, before = threads.next[link], threads.before[link]
        if following >= 0:
            threads.before[following] = before
        if before >= 0:
            threads.next[before] = following
        else:
            ends.into[other] = following
    ends.many[slot] = 0


@compiled
def _drop(ends: LinkRows, threads: LinkArrays, free: Slots, slot: int, unlinked: Flags) -> None:
    _unlink(ends, threads, slot, unlinked)
    release(ends.begin, ends.room, threads.next, free, slot)
    link = ends.into[slot]
    while link >= 0:
        threads.other[link] = -1
        link = threads.next[link]
    ends.into[slot] = -1
