"""Trees of at most two levels as tables of one or two features, so that asking hundreds of them costs a few additions.

The left half of such a tree asks the root's feature and that of the split on the left, the right half likewise: each is
a table by the steps of the two. Tables of the same features are summed before anything is asked.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from processors.grouping.trees import Asked, Integers, Tree

Features = tuple[int, ...]


def is_shallow(tree: Tree) -> bool:
    """Has it two levels at most?"""
    root = tree.splits[0]
    below = [tree.splits[node] for node in (root.left, root.right) if node >= 0]
    return all(split.left < 0 and split.right < 0 for split in below)


class Lookups:
    """Shallow trees, ready to be asked; `widths` says how many columns each part of a row has."""

    def __init__(self, trees: Sequence[Tree], widths: Sequence[int]) -> None:
        first = np.cumsum([0, *widths]).tolist()
        self._home = [(part, column) for part, width in enumerate(widths) for column in range(width)]
        self._cells = [2] * first[-1]
        for tree in trees:
            for split in tree.splits:
                self._cells[split.feature] = max(self._cells[split.feature], split.step + 2)
        tables: dict[Features, Integers] = {}
        for tree in trees:
            for features, table in self._halves(tree):
                tables[features] = tables[features] + table if features in tables else table
        self._within: list[list[tuple[Features, Integers]]] = [[] for _ in widths]
        self._across: list[tuple[Features, Integers]] = []
        for features, table in sorted(tables.items(), key=lambda one: one[0]):
            parts = {self._home[feature][0] for feature in features}
            place = self._within[parts.pop()] if len(parts) == 1 else self._across
            place.append((features, table.ravel()))

    def score(self, asked: Asked) -> Integers:
        """Each row's sum over the trees."""
        columns: dict[int, Integers] = {}
        found = np.zeros(asked.rows, dtype=np.int64)
        for number, tables in enumerate(self._within):
            sums = np.zeros(len(asked.parts[number]), dtype=np.int64)
            for features, table in tables:
                sums += table.take(self._places(asked, features, columns))
            which = asked.which[number]
            found += sums if which is None else sums.take(which)
        lifted: dict[int, Integers] = {}
        for features, table in self._across:
            for feature in features:
                if feature not in lifted:
                    which = asked.which[self._home[feature][0]]
                    column = self._column(asked, feature, columns)
                    lifted[feature] = column if which is None else column.take(which)
            found += table.take(lifted[features[0]] * self._cells[features[1]] + lifted[features[1]])
        return found

    def _places(self, asked: Asked, features: Features, columns: dict[int, Integers]) -> Integers:
        places = self._column(asked, features[0], columns)
        for feature in features[1:]:
            places = places * self._cells[feature] + self._column(asked, feature, columns)
        return places

    def _column(self, asked: Asked, feature: int, columns: dict[int, Integers]) -> Integers:
        """A feature's steps; beyond the last one that a tree asks for all are alike."""
        if feature not in columns:
            part, column = self._home[feature]
            columns[feature] = np.minimum(asked.parts[part][:, column], self._cells[feature] - 1, dtype=np.int64)
        return columns[feature]

    def _halves(self, tree: Tree) -> Iterator[tuple[Features, Integers]]:
        root = tree.splits[0]
        went = self._left(tree, 0)
        for node, here in ((root.left, went), (root.right, 1 - went)):
            if node < 0:
                yield (root.feature,), here * tree.leaves[~node]
                continue
            split = tree.splits[node]
            left, right = tree.leaves[~split.left], tree.leaves[~split.right]
            below = right + (left - right) * self._left(tree, node)
            if split.feature == root.feature:
                yield (root.feature,), here * below
            elif split.feature < root.feature:
                yield (split.feature, root.feature), np.outer(below, here)
            else:
                yield (root.feature, split.feature), np.outer(here, below)

    def _left(self, tree: Tree, node: int) -> Integers:
        """For each step of a split's feature: 1 where it goes left, else 0."""
        split = tree.splits[node]
        left = (np.arange(self._cells[split.feature]) <= split.step).astype(np.int64)
        left[0] = split.missing_left
        return left
