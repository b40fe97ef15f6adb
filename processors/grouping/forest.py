"""Boosted decision trees over steps, in whole numbers: the same on every machine, for every batch.

No tree is walked. Those of two levels become tables (`lookups`). Of deeper ones the step that a feature is on rules
leaves out, all those left of a split that it passes; of the leaves that no feature rules out, the leftmost is where the
row ends (after C. Lucchese et al., QuickScorer, SIGIR 2015): one AND a feature and tree, and no branch.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from processors.grouping.lookups import Lookups, is_shallow
from processors.grouping.trees import MOST_LEAVES, Asked, Integers, Steps, Tree

CHUNK, FEW = 256, 128
"""Rows that are scored, or told the reasons of, in one go: they fit the processor's cache. No part of the result."""

Leaves = npt.NDArray[np.uint32]


class Forest:
    """Trees, ready to be asked about many rows at once. `widths` says how many columns each part of a row has."""

    def __init__(self, trees: Sequence[Tree], widths: Sequence[int]) -> None:
        self._first = np.cumsum([0, *widths]).tolist()
        deep = [tree for tree in trees if not is_shallow(tree)]
        self._lookups = Lookups([tree for tree in trees if is_shallow(tree)], widths)
        self._deep = _Ends(deep)
        self._values = np.zeros((len(deep), MOST_LEAVES), dtype=np.int64)
        for number, tree in enumerate(deep):
            self._values[number, : len(tree.leaves)] = tree.leaves
        self._size, self._trees = len(trees), np.arange(len(deep))
        self._nothing = tuple(np.zeros((1, width), dtype=np.uint8) for width in widths[:-1])
        self._bare = self._deep.everything(1)
        for at, nothing in enumerate(self._nothing):
            self._bare &= self._left(nothing, at)

    def __len__(self) -> int:
        return self._size

    def score(self, asked: Asked) -> Integers:
        """Each row's logit in millionths."""
        return self._score(asked, self._shared(asked))

    def beyond(self, asked: Asked) -> Integers:
        """Each row's logit beyond that of one of which the last part alone is known. Rows share all but the first."""
        shared = self._shared(asked)
        own, left = asked.parts[-1], shared[-1]
        nothing = np.zeros(len(own), dtype=np.int64)
        known = self._lookups.score(Asked((*self._nothing, own), (*[nothing] * len(self._nothing), None)))
        if left is not None and len(self._values):
            known += self._ended(left & self._bare)
        return self._score(asked, shared) - known[asked.which[-1]]

    def _shared(self, asked: Asked) -> list[Leaves | None]:
        """What a part rules out holds for all rows that share it; where none do, it is asked with the rows."""
        return [None if which is None else self._left(part, at) for at, (part, which) in enumerate(_each(asked))]

    def _score(self, asked: Asked, shared: Sequence[Leaves | None]) -> Integers:
        found = self._lookups.score(asked)
        if not len(self._values):
            return found
        for begin in range(0, asked.rows, CHUNK):
            chunk = slice(begin, begin + CHUNK)
            alive = self._deep.everything(len(found[chunk]))
            for at, (part, which) in enumerate(_each(asked)):
                left = shared[at]
                alive &= self._left(part[chunk], at) if left is None or which is None else left[which[chunk]]
            found[chunk] += self._ended(alive)
        return found

    def _ended(self, alive: Leaves) -> Integers:
        """The sum of the leaves that rows end on, each row's own."""
        sums: Integers = self._values[self._trees, first_of(alive)].sum(axis=1)
        return sums

    def _left(self, steps: Steps, part: int) -> Leaves:
        return self._deep.left(steps, range(self._first[part], self._first[part + 1]))


def _each(asked: Asked) -> Iterator[tuple[Steps, Integers | None]]:
    return zip(asked.parts, asked.which, strict=True)


class _Ends:
    """Which leaves of each tree are left, one bit a leaf."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self._trees = len(trees)
        self._masks = _masks(trees)

    def everything(self, rows: int) -> Leaves:
        return np.full((rows, self._trees), 0xFFFFFFFF, dtype=np.uint32)

    def left(self, steps: Steps, features: range) -> Leaves:
        """What these columns, which are those features, leave."""
        alive = self.everything(len(steps))
        for column, feature in enumerate(features):
            masks = self._masks.get(feature)
            if masks is not None:
                alive &= masks.take(steps[:, column], axis=0, mode="clip")
        return alive


class Explained:
    """Trees, ready to be asked what each feature adds."""

    def __init__(self, trees: Sequence[Tree], features: int) -> None:
        self._features, self._ends = features, _Ends(trees)
        self._base = sum(tree.splits[0].value for tree in trees)
        self._trees = np.arange(len(trees))
        paths = [_paths(tree) for tree in trees]
        longest = max((len(path) for one in paths for path in one), default=0)
        self._asked = np.full((len(trees), MOST_LEAVES, longest), features, dtype=np.int64)
        self._values = np.zeros((len(trees), MOST_LEAVES, longest), dtype=np.int64)
        for number, one in enumerate(paths):
            for leaf, path in enumerate(one):
                for at, (feature, value) in enumerate(path):
                    self._asked[number, leaf, at], self._values[number, leaf, at] = feature, value

    def over(self, rows: Steps, bare: Steps) -> Integers:
        """What each feature adds to each row beyond what it adds to the bare one beside it."""
        parts = self.contributions(np.concatenate((rows, bare)))[:, :-1]
        found: Integers = parts[: len(rows)] - parts[len(rows) :]
        return found

    def contributions(self, rows: Steps) -> Integers:
        """What each column adds to a row's logit, and last what is known before any split: one row a row, summing
        exactly to its score. A split's share is what it changed: what was known behind it, less what was known before.
        """
        width = self._features + 1
        found = np.empty((len(rows), width), dtype=np.int64)
        for begin in range(0, len(rows), FEW):
            ends = first_of(self._ends.left(rows[begin : begin + FEW], range(self._features)))
            features, values = self._asked[self._trees, ends], self._values[self._trees, ends]
            cells = (np.arange(len(ends))[:, None, None] * width + features).ravel()
            # Sums of whole numbers far below 2**53 are exact in float64, in any order.
            sums = np.bincount(cells, weights=values.ravel(), minlength=len(ends) * width)
            found[begin : begin + FEW] = sums.astype(np.int64).reshape(len(ends), width)
        found[:, -1] = self._base
        return found


def first_of(alive: Leaves) -> Integers:
    """The leftmost of the leaves that are left, of each row and tree."""
    lowest = alive & (~alive + np.uint32(1))
    ends: Integers = _PLACES[(lowest * _DE_BRUIJN) >> np.uint32(27)]
    return ends


_DE_BRUIJN = np.uint32(0x077CB531)
"""Multiplied by a power of two, its upper five bits tell which one it is."""

_PLACES = np.zeros(32, dtype=np.int64)
for _bit in range(32):
    _PLACES[((1 << _bit) * 0x077CB531 & 0xFFFFFFFF) >> 27] = _bit


def _masks(trees: Sequence[Tree]) -> Mapping[int, Leaves]:
    """For each feature that a tree asks: by step and tree, which leaves are left. Steps beyond are as the last one."""
    last: dict[int, int] = {}
    for split in (split for tree in trees for split in tree.splits):
        last[split.feature] = max(last.get(split.feature, 0), split.step + 1)
    found = {feature: np.full((step + 1, len(trees)), 0xFFFFFFFF, dtype=np.uint32) for feature, step in last.items()}
    for number, tree in enumerate(trees):
        for split, ruled_out in zip(tree.splits, _left_of(tree), strict=True):
            ruled = found[split.feature][:, number]
            ruled[split.step + 1 :] &= np.uint32(0xFFFFFFFF ^ ruled_out)
            if not split.missing_left:
                ruled[0] &= np.uint32(0xFFFFFFFF ^ ruled_out)
    return found


def _left_of(tree: Tree) -> list[int]:
    """The leaves on the left of each split, one bit a leaf."""
    found = [0] * len(tree.splits)

    def walk(node: int) -> int:
        if node < 0:
            return 1 << ~node
        found[node] = walk(tree.splits[node].left)
        return found[node] | walk(tree.splits[node].right)

    walk(0)
    return found


def _paths(tree: Tree) -> list[list[tuple[int, int]]]:
    """For each leaf the features on the way to it, each with what was learned from it."""
    found: list[list[tuple[int, int]]] = [[] for _ in tree.leaves]

    def walk(node: int, path: list[tuple[int, int]]) -> None:
        if node < 0:
            found[~node] = path
            return
        split = tree.splits[node]
        for child in (split.left, split.right):
            value = tree.leaves[~child] if child < 0 else tree.splits[child].value
            walk(child, [*path, (split.feature, value - split.value)])

    walk(0, [])
    return found
