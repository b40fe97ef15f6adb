"""The similarity classifier: how much speaks for two activities being one piece of work, as a logit in millionths.

Trees give each earlier activity of a list a value, and one to there being none: to the later one beginning something
new. A pair's logit is the difference of the two. All are whole numbers, so that contributions sum to it exactly and no
sum depends on the order or the number of pairs.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.contents import CONTENTS
from processors.grouping.features import FEATURES, MISSING, OWNED, PAIRED, Features, Matrix
from processors.grouping.forest import Explained, Forest
from processors.grouping.lookups import is_shallow
from processors.grouping.model import Additive, Model, Regime, Similarity
from processors.grouping.trees import Asked, Steps

WIDTHS = (len(PAIRED), len(CONTENTS), len(OWNED))
_OF_LIST = len(PAIRED) + len(CONTENTS)

FIRST = 60
"""Deep trees that are asked about every pair. Of a line of talk's hundred pairs they leave some thirty in question."""

Integers = npt.NDArray[np.int64]


class Stepped(msgspec.Struct, frozen=True, eq=False):
    """Features as steps of a model's edges (0: missing), in the parts of `features.Features`."""

    pairs: Steps
    contents: Steps
    own: Steps

    def rows(self, pairs: Integers, which: Integers, of: Integers, columns: Integers) -> Steps:
        """These columns of FEATURES of these pairs, one row a pair; `which` and `of` as in `Classifier.score`."""
        parts = ((self.pairs, pairs), (self.contents, which[pairs]), (self.own, of[pairs]))
        every = [(part[:, column], at) for part, at in parts for column in range(part.shape[1])]
        found = np.empty((len(pairs), len(columns)), dtype=np.uint8)
        for number, column in enumerate(columns.tolist()):
            steps, at = every[column]
            found[:, number] = steps[at]
        return found


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
        self._edges = [np.array(similarity.edges.get(name, ()), dtype=np.int32) for name in FEATURES]
        self._known = [name in similarity.edges for name in FEATURES]
        self.asked = frozenset(similarity.edges)
        self.scale = Scale([similarity.edges.get(name, ()) for name in FEATURES])
        trees = similarity.trees_over(FEATURES)
        shallow, deep = (tuple(tree for tree in trees if is_shallow(tree) is one) for one in (True, False))
        self._explained = Explained(trees, sum(WIDTHS))
        self._forest, self._last = Forest(shallow + deep[:FIRST], WIDTHS), Forest(deep[FIRST:], WIDTHS)

    def stepped(self, features: Features) -> Stepped:
        """On which step of its edges each feature is: all that a score is made of."""
        return Stepped(
            self._steps(features.pairs, 0),
            self._steps(features.contents, len(PAIRED)),
            self._steps(features.own, _OF_LIST),
        )

    def score(self, found: Stepped, which: Integers, of: Integers, floor: int | None = None) -> Integers:
        """Each pair's logit; `which` is its row of the contents, `of` its list.

        Where a `floor` is given, of what the first deep trees leave below it the last ones aren't asked.
        """
        parts = (found.pairs, found.contents, found.own)
        logits = self._forest.beyond(Asked(parts, (None, which, of)))
        open_ = np.arange(len(of)) if floor is None else np.flatnonzero(logits >= floor)
        if len(self._last) and len(open_):
            asked = np.zeros(len(found.contents), dtype=np.bool_)
            asked[which[open_]] = True
            parts = (found.pairs[open_], found.contents[asked], found.own)
            logits[open_] += self._last.beyond(Asked(parts, (None, (np.cumsum(asked) - 1)[which[open_]], of[open_])))
        return logits

    def contributions(self, steps: Steps) -> Integers:
        """What each of FEATURES adds to each pair's logit, given all its steps: one row a pair."""
        new = steps.copy()
        new[:, :_OF_LIST] = 0
        return self._explained.over(steps, new)

    def _steps(self, matrix: Matrix, first: int) -> Steps:
        found = np.zeros(matrix.shape, dtype=np.uint8, order="F")  # columns are what is asked for
        for column in range(matrix.shape[1]):
            if self._known[first + column]:
                values = matrix[:, column]
                steps = self._edges[first + column].searchsorted(values, side="right") + 1
                found[:, column] = np.where(values == MISSING, 0, steps)
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
            logit += curve.values[sum(edge <= value for edge in curve.edges)]
    return logit
