"""The classifier of strands: how much speaks for two of them being one piece of work, as a logit in millionths.

Trees as those of `similarity`, over TIES: a value for each earlier strand, and one for there being none.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from processors.grouping.contents import MISSING
from processors.grouping.forest import Explained, Forest
from processors.grouping.model import Model, Regime, Similarity
from processors.grouping.ties import OWN, TIES, Matrix, Pairing
from processors.grouping.trees import Asked, Steps

Integers = npt.NDArray[np.int64]


class Merger:
    """One regime's trees, ready to be asked."""

    def __init__(self, similarity: Similarity) -> None:
        self._edges = [np.array(similarity.edges.get(name, ()), dtype=np.int32) for name in TIES]
        trees = similarity.trees_over(TIES)
        self._forest, self._explained = Forest(trees, (len(TIES),)), Explained(trees, len(TIES))

    def score(self, rows: Matrix, pairings: Sequence[Pairing]) -> tuple[Steps, Integers]:
        """Of rows as `ties.features` gives them: the steps and the logit of each pair."""
        steps = np.zeros(rows.shape, dtype=np.uint8)
        for column, edges in enumerate(self._edges):
            values = rows[:, column]
            steps[:, column] = np.where(values == MISSING, 0, edges.searchsorted(values, side="right") + 1)
        said = self._forest.score(Asked((steps,), (None,)))
        counts = np.array([len(one.others) for one in pairings])
        new = np.cumsum(counts + 1) - 1
        pairs = np.ones(len(rows), dtype=np.bool_)
        pairs[new] = False
        return steps[pairs], said[pairs] - np.repeat(said[new], counts)

    def contributions(self, steps: Steps) -> Integers:
        """What each of TIES adds to each pair's logit: one row a pair."""
        new = steps.copy()
        new[:, : -len(OWN)] = 0
        return self._explained.over(steps, new)


@lru_cache(maxsize=64)
def mergers(model: Model) -> dict[Regime, Merger]:
    """A model's trees of strands, ready to be asked. Strands of a regime without trees are groups as they are."""
    return {regime: _merger(similarity) for regime, similarity in model.merging.items()}


@lru_cache(maxsize=64)
def _merger(similarity: Similarity) -> Merger:
    return Merger(similarity)
