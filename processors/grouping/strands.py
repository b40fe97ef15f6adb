"""Strands joined into groups: in the order in which they began, each joins the earlier group that most speaks for.

The second of two steps that work alike: `board` joins activities into strands, by links; this joins strands into
groups, by what all links between two of them say together. Decides only what was touched, as the board does: what a
strand joins depends on its ties, and on the groups of those that it has ties with.
"""

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from itertools import chain

import msgspec
import numpy as np

from processors.grouping.board import Board
from processors.grouping.candidates import Place
from processors.grouping.clustering import Placement, merge
from processors.grouping.constraints import NONE
from processors.grouping.merging import mergers
from processors.grouping.model import Regime
from processors.grouping.odds import LEAST, MOST
from processors.grouping.ties import (
    NOWHERE,
    SECOND_US,
    TIES,
    Extent,
    Outgoing,
    Pairing,
    features,
    outgoing,
    pairs,
    told,
)
from processors.grouping.trees import Steps


class Ties(msgspec.Struct, frozen=True):
    """A strand's ties: the earlier `others` in the order in which they began, the `logits` of each (millionths), what
    each counts for (`weights`), and what each is made of: the bytes of steps of TIES, one row after the other.
    """

    others: list[int]
    logits: list[int]
    weights: list[int]
    made_of: bytes

    def steps(self, at: int) -> Steps:
        """Those of one tie."""
        return np.frombuffer(self.made_of, dtype=np.uint8, count=len(TIES), offset=at * len(TIES))


NO_TIES = Ties([], [], [], b"")


class Strands:
    """See the module. `groups` has each group's strands, by the label of the one that began first; `placed` where each
    strand belongs; both are for reading.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.groups: dict[int, set[int]] = {}
        self.placed: dict[int, Placement] = {}
        self.ties: dict[int, Ties] = {}
        self._touched = set(board.clusters)
        self._out: dict[int, Outgoing] = {}
        self._into: dict[int, set[int]] = {}
        self._extents: dict[int, Extent] = {}
        self._constraints = NONE
        self._apart: dict[int, set[int]] = {}  # strands that people keep apart
        self._barring: dict[int, frozenset[Place]] = {}  # where those began that people keep apart from an earlier one
        self._rows: dict[int, dict[int, bytes]] = {}  # by the later one and the earlier one, see `ties.pairs`
        self._later: dict[int, set[int]] = {}  # those that have it among their earlier ones

    def group(self, activity: int) -> int:
        """The label of the group that an activity is in."""
        return self.placed[self.board.labels[activity]].label

    def members(self, label: int) -> list[int]:
        """The activities of a group, by id."""
        return sorted(chain.from_iterable(self.board.clusters[strand] for strand in self.groups[label]))

    def settle(self) -> set[int]:
        """Decides what was touched, on the board too. Returns the labels whose groups may be others than before, or
        gone.
        """
        touched, self._touched = self._touched | self.board.settle(), set()
        there = touched & self.board.clusters.keys()
        dirty = {self.placed[strand].label for strand in touched if strand in self.placed}
        moved, links = self._measure(there)
        # Who begins at another time changes places in lists that say the same as before.
        lists = moved.union(*(self._later.get(one, ()) for one in moved)) | self._pair(touched - there, moved, links)
        for strand in touched - there:
            if strand in self.placed:
                self._part(strand, self.placed.pop(strand).label)
            for known in (self.ties, self._extents, self._out, self._into, self._rows, self._later):
                known.pop(strand, None)
        strands = moved | self._tie(lists & self.board.clusters.keys()) | self._keep_apart(touched)
        dirty |= self._place(strands)
        return dirty | {self.placed[strand].label for strand in there}

    def _measure(self, strands: set[int]) -> tuple[set[int], dict[int, set[int]]]:
        """Measures these anew. Returns those of another extent than before, and of the others whose links with them are
        others than before.
        """
        members = {strand: sorted(self.board.clusters[strand]) for strand in sorted(strands)}
        if not members:
            return set(), {}
        links = {}
        for strand, found in outgoing(members, self.board.links, self.board.labels).items():
            before, self._out[strand] = self._out.get(strand, NOWHERE), found
            if found != before:
                links[strand] = {one for one in before.keys() | found.keys() if before.get(one) != found.get(one)}
                for other in before.keys() - found.keys():
                    self._into[other].discard(strand)
                for other in found.keys() - before.keys():
                    self._into.setdefault(other, set()).add(strand)
        rows = self.board.table.rows(chain.from_iterable(members.values()))
        sizes = [len(one) for one in members.values()]
        ends = np.maximum.reduceat(rows["end"], np.cumsum([0, *sizes[:-1]])).tolist()
        moved = set()
        for strand, size, end in zip(members, sizes, ends, strict=True):
            extent = Extent(told(size), self._began(strand)[0], end, self.board.table.regime(strand))
            if extent != self._extents.get(strand):
                self._extents[strand] = extent
                moved.add(strand)
        return moved, links

    def _began(self, strand: int) -> Place:
        return self.board.places[strand]

    def _pair(self, gone: set[int], moved: set[int], links: Mapping[int, set[int]]) -> set[int]:
        """Compares anew those that moved with all that they have links with, and those of other links with those that
        they lead to otherwise; forgets those that are gone. Returns those whose lists are others than before.
        """
        for strand in gone:
            for other in self._out.get(strand, NOWHERE):
                self._into[other].discard(strand)
        now = {self._ordered(one, other) for one in moved for other in self._out[one]}
        now.update(self._ordered(one, other) for one in moved for other in self._into.get(one, set()) - moved)
        before = {(earlier, one) for one in moved | gone for earlier in self._rows.get(one, ())}
        before.update((one, later) for one in moved | gone for later in self._later.get(one, ()))
        for one, others in links.items():
            for other in others - gone:
                linked = other in self._out[one] or one in self._out[other]
                (now if linked else before).add(self._ordered(one, other))
        changed = set()
        for earlier, later in before - now:
            if self._rows.get(later, {}).pop(earlier, None) is not None:
                self._later[earlier].discard(later)
                changed.add(later)
        found = sorted(now)
        for (earlier, later), row in zip(found, pairs(found, self._out, self._extents), strict=True):
            rows = self._rows.setdefault(later, {})
            if rows.get(earlier) != row:
                rows[earlier] = row
                self._later.setdefault(earlier, set()).add(later)
                changed.add(later)
        return changed

    def _ordered(self, one: int, other: int) -> tuple[int, int]:
        return (one, other) if self._began(one) < self._began(other) else (other, one)

    def _tie(self, strands: set[int]) -> set[int]:
        """Works out the ties of these anew; returns those whose ties are others than before."""
        found = dict.fromkeys(strands, NO_TIES)
        for regime, merger in mergers(self.board.model).items():
            pairings = self.pairings(regime, strands)
            if not pairings:
                continue
            steps, scores = merger.score(features(pairings), pairings)
            logits, at = np.clip(scores, LEAST, MOST).tolist(), 0
            for one in pairings:
                end = at + len(one.others)
                weights = [self._extents[other].size.bit_length() for other in one.others]
                found[one.own] = Ties(one.others, logits[at:end], weights, steps[at:end].tobytes())
                at = end
        changed = {strand for strand, ties in found.items() if self.ties.get(strand) != ties}
        self.ties |= found
        return changed

    def pairings(self, regime: Regime, strands: Iterable[int]) -> list[Pairing]:
        """The lists of these strands, of one regime, that have links with earlier ones, in the order in which they
        began.
        """
        found = []
        for began, mine in sorted(map(self._began, strands)):
            rows = self._rows.get(mine)
            if rows and self._extents[mine].regime is regime:
                others = [other for _, other in sorted(map(self._began, rows))]
                extent = self._extents[mine]
                span = told((extent.end - began) // SECOND_US)
                found.append(Pairing(mine, others, [rows[other] for other in others], extent.size, span))
        return found

    def _place(self, strands: set[int]) -> set[int]:
        """Decides these, and whoever hangs on one whose group changes, each once and in the order in which they began.
        Returns the labels of the groups they were in, and are in.
        """
        waiting, dirty = set(strands), set()
        heap = [self._began(strand) for strand in strands]
        heapify(heap)
        everybody = len(waiting) == len(self.board.clusters)
        while heap:
            _, strand = heappop(heap)
            new, before = self._decide(strand), self.placed.get(strand)
            self.placed[strand] = new
            if new != before or strand in strands:
                dirty.add(new.label)
            if before is None or before.label != new.label:
                if before is not None:
                    dirty.add(before.label)
                    self._part(strand, before.label)
                self.groups.setdefault(new.label, set()).add(strand)
                fresh = () if everybody else self._dependents(strand) - waiting
                for other in fresh:
                    heappush(heap, self._began(other))
                waiting.update(fresh)
        return dirty

    def _decide(self, strand: int) -> Placement:
        ties, mine = self.ties[strand], self._began(strand)
        barred = {self.placed[one].label for one in self._apart.get(strand, ()) if self._began(one) < mine}
        labels = [self.placed[other].label for other in ties.others]
        over = self.board.model.joining[self._extents[strand].regime].merging
        return merge(strand, ties.others, labels, ties.logits, ties.weights, over, barred)

    def _dependents(self, strand: int) -> set[int]:
        """Later ones whose decision hangs on this one's group: those that links lead to or from, and who is apart."""
        near = (*self._out[strand], *self._into.get(strand, ()), *self._apart.get(strand, ()))
        return {other for other in near if self._began(other) > self._began(strand)}

    def _keep_apart(self, touched: set[int]) -> set[int]:
        """Works out which strands people keep apart, where that may be others than before. Returns those that must stay
        out of others than before.
        """
        constraints, labels = self.board.constraints, self.board.labels
        # Whoever is spoken of and goes to another strand touches the one that it leaves.
        if constraints is self._constraints and touched.isdisjoint(self._apart):
            return set()
        self._constraints, self._apart = constraints, {}
        for first, firsts in constraints.apart.items():
            self._apart.setdefault(labels[first], set()).update(labels[other] for other in firsts)
        before, self._barring = self._barring, {}
        for strand, others in self._apart.items():
            began = self._began(strand)
            self._barring[strand] = frozenset(place for place in map(self._began, others) if place < began)
        both = before.keys() | self._barring.keys()
        return {one for one in both if before.get(one) != self._barring.get(one)} & self.board.clusters.keys()

    def _part(self, strand: int, label: int) -> None:
        self.groups[label].discard(strand)
        if not self.groups[label]:
            del self.groups[label]
