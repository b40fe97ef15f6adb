"""Strands joined into groups: in the order in which they began, each joins the earlier group that most speaks for.

The second of two steps that work alike: `board` joins activities into strands, by links; this joins strands into
groups, by what all links between two of them say together. Decides only what was touched, as the board does: what a
strand joins depends on its ties, and on the groups of those that it has ties with.
"""

import numpy as np

from processors.grouping.clustering.agglomeration import merge, retire
from processors.grouping.clustering.candidate_lists import NO_LISTS, Activities, Lists, Seen, lists, told, touched
from processors.grouping.clustering.cluster_pair_features import TIES
from processors.grouping.clustering.cluster_pairs import Given, Tying
from processors.grouping.clustering.cluster_similarity import mergers
from processors.grouping.clustering.constraints import NONE
from processors.grouping.clustering.graph_arrays import MEMBERS, Apart, Marks, Merged
from processors.grouping.clustering.pair_graph import REGIMES, Board
from processors.grouping.compiled import Integers, Slots
from processors.grouping.model.grouping_model import Regime
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import classifiers
from processors.grouping.similarity.log_odds import LEAST, MOST, TABLE


class Strands:
    """See the module. `merged` has where each strand belongs, by the slot of the activity that began it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.merged = Merged(*(np.zeros(0, dtype=np.int32) for _ in Merged._fields))._replace(
            end=np.zeros(0, dtype=np.int64)
        )
        self.tying = Tying()
        self._told = told([classifiers(board.model)[regime].scale for regime in REGIMES])
        self._constraints, self._spoken = NONE, np.zeros((0, 2), dtype=np.int64)
        self._labels, self._apart = self._spoken, Apart(*np.zeros((2, 0), dtype=np.int64))
        self._gone: set[int] = set()
        self._marks = Marks(*(np.zeros(0, dtype=np.uint8) for _ in Marks._fields))
        board.marks.moved[board.placed.label[board.order.slots]] = MEMBERS  # none of them is known here

    def take(self, activity: int) -> None:
        """Takes an activity from the board, whose strand and group may then be without their beginning."""
        board, slot = self.board, self.board.table.slot(activity)
        self._grow()
        label = board.placed.label[slot]
        if label >= 0 and self.merged.label[label] >= 0:
            self._gone.add(int(board.table.columns["id"][self.merged.label[label]]))
        if label == slot:
            retire(slot, self.merged, self._marks)
        board.take(activity)

    def settle(self) -> set[int]:
        """Decides what was touched, on the board too. Returns the labels (the id of the activity that began it) whose
        groups may be others than before, or gone.
        """
        board, marks = self.board, self.board.marks
        board.settle()
        self._grow()
        self._tie()
        there = self.merged.size > 0
        gone = np.flatnonzero((marks.moved > 0) & ~there & (self.merged.label >= 0)).astype(np.int32)
        for strand in gone.tolist():
            retire(strand, self.merged, self._marks)
        self._untie(gone)
        self._marks.todo[(marks.moved > 0) & there] = 1
        self._keep_apart()
        self._merge()
        groups = self._marks.told
        groups[self.merged.label[(marks.told > 0) & there & (self.merged.label >= 0)]] = 1
        dirty = self._gone.union(board.table.columns["id"][groups > 0].tolist())
        self._gone = set()
        self._marks.todo[:] = 0  # of slots that nobody is in
        for flags in (groups, marks.went, marks.moved, marks.told, board.unlinked):
            flags[:] = 0
        return dirty

    def pairings(self, regime: Regime, strands: Slots) -> Lists:
        """The lists of those of these strands that are of one regime."""
        board, columns = self.board, self.board.table.columns
        mine = strands[board.regimes[strands] == REGIMES.index(regime)]
        if not len(mine):
            return NO_LISTS
        activities = Activities(np.ascontiguousarray(columns["start"]), board.regimes)
        edges = board.edges
        seen = Seen(
            board.order,
            board.placed,
            self.merged,
            edges.ends,
            edges.threads,
            edges.steps,
            activities,
            self._told,
            TABLE,
        )
        return lists(mine, seen)

    def every(self) -> Slots:
        """All strands, in the order in which they began."""
        slots = self.board.order.slots
        return slots[self.merged.size[slots] > 0]

    def labels(self) -> list[int]:
        """The labels of all groups."""
        strands = self.every()
        found: list[int] = self.board.table.columns["id"][strands[self.merged.label[strands] == strands]].tolist()
        return found

    def _grow(self) -> None:
        """As many places as the board has; no strand is in the new ones."""
        slots, have = len(self.board.sizes), len(self.merged.end)
        if slots > have:
            new = np.arange(have, slots, dtype=np.int32)
            more = [np.full_like(new, -1), np.zeros_like(new), np.zeros_like(new), new, new, new]
            parts = [np.concatenate((one, some)) for one, some in zip(self.merged[:6], more, strict=True)]
            end = np.concatenate((self.merged.end, np.zeros(len(new), dtype=np.int64)))
            self.merged = Merged(*(*parts, self.board.sizes, end))
            self._marks = Marks(*(np.concatenate((one, np.zeros(len(new), dtype=np.uint8))) for one in self._marks))
            self.tying.grow(slots)

    def _tie(self) -> None:
        """Works out the ties anew of strands whose lists may be others than before; of other ties, they are to be
        decided.
        """
        board = self.board
        ends = np.ascontiguousarray(board.table.columns["end"])
        some = touched(
            board.order, board.placed, self.merged, board.edges.ends, board.edges.threads, board.marks,
            board.unlinked, ends,
        )  # fmt: skip
        lacking = (some > 0) & (self.merged.size > 0)
        strands = np.flatnonzero(lacking).astype(np.int32)
        for regime, merger in mergers(board.model).items():
            found = self.pairings(regime, strands)
            if len(found.own):
                steps, scores = merger.score(found)
                self._tied(found.own, found.counts, found.others, steps, scores)
                lacking[found.own] = False
        self._untie(np.flatnonzero(lacking).astype(np.int32))

    def _untie(self, strands: Slots) -> None:
        """Of these, which have no ties any more."""
        nothing = np.zeros((0, len(TIES)), dtype=np.uint8)
        self._tied(strands, np.zeros(len(strands), dtype=np.int64), strands[:0], nothing, strands[:0])

    def _tied(self, own: Slots, counts: Integers, others: Slots, steps: Steps, scores: Integers) -> None:
        logits = np.clip(scores, LEAST, MOST).astype(np.int32)
        weights = np.frexp(self.merged.size[others].astype(np.float64))[1].astype(np.int32)  # how many bits it has
        changed = own[self.tying.put(own, counts, Given(others, logits, weights, steps)) > 0]
        self._marks.todo[changed], self.board.marks.told[changed] = 1, 1

    def _merge(self) -> None:
        board, edges = self.board, self.board.edges
        overs = np.array([board.model.joining[regime].merging for regime in REGIMES], dtype=np.int64)[board.regimes]
        merge(
            board.order, board.placed, self.merged, self.tying.ties, edges.ends, edges.threads, self._apart, overs,
            TABLE, self._marks,
        )  # fmt: skip

    def _keep_apart(self) -> None:
        """Works out which strands people keep apart, where that may be others than before. Those that must stay out of
        others are to be decided, and those whose others may have changed places.
        """
        board, constraints = self.board, self.board.constraints
        if constraints is not self._constraints:
            pairs = [(first, other) for first, others in constraints.apart.items() for other in others]
            slots = board.table.slots([one for pair in pairs for one in pair])
            self._constraints, self._spoken = constraints, slots.reshape(-1, 2)
        labels = board.placed.label[self._spoken].astype(np.int64)
        if not np.array_equal(labels, self._labels):
            before = (self._apart.one.astype(np.int64) << 32) | self._apart.other
            now = np.unique((labels[:, 0] << 32) | labels[:, 1])
            self._labels, self._apart = labels, Apart(now >> 32, now & 0xFFFFFFFF)
            self._marks.todo[np.setxor1d(before, now) >> 32] = 1
        moved = board.marks.moved > 0
        self._marks.todo[self._apart.one[moved[self._apart.one] | moved[self._apart.other]]] = 1
