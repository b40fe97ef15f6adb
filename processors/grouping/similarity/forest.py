"""Evaluates boosted decision trees over steps in integers, with the same result on every machine and for every batch.

Scoring walks no tree. The step of a feature rules out leaves: all those to the left of each split that it passes. Of
the leaves that no feature rules out, the leftmost is where the row ends (after C. Lucchese et al., QuickScorer, SIGIR
2015). That takes one AND for each feature and tree, and no branch.
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
"""The leaves that are left, one bit a leaf, in the smallest width that holds the leaves of every tree."""

_DE_BRUIJN = np.uint32(0x077CB531)
"""The upper five bits of its product with a power of two identify that power."""

_PLACES = np.zeros(32, dtype=np.int64)
for _bit in range(32):
    _PLACES[((1 << _bit) * 0x077CB531 & 0xFFFFFFFF) >> 27] = _bit


class CompiledForest(NamedTuple):
    """Trees as arrays. `masks` has a row for each step of each feature that the trees use, and a column for each tree.
    The rows of feature `asked[n]` begin at `begins[n]`; its steps from `lasts[n]` on have equal masks. `bare` is what
    is left where all features are missing except those of the list itself (`Forest.lists`). `values` has one row of
    leaves for each tree.
    """

    masks: Masks
    asked: Integers
    begins: Integers
    lasts: Integers
    bare: Masks
    values: npt.NDArray[np.int32]


class Forest:
    """Trees over `features` columns, ready to score many rows at once.

    Two arguments matter only for `lists`: the last `of_lists` features are those of the list itself, and pairs that the
    `first` trees leave below a floor are not scored by the others.
    """

    def __init__(self, trees: Sequence[Tree], features: int, of_lists: int = 0, first: int | None = None) -> None:
        self._trees, self._features = trees, features
        at = len(trees) if first is None else min(first, len(trees))
        self._first, self._last = (_grown(some, features, features - of_lists) for some in (trees[:at], trees[at:]))

    @cached_property
    def _whole(self) -> CompiledForest:
        return _grown(self._trees, self._features, self._features)

    def score(self, rows: Steps) -> Integers:
        """Returns the log-odds of each row in millionths."""
        return _scores(self._whole, rows)

    def lists(
        self, pairs: Steps, contents: Steps, own: Steps, which: Integers, counts: Integers, floor: int
    ) -> Integers:
        """Returns by how much each pair's log-odds exceed those of a row of which only the list's `own` features are
        known.

        The features are those of pairs, of contents and of lists, in this order. Pair i has row `which[i]` of the
        contents. Lists have `counts` pairs each, side by side.
        """
        found = np.zeros(len(pairs), dtype=np.int64)
        _beyond(self._first, pairs, contents, own, which, counts, NO_FLOOR, found)
        if len(self._last.values):
            _beyond(self._last, pairs, contents, own, which, counts, floor, found)
        return found


NO_FLOOR = -(2**62)
"""Less than any score."""


class Nodes(NamedTuple):
    """Trees in the form in which they are walked. For each split: its feature, its step, its two children (a node, or ~
    the number of a leaf), and by how much the expected value changes on the way to each child.
    """

    roots: Integers
    feature: Integers
    step: Integers
    missing_left: npt.NDArray[np.bool_]
    children: Integers
    changes: Integers


class ForestContributions:
    """Trees over `features` columns, ready to attribute a score to its features."""

    def __init__(self, trees: Sequence[Tree], features: int) -> None:
        self._features, self._nodes = features, _nodes(trees)
        self._base = sum(tree.splits[0].value for tree in trees)

    def over(self, rows: Steps, bare: Steps) -> Integers:
        """Returns what each feature adds to each row beyond what it adds to the row of `bare` with the same number."""
        parts = self.contributions(np.concatenate((rows, bare)))[:, :-1]
        found: Integers = parts[: len(rows)] - parts[len(rows) :]
        return found

    def contributions(self, rows: Steps) -> Integers:
        """Returns what each column adds to a row's log-odds, and last the value before any split: one row for each row,
        which sums exactly to its score. The contribution of a split is the expected value behind it minus the one
        before it.
        """
        found = np.zeros((len(rows), self._features + 1), dtype=np.int64)
        _walk(self._nodes, rows, found)
        found[:, -1] = self._base
        return found


@compiled
def _ended(alive: Masks, values: npt.NDArray[np.int32]) -> int:
    """Returns the sum of the leaves on which a row ends: of each tree the leftmost that is left."""
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
def _scores(grown: CompiledForest, rows: Steps) -> Integers:
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
    grown: CompiledForest, pairs: Steps, contents: Steps, own: Steps, which: Integers, counts: Integers, floor: int,
    found: Integers,
) -> None:  # fmt: skip
    """Adds the scores of these trees to `found`, for the pairs that have at least the floor there."""
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
            content = which[pair]
            for number in range(first_content, first_own):
                _keep(
                    alive, masks[begins[number] + min(int(contents[content, asked[number] - of_pairs]), lasts[number])]
                )
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


def _grown(trees: Sequence[Tree], features: int, missing: int) -> CompiledForest:
    """Returns trees over `features` columns as arrays. In `bare`, the first `missing` features are missing."""
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
    return CompiledForest(masks, asked, begins[asked], np.array(steps, dtype=np.int64)[asked] - 1, bare, values)


def _left_of(tree: Tree) -> list[int]:
    """Returns for each split the leaves on its left, one bit a leaf."""
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
