"""Boosted decision trees over steps, in whole numbers: the same on every machine, for every batch.

No tree is walked to score. The step that a feature is on rules leaves out, all those left of a split that it passes; of
the leaves that no feature rules out, the leftmost is where the row ends (after C. Lucchese et al., QuickScorer, SIGIR
2015): one AND a feature and tree, and no branch.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.grouping.compiled import compiled
from processors.grouping.model.trees import MOST_LEAVES, Integers, Steps, Tree

Masks = npt.NDArray[Any]
"""Leaves that are left, one bit a leaf: of the smallest width that all trees' leaves fit in."""

_DE_BRUIJN = np.uint32(0x077CB531)
"""Multiplied by a power of two, its upper five bits tell which one it is."""

_PLACES = np.zeros(32, dtype=np.int64)
for _bit in range(32):
    _PLACES[((1 << _bit) * 0x077CB531 & 0xFFFFFFFF) >> 27] = _bit


class Grown(NamedTuple):
    """Trees as arrays. `masks` has a row for each step of each feature that is asked, and a column a tree; those of
    feature `asked[n]` begin at `begins[n]`, and its steps from `lasts[n]` on are alike. `bare` is what is left where
    all features are missing but those of lists (`Forest.lists`), `values` has a row of leaves a tree.
    """

    masks: Masks
    asked: Integers
    begins: Integers
    lasts: Integers
    bare: Masks
    values: npt.NDArray[np.int32]


class Forest:
    """Trees over so many features, ready to be asked about many rows at once.

    Of lists only: the last `of_lists` features are the list's own, and of pairs that the `first` trees leave below a
    floor the others aren't asked.
    """

    def __init__(self, trees: Sequence[Tree], features: int, of_lists: int = 0, first: int | None = None) -> None:
        self._trees, self._features = trees, features
        at = len(trees) if first is None else min(first, len(trees))
        self._first, self._last = (_grown(some, features, features - of_lists) for some in (trees[:at], trees[at:]))

    @cached_property
    def _whole(self) -> Grown:
        return _grown(self._trees, self._features, self._features)

    def score(self, rows: Steps) -> Integers:
        """Each row's logit in millionths."""
        return _scores(self._whole, rows)

    def lists(
        self, pairs: Steps, contents: Steps, own: Steps, which: Integers, counts: Integers, floor: int
    ) -> Integers:
        """The logit of each pair beyond that of a row of which its list's `own` part alone is known.

        Features are those of pairs, of contents and of lists, in this order; pair i has row `which[i]` of the contents,
        and lists have `counts` pairs each, side by side.
        """
        found = np.zeros(len(pairs), dtype=np.int64)
        _beyond(self._first, pairs, contents, own, which, counts, NO_FLOOR, found)
        if len(self._last.values):
            _beyond(self._last, pairs, contents, own, which, counts, floor, found)
        return found


NO_FLOOR = -(2**62)
"""Below any score."""


class Nodes(NamedTuple):
    """Trees as they are walked: each split's feature, step, where to go (a node, or ~ a leaf's place), and by how much
    what is known changes there.
    """

    roots: Integers
    feature: Integers
    step: Integers
    missing_left: npt.NDArray[np.bool_]
    children: Integers
    changes: Integers


class Explained:
    """Trees over so many features, ready to be asked what each feature adds."""

    def __init__(self, trees: Sequence[Tree], features: int) -> None:
        self._features, self._nodes = features, _nodes(trees)
        self._base = sum(tree.splits[0].value for tree in trees)

    def over(self, rows: Steps, bare: Steps) -> Integers:
        """What each feature adds to each row beyond what it adds to the bare one beside it."""
        parts = self.contributions(np.concatenate((rows, bare)))[:, :-1]
        found: Integers = parts[: len(rows)] - parts[len(rows) :]
        return found

    def contributions(self, rows: Steps) -> Integers:
        """What each column adds to a row's logit, and last what is known before any split: one row a row, summing
        exactly to its score. A split's share is what it changed: what was known behind it, less what was known before.
        """
        found = np.zeros((len(rows), self._features + 1), dtype=np.int64)
        _walk(self._nodes, rows, found)
        found[:, -1] = self._base
        return found


@compiled
def _ended(alive: Masks, values: npt.NDArray[np.int32]) -> int:
    """The sum of the leaves that a row ends on, each tree's leftmost that is left."""
    total = 0
    for tree in range(len(alive)):
        left = np.uint32(alive[tree])
        lowest = left & (np.uint32(0) - left)
        total += int(values[tree, _PLACES[np.uint32(lowest * _DE_BRUIJN) >> np.uint32(27)]])
    return total


@compiled
def _keep(alive: Masks, mask: Masks) -> None:
    for tree in range(len(alive)):
        alive[tree] &= mask[tree]


@compiled
def _scores(grown: Grown, rows: Steps) -> Integers:
    masks, asked, begins, lasts, bare, values = grown
    alive, everything = np.empty_like(bare), ~np.zeros_like(bare)
    found = np.zeros(len(rows), dtype=np.int64)
    for row in range(len(rows)):
        alive[:] = everything
        for number in range(len(asked)):
            _keep(alive, masks[begins[number] + min(int(rows[row, asked[number]]), lasts[number])])
        found[row] = _ended(alive, values)
    return found


@compiled
def _beyond(
    grown: Grown, pairs: Steps, contents: Steps, own: Steps, which: Integers, counts: Integers, floor: int,
    found: Integers,
) -> None:  # fmt: skip
    """Adds to what is found of pairs, where that isn't less than the floor."""
    masks, asked, begins, lasts, bare, values = grown
    of_pairs, of_rest = pairs.shape[1], pairs.shape[1] + contents.shape[1]
    first_content, first_own = np.searchsorted(asked, of_pairs), np.searchsorted(asked, of_rest)
    alive, known, everything = np.empty_like(bare), np.empty_like(bare), ~np.zeros_like(bare)
    end = 0
    for of in range(len(counts)):
        known[:] = everything
        for number in range(first_own, len(asked)):
            _keep(known, masks[begins[number] + min(int(own[of, asked[number] - of_rest]), lasts[number])])
        alive[:] = known
        _keep(alive, bare)
        new = _ended(alive, values)
        begin, end = end, end + counts[of]
        for pair in range(begin, end):
            if found[pair] < floor:
                continue
            alive[:] = known
            for number in range(first_content):
                _keep(alive, masks[begins[number] + min(int(pairs[pair, asked[number]]), lasts[number])])
            what = which[pair]
            for number in range(first_content, first_own):
                _keep(alive, masks[begins[number] + min(int(contents[what, asked[number] - of_pairs]), lasts[number])])
            found[pair] += _ended(alive, values) - new


@compiled
def _walk(nodes: Nodes, rows: Steps, found: Integers) -> None:
    for row in range(len(rows)):
        for root in nodes.roots:
            node = root
            while node >= 0:
                feature = nodes.feature[node]
                step = rows[row, feature]
                goes_left = nodes.missing_left[node] if step == 0 else step <= nodes.step[node]
                side = 0 if goes_left else 1
                found[row, feature] += nodes.changes[node, side]
                node = nodes.children[node, side]


def _grown(trees: Sequence[Tree], features: int, missing: int) -> Grown:
    """Of trees over so many features, of which the first `missing` are missing in what is bare."""
    most = max((len(tree.leaves) for tree in trees), default=1)
    width = next(kind for kind in (np.uint8, np.uint32) if most <= np.dtype(kind).itemsize * 8)
    steps = [0] * features
    for split in (split for tree in trees for split in tree.splits):
        steps[split.feature] = max(steps[split.feature], split.step + 2)
    begins = np.cumsum([0, *steps])
    masks = np.full((begins[-1], len(trees)), np.iinfo(width).max, dtype=width)
    values = np.zeros((len(trees), MOST_LEAVES), dtype=np.int32)
    for number, tree in enumerate(trees):
        values[number, : len(tree.leaves)] = tree.leaves
        for split, left in zip(tree.splits, _left_of(tree), strict=True):
            mask, others = masks[begins[split.feature] :, number], width(~left & np.iinfo(width).max)
            mask[split.step + 1 : steps[split.feature]] &= others
            if not split.missing_left:
                mask[0] &= others
    asked = np.flatnonzero(steps)
    bare = np.bitwise_and.reduce(masks[begins[asked[asked < missing]]], axis=0)
    return Grown(masks, asked, begins[asked], np.array(steps, dtype=np.int64)[asked] - 1, bare, values)


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


def _nodes(trees: Sequence[Tree]) -> Nodes:
    first = list(accumulate((len(tree.splits) for tree in trees), initial=0))
    splits = [(split, at, tree) for at, tree in zip(first, trees, strict=False) for split in tree.splits]
    known = [
        [
            (tree.leaves[~node] if node < 0 else tree.splits[node].value) - split.value
            for node in (split.left, split.right)
        ]
        for split, _, tree in splits
    ]
    children = [[node if node < 0 else at + node for node in (split.left, split.right)] for split, at, _ in splits]
    return Nodes(
        roots=np.array(first[:-1], dtype=np.int64),
        feature=np.array([split.feature for split, _, _ in splits], dtype=np.int64),
        step=np.array([split.step for split, _, _ in splits], dtype=np.int64),
        missing_left=np.array([split.missing_left for split, _, _ in splits], dtype=np.bool_),
        children=np.array(children, dtype=np.int64).reshape(-1, 2),
        changes=np.array(known, dtype=np.int64).reshape(-1, 2),
    )
