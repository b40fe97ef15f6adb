"""The similarity classifier: the log-odds, in millionths, that two activities are one piece of work.

Trees give a value to each earlier activity of a list, and one to "something new", the case that the later activity
belongs to none of them. A pair's log-odds is the difference of the two. All values are integers, so contributions sum
to it exactly and no sum depends on the order or the number of pairs.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.compiled import compiled
from processors.grouping.features.content_features import CONTENTS
from processors.grouping.features.pair_features import FEATURES, MISSING, OWNED, PAIRED, Features, Matrix
from processors.grouping.model.grouping_model import Additive, Domain, Model, Similarity
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.forest import NO_FLOOR, Forest, ForestContributions

_OF_LIST = len(PAIRED) + len(CONTENTS)

FIRST = 60
"""The number of trees that score every pair. Of the hundred pairs of a line of talk, about thirty pass them."""

Integers = npt.NDArray[np.int64]


_MISSING = np.int32(MISSING)


class Stepped(msgspec.Struct, frozen=True, eq=False):
    """Features as steps of a model's edges (0: missing), in the three parts of `pair_features.Features`."""

    pairs: Steps
    contents: Steps
    own: Steps

    def rows(self, pairs: Integers, which: Integers, of: Integers, columns: Integers) -> Steps:
        """Returns these columns of FEATURES for these pairs, one row a pair. `which` is as in `Classifier.score`, `of`
        is each pair's list.
        """
        parts = ((self.pairs, pairs), (self.contents, which[pairs]), (self.own, of[pairs]))
        every = [(part[:, column], at) for part, at in parts for column in range(part.shape[1])]
        found = np.empty((len(pairs), len(columns)), dtype=np.uint8)
        for number, column in enumerate(columns.tolist()):
            steps, at = every[column]
            found[:, number] = steps[at]
        return found


class StepEncoder:
    """Cuts each feature into steps at its edges."""

    def __init__(self, edges: Sequence[Sequence[int]]) -> None:
        self._edges = np.array([edge for some in edges for edge in some], dtype=np.int32)
        self._ends = np.cumsum([len(some) for some in edges])

    def steps(self, matrix: Matrix, first: int = 0) -> Steps:
        """Returns the step of each value, 0 where it is missing. The columns of `matrix` are the features from number
        `first` on.
        """
        return _stepped(matrix, self._edges, self._ends, first)


class Scale:
    """A classifier's steps. `columns` are the columns of FEATURES that have edges. `lows` has for each feature the
    value that stands for each step: the edge at which the step begins, one less than the first edge for the step below
    it, and MISSING for step 0.
    """

    def __init__(self, edges: Sequence[Sequence[int]]) -> None:
        self.columns = np.flatnonzero([len(some) > 0 for some in edges])
        self.lows = [
            np.array([MISSING, some[0] - 1, *some] if len(some) else [MISSING], dtype=np.int32) for some in edges
        ]


class Classifier:
    """The trees of one domain, ready to score. Only the features that are `asked` affect the result; they are the
    columns of `scale`.
    """

    def __init__(self, similarity: Similarity) -> None:
        edges = [similarity.edges.get(name, ()) for name in FEATURES]
        self._stairs = StepEncoder(edges)
        self.asked = frozenset(similarity.edges)
        self.scale = Scale(edges)
        trees = similarity.trees_over(FEATURES)
        self._forest = Forest(trees, len(FEATURES), len(OWNED), FIRST)
        self._explained = ForestContributions(trees, len(FEATURES))

    def stepped(self, features: Features) -> Stepped:
        """Returns the step of each feature. A score depends on nothing else."""
        return Stepped(
            self._stairs.steps(features.pairs),
            self._stairs.steps(features.contents, len(PAIRED)),
            self._stairs.steps(features.own, _OF_LIST),
        )

    def score(self, found: Stepped, which: Integers, counts: Integers, floor: int = NO_FLOOR) -> Integers:
        """Returns the log-odds of each pair. `which` is each pair's row of the contents; `counts` is the number of
        pairs of each list.

        Pairs that the first trees leave below `floor` keep the score of those trees; the other trees don't score them.
        """
        return self._forest.lists(found.pairs, found.contents, found.own, which, counts, floor)

    def whole(self, kept: Steps) -> Steps:
        """Returns steps of all FEATURES, given those in the columns of the scale; the others are 0."""
        steps = np.zeros((len(kept), len(FEATURES)), dtype=np.uint8)
        steps[:, self.scale.columns] = kept
        return steps

    def contributions(self, steps: Steps) -> Integers:
        """Returns what each of FEATURES adds to each pair's log-odds, given the steps of all FEATURES: one row
        a pair.
        """
        new = steps.copy()
        new[:, :_OF_LIST] = 0
        return self._explained.over(steps, new)


@compiled
def _stepped(matrix: Matrix, edges: npt.NDArray[np.int32], ends: Integers, first: int) -> Steps:
    """Returns 0 where a value is missing, else one more than the number of edges that it reaches."""
    found = np.zeros(matrix.shape, dtype=np.uint8)
    for column in range(matrix.shape[1]):
        begin = ends[first + column - 1] if first + column else 0
        end = ends[first + column]
        if begin == end:
            continue
        for row in range(matrix.shape[0]):
            value = matrix[row, column]
            if value == _MISSING:
                continue
            low, high = begin, end
            while low < high:
                middle = (low + high) // 2
                if edges[middle] <= value:
                    low = middle + 1
                else:
                    high = middle
            found[row, column] = low - begin + 1
    return found


@lru_cache(maxsize=64)
def classifiers(model: Model) -> dict[Domain, Classifier]:
    """Returns the classifier of each domain of a model."""
    return {domain: _classifier(similarity) for domain, similarity in model.similarity.items()}


@lru_cache(maxsize=64)
def _classifier(similarity: Similarity) -> Classifier:
    """Cached, because models that were learned over the same base share its trees."""
    return Classifier(similarity)


def evaluate(additive: Additive, values: dict[str, int | None]) -> int:
    """Returns the log-odds of one case whose features are given by name; None means missing."""
    logit = additive.prior
    for name, curve in additive.curves.items():
        value = values.get(name)
        if value is None:
            logit += curve.missing
        else:
            logit += curve.values[bisect_right(curve.edges, value)]
    return logit
