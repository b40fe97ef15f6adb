"""The classifier of strands: how much speaks for two of them being one piece of work, as a logit in millionths.

Trees as those of `similarity`, over TIES: a value for each earlier strand, and one for there being none.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.candidate_lists import Lists
from processors.grouping.clustering.cluster_pair_features import OWN, TIES
from processors.grouping.features.pair_features import Matrix
from processors.grouping.model.grouping_model import Model, Regime, Similarity
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import Stairs
from processors.grouping.similarity.forest import Explained, Forest

Integers = npt.NDArray[np.int64]


class Merger:
    """One regime's trees, ready to be asked."""

    def __init__(self, similarity: Similarity) -> None:
        self._stairs = Stairs([similarity.edges.get(name, ()) for name in TIES])
        trees = similarity.trees_over(TIES)
        self._forest, self._explained = Forest(trees, len(TIES)), Explained(trees, len(TIES))

    def score(self, lists: Lists) -> tuple[Steps, Integers]:
        """The steps and the logit of each pair."""
        steps = self.steps(lists.rows)
        said, new = self._forest.score(steps), np.cumsum(lists.counts + 1) - 1
        pairs = np.ones(len(steps), dtype=np.bool_)
        pairs[new] = False
        return steps[pairs], said[pairs] - np.repeat(said[new], lists.counts)

    def steps(self, rows: Matrix) -> Steps:
        """On which step each of TIES is, one row a pair."""
        return self._stairs.steps(rows)

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
