"""Scores cluster pairs: the log-odds, in millionths, that two micro-clusters are one piece of work.

The trees are like those of `classifier`, over CLUSTER_PAIR_FEATURES. They give a value to each earlier micro-cluster,
and one to the case that the later one begins a group.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.candidate_lists import CandidateLists
from processors.grouping.clustering.cluster_pair_features import CLUSTER_PAIR_FEATURES, OWN
from processors.grouping.features.pair_features import Matrix
from processors.grouping.model.grouping_model import Domain, Model, Similarity
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import StepEncoder
from processors.grouping.similarity.forest import Forest, ForestContributions

Integers = npt.NDArray[np.int64]


class ClusterSimilarity:
    """The trees of one domain, ready to score."""

    def __init__(self, similarity: Similarity) -> None:
        self._stairs = StepEncoder([similarity.edges.get(name, ()) for name in CLUSTER_PAIR_FEATURES])
        trees = similarity.trees_over(CLUSTER_PAIR_FEATURES)
        self._forest, self._explained = (
            Forest(trees, len(CLUSTER_PAIR_FEATURES)),
            ForestContributions(trees, len(CLUSTER_PAIR_FEATURES)),
        )

    def score(self, lists: CandidateLists) -> tuple[Steps, Integers]:
        """Returns the steps and the log-odds of each pair."""
        steps = self.steps(lists.rows)
        scores, new = self._forest.score(steps), np.cumsum(lists.counts + 1) - 1
        pairs = np.ones(len(steps), dtype=np.bool_)
        pairs[new] = False
        return steps[pairs], scores[pairs] - np.repeat(scores[new], lists.counts)

    def steps(self, rows: Matrix) -> Steps:
        """Returns the step of each of CLUSTER_PAIR_FEATURES, one row a pair."""
        return self._stairs.steps(rows)

    def contributions(self, steps: Steps) -> Integers:
        """Returns what each of CLUSTER_PAIR_FEATURES adds to each pair's log-odds: one row a pair."""
        new = steps.copy()
        new[:, : -len(OWN)] = 0
        return self._explained.over(steps, new)


@lru_cache(maxsize=64)
def cluster_similarities(model: Model) -> dict[Domain, ClusterSimilarity]:
    """Returns the trees over cluster pairs of each domain of a model. In a domain without such trees, each
    micro-cluster is a group.
    """
    return {domain: _cluster_similarity(similarity) for domain, similarity in model.merging.items()}


@lru_cache(maxsize=64)
def _cluster_similarity(similarity: Similarity) -> ClusterSimilarity:
    return ClusterSimilarity(similarity)
