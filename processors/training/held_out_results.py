"""What models make of streams that they didn't see: how well it is grouped, and which groups are right."""

from collections.abc import Hashable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.evaluation.counting import Sums, count
from processors.evaluation.measures import MEASURES, measures
from processors.grouping.clustering.micro_clusters import Strands
from processors.grouping.clustering.pair_graph import Board
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.confidence import Signs
from processors.grouping.outcome.group_values import shapes
from processors.training.labelled_streams import Labelled

WORTH = ("B3-F", "ARI", "EM-F")
"""What groups are judged by when something is chosen: whether most is where it belongs, and whether all is."""

_WORTH = [MEASURES.index(name) for name in WORTH]


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """A stream's groups: their sums, and the signs of each that was judged, with whether it was right."""

    sums: Sums
    judged: Sequence[tuple[Signs, bool]]


def worths(sums: Sequence[Sums]) -> npt.NDArray[np.float64]:
    """How well each stream is grouped: the mean of WORTH."""
    found: npt.NDArray[np.float64] = measures(np.stack(sums))[:, _WORTH].mean(axis=1)
    return found


def worth(sums: Sequence[Sums]) -> float:
    """How well streams are grouped: the mean over streams."""
    return float(worths(sums).mean())


def surely_better(one: npt.NDArray[np.float64], than: npt.NDArray[np.float64]) -> bool:
    """Is one way better for streams than the other by more than the mean's own error, given the worths of each?"""
    gains = one - than
    error = gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    return bool(gains.mean() > error)


def outcomes(stream: Labelled, tried: Sequence[Model]) -> list[Outcome]:
    """What comes of a stream, for each model that is tried; they differ in how they prune, and in nothing else."""
    board = Board(tried[0])
    board.put(list(stream.activities))
    strands = Strands(board)
    strands.settle()
    gold: dict[Hashable, set[int]] = {}
    for activity, true in stream.gold.items():
        gold.setdefault(true, set()).add(activity)
    found = []
    for model in tried:
        board.decide_by(model)
        judged, of = [], dict[int, int]()
        for one in shapes(strands, strands.labels()):
            of |= dict.fromkeys(one.ids, one.ids[0])
            known = set(one.ids) & stream.gold.keys()
            if known and not one.outlier:
                judged.append((one.signs, gold[stream.gold[min(known)]] == known))
        found.append(Outcome(count((true, of[id]) for id, true in stream.gold.items() if id in of), judged))
    return found
