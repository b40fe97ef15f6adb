"""The similarity classifier: how much speaks for two activities being one piece of work, as a logit in millionths.

Trees give each earlier activity of a list a value, and one to there being none: to the later one beginning something
new. A pair's logit is the difference of the two. All are whole numbers, so that contributions sum to it exactly and no
sum depends on the order or the number of pairs.
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
from processors.grouping.model.grouping_model import Additive, Model, Regime, Similarity
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.forest import NO_FLOOR, Explained, Forest

_OF_LIST = len(PAIRED) + len(CONTENTS)

FIRST = 60
"""Trees that are asked about every pair. Of a line of talk's hundred pairs they leave some thirty in question."""

Integers = npt.NDArray[np.int64]


_MISSING = np.int32(MISSING)


class Stepped(msgspec.Struct, frozen=True, eq=False):
    """Features as steps of a model's edges (0: missing), in the parts of `features.Features`."""

    pairs: Steps
    contents: Steps
    own: Steps

    def rows(self, pairs: Integers, which: Integers, of: Integers, columns: Integers) -> Steps:
        """These columns of FEATURES of these pairs, one row a pair; `which` as in
        `Classifier.score`, `of` the list of each."""
        parts = ((self.pairs, pairs), (self.contents, which[pairs]), (self.own, of[pairs]))
        every = [(part[:, column], at) for part, at in parts for column in range(part.shape[1])]
        found = np.empty((len(pairs), len(columns)), dtype=np.uint8)
        for number, column in enumerate(columns.tolist()):
            steps, at = every[column]
            found[:, number] = steps[at]
        return found


class Stairs:
    """By feature the edges that cut it into steps."""

    def __init__(self, edges: Sequence[Sequence[int]]) -> None:
        self._edges = np.array([edge for some in edges for edge in some], dtype=np.int32)
        self._ends = np.cumsum([len(some) for some in edges])

    def steps(self, matrix: Matrix, first: int = 0) -> Steps:
        """On which step each value is, 0 where it is missing; the columns are features from the first one on."""
        return _stepped(matrix, self._edges, self._ends, first)


class Scale:
    """A classifier's steps: `columns` of FEATURES that have edges, and by feature what each step tells (`lows`): the
    edge that it begins with, one less than the first edge below that, MISSING for none.
    """

    def __init__(self, edges: Sequence[Sequence[int]]) -> None:
        self.columns = np.flatnonzero([len(some) > 0 for some in edges])
        self.lows = [
            np.array([MISSING, some[0] - 1, *some] if len(some) else [MISSING], dtype=np.int32) for some in edges
        ]


class Classifier:
    """One regime's trees, ready to be asked. Only features that are `asked`, in the columns of its `scale`, make a
    difference.
    """

    def __init__(self, similarity: Similarity) -> None:
        edges = [similarity.edges.get(name, ()) for name in FEATURES]
        self._stairs = Stairs(edges)
        self.asked = frozenset(similarity.edges)
        self.scale = Scale(edges)
        trees = similarity.trees_over(FEATURES)
        self._forest = Forest(trees, len(FEATURES), len(OWNED), FIRST)
        self._explained = Explained(trees, len(FEATURES))

    def stepped(self, features: Features) -> Stepped:
        """On which step of its edges each feature is: all that a score is made of."""
        return Stepped(
            self._stairs.steps(features.pairs),
            self._stairs.steps(features.contents, len(PAIRED)),
            self._stairs.steps(features.own, _OF_LIST),
        )

    def score(self, found: Stepped, which: Integers, counts: Integers, floor: int = NO_FLOOR) -> Integers:
        """Each pair's logit; `which` is its row of the contents, `counts` says how many pairs each list has.

        Of what the first trees leave below `floor` the others aren't asked.
        """
        return self._forest.lists(found.pairs, found.contents, found.own, which, counts, floor)

    def whole(self, kept: Steps) -> Steps:
        """Steps of all FEATURES, of those in the columns of the scale."""
        steps = np.zeros((len(kept), len(FEATURES)), dtype=np.uint8)
        steps[:, self.scale.columns] = kept
        return steps

    def contributions(self, steps: Steps) -> Integers:
        """What each of FEATURES adds to each pair's logit, given all its steps: one row a pair."""
        new = steps.copy()
        new[:, :_OF_LIST] = 0
        return self._explained.over(steps, new)


@compiled
def _stepped(matrix: Matrix, edges: npt.NDArray[np.int32], ends: Integers, first: int) -> Steps:
    """0 where a value is missing, else one more than the edges that it isn't below."""
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
def classifiers(model: Model) -> dict[Regime, Classifier]:
    """A model's trees, ready to be asked."""
    return {regime: _classifier(similarity) for regime, similarity in model.similarity.items()}


@lru_cache(maxsize=64)
def _classifier(similarity: Similarity) -> Classifier:
    """Models that were learned over one base share what it had."""
    return Classifier(similarity)


def evaluate(additive: Additive, values: dict[str, int | None]) -> int:
    """The logit of one thing whose features are given by name; None is missing."""
    logit = additive.prior
    for name, curve in additive.curves.items():
        value = values.get(name)
        if value is None:
            logit += curve.missing
        else:
            logit += curve.values[bisect_right(curve.edges, value)]
    return logit
