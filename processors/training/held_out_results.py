"""Measures how well models group streams that they weren't learned from, and which groups are right."""

from collections.abc import Hashable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.evaluation.measures import MEASURES, SumsArray, contingency_sums, measures
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.clustering.pair_graph import PairGraph
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.confidence import ConfidenceFeatures
from processors.grouping.outcome.group_values import group_values
from processors.training.labelled_streams import Labelled

WORTH = ("B3-F", "ARI", "EM-F")
"""The measures by which settings are chosen: whether most activities are in the right group, and whether whole groups
are right.
"""

_WORTH = [MEASURES.index(name) for name in WORTH]


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """The result for one stream: its contingency sums, and the features of each judged group, with whether
    it is right.
    """

    sums: SumsArray
    judged: Sequence[tuple[ConfidenceFeatures, bool]]


def worths(sums: Sequence[SumsArray]) -> npt.NDArray[np.float64]:
    """Returns how well each stream is grouped: the mean of WORTH."""
    found: npt.NDArray[np.float64] = measures(np.stack(sums))[:, _WORTH].mean(axis=1)
    return found


def worth(sums: Sequence[SumsArray]) -> float:
    """Returns how well streams are grouped: the mean over streams."""
    return float(worths(sums).mean())


def surely_better(one: npt.NDArray[np.float64], than: npt.NDArray[np.float64]) -> bool:
    """Returns whether `one` exceeds `than` by more than the standard error of the mean, given the worths of each
    stream.
    """
    gains = one - than
    error = gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return bool(gains.mean() > error)


def outcomes(stream: Labelled, tried: Sequence[Model]) -> list[Outcome]:
    """Returns the outcome of a stream for each of these models, which differ only in their pruning."""
    graph = PairGraph(tried[0])
    graph.add(list(stream.activities))
    clusters = MicroClusters(graph)
    clusters.settle()
    gold: dict[Hashable, set[int]] = {}
    for activity, true in stream.gold.items():
        gold.setdefault(true, set()).add(activity)
    found = []
    for model in tried:
        graph.decide_by(model)
        judged, of = [], dict[int, int]()
        for one in group_values(clusters, clusters.labels()):
            of |= dict.fromkeys(one.ids, one.ids[0])
            known = set(one.ids) & stream.gold.keys()
            if known and not one.outlier:
                judged.append((one.signs, gold[stream.gold[min(known)]] == known))
        found.append(Outcome(contingency_sums((true, of[id]) for id, true in stream.gold.items() if id in of), judged))
    return found
