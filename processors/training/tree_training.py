"""Chooses the settings of trees by the loss on held-out folds, and grows the trees."""

from collections.abc import Callable, Sequence
from functools import reduce

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import Similarity
from processors.training.boosting import Boosting, Settings, TrainingData, similarity_of
from processors.training.examples import Examples

LEAST_LISTS = 200
"""With fewer lists no trees are grown."""

MOST_TRIED = 750_000
"""The number of rows on which settings are tried. Where there are more, only every second list is used, or every third,
and so on.
"""

LOOKS, PATIENCE = 25, 2
"""The rounds between two measurements of the held-out loss, and the number of measurements in a row without a new
minimum after which growing stops.
"""

Tell = Callable[[str], None]
Floats = npt.NDArray[np.float64]


class TrainingLists(msgspec.Struct, frozen=True, eq=False):
    """What trees are learned from: lists, each with the number of its fold and its weight. `names` are those of the
    columns.
    """

    examples: Examples
    folds: npt.NDArray[np.int64]
    weights: Floats
    names: Sequence[str] = FEATURES


class TrainedTrees(msgspec.Struct, frozen=True):
    """For each fold the trees grown on the others, and those grown on all; `loss` is the mean held-out loss of a list
    in nats.
    """

    of_folds: Sequence[Similarity]
    of_all: Similarity
    loss: float


def train_trees(lists: TrainingLists, folds: int, tried: Sequence[Settings], tell: Tell) -> TrainedTrees | None:
    """Returns trees grown with the best of the settings in `tried`; None where there is too little to learn from."""
    if len(lists.folds) < LEAST_LISTS:
        return None
    data = TrainingData(lists.examples, lists.weights, lists.names)
    best = reduce(_better, (_tried(data, lists, settings, tell) for settings in tried))
    whole = data.grow(np.ones(len(lists.folds), dtype=np.bool_), best.settings).more(best.rounds)
    of_all = similarity_of(whole.booster, best.rounds, lists.names)
    if of_all is None:
        return None
    trees = {fold: similarity_of(one.booster, best.rounds, lists.names) for fold, one in best.of_folds.items()}
    # A fold without lists has no trees of its own. Nor has one that holds nearly all lists: the others are too few.
    return TrainedTrees([trees.get(fold) or of_all for fold in range(folds)], of_all, best.loss)


class _Tried(msgspec.Struct, frozen=True):
    settings: Settings
    loss: float
    rounds: int
    of_folds: dict[int, Boosting]


def _better(one: _Tried, later: _Tried) -> _Tried:
    return later if later.loss < one.loss * (1 - later.settings.ahead) else one


def _tried(data: TrainingData, lists: TrainingLists, settings: Settings, tell: Tell) -> _Tried:
    """Tries one setting: for each fold, grows trees on all others until the held-out loss no longer falls, and then for
    `beyond`.

    Where all lists are in one fold there are no others, and the loss is that of the training data itself.
    """
    every = -(-len(lists.examples.rows) // MOST_TRIED)
    some = np.arange(len(lists.folds)) % every == 0
    numbers = sorted({int(number) for number in lists.folds[some]})
    left_out = [some & (lists.folds == number) for number in numbers]
    growing = [data.grow(some & ~one if len(numbers) > 1 else some, settings) for one in left_out]
    held = [data.held(one) for one in left_out]
    weights = [lists.weights[one].sum() for one in left_out]
    losses: list[float] = []
    while len(losses) * LOOKS < settings.rounds and min(losses[-PATIENCE:], default=0.0) <= min(losses, default=0.0):
        each = [one.loss(trees.more(LOOKS)) for one, trees in zip(held, growing, strict=True)]
        losses.append(float(np.average(each, weights=weights)))
    least = min(losses)
    rounds = (losses.index(least) + 1) * LOOKS * settings.beyond
    for trees in growing:
        trees.more(rounds - len(losses) * LOOKS)  # none, where that many were grown already
    tell(f"{settings.leaves} leaves, {rounds} rounds: loss {least:.4f}")
    return _Tried(settings, least, rounds, dict(zip(numbers, growing, strict=True)))
