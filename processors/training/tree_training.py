"""Chooses how trees are grown, by what they lose of folds that they weren't grown on, and grows them."""

from collections.abc import Callable, Sequence
from functools import reduce

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import Similarity
from processors.training.boosting import Ground, Growing, Settings, similarity_of
from processors.training.examples import Examples

LEAST_LISTS = 200
"""Of fewer no trees are grown."""

MOST_TRIED = 750_000
"""Rows on which it is tried how to grow trees; of more every second list is taken, or every third, and so on."""

LOOKS, PATIENCE = 25, 2
"""Rounds between two looks at what the folds that weren't learned from lose, and so many looks may show them lose more.
"""

Tell = Callable[[str], None]
Floats = npt.NDArray[np.float64]


class Lessons(msgspec.Struct, frozen=True, eq=False):
    """What there is to learn: lists, each with its fold's number and its weight. `names` are those of the columns."""

    examples: Examples
    folds: npt.NDArray[np.int64]
    weights: Floats
    names: Sequence[str] = FEATURES


class Grown(msgspec.Struct, frozen=True):
    """Trees for each fold, grown on the others, and those grown on all; what the folds lost, a list's mean in nats."""

    of_folds: Sequence[Similarity]
    of_all: Similarity
    loss: float


def grown(lessons: Lessons, folds: int, tried: Sequence[Settings], tell: Tell) -> Grown | None:
    """Trees grown in the best of the ways that are tried; None where there is too little to learn from."""
    if len(lessons.folds) < LEAST_LISTS:
        return None
    ground = Ground(lessons.examples, lessons.weights, lessons.names)
    best = reduce(_better, (_tried(ground, lessons, settings, tell) for settings in tried))
    whole = ground.grow(np.ones(len(lessons.folds), dtype=np.bool_), best.settings).more(best.rounds)
    of_all = similarity_of(whole.booster, best.rounds, lessons.names)
    if of_all is None:
        return None
    trees = {fold: similarity_of(one.booster, best.rounds, lessons.names) for fold, one in best.of_folds.items()}
    # Of a fold that has no lists nothing was learned; of the others nothing can be, where one has nearly all.
    return Grown([trees.get(fold) or of_all for fold in range(folds)], of_all, best.loss)


class _Tried(msgspec.Struct, frozen=True):
    settings: Settings
    loss: float
    rounds: int
    of_folds: dict[int, Growing]


def _better(one: _Tried, later: _Tried) -> _Tried:
    return later if later.loss < one.loss * (1 - later.settings.ahead) else one


def _tried(ground: Ground, lessons: Lessons, settings: Settings, tell: Tell) -> _Tried:
    """One way: trees on all folds but one, for each, until the folds that are left out lose no less any more, and
    `beyond`.

    Where all lists are of one fold there are no others, and it is judged by what it lost itself.
    """
    every = -(-len(lessons.examples.rows) // MOST_TRIED)
    some = np.arange(len(lessons.folds)) % every == 0
    numbers = sorted({int(number) for number in lessons.folds[some]})
    left_out = [some & (lessons.folds == number) for number in numbers]
    growing = [ground.grow(some & ~one if len(numbers) > 1 else some, settings) for one in left_out]
    held = [ground.held(one) for one in left_out]
    weights = [lessons.weights[one].sum() for one in left_out]
    losses: list[float] = []
    while len(losses) * LOOKS < settings.rounds and min(losses[-PATIENCE:], default=0.0) <= min(losses, default=0.0):
        each = [one.loss(trees.more(LOOKS)) for one, trees in zip(held, growing, strict=True)]
        losses.append(float(np.average(each, weights=weights)))
    least = min(losses)
    rounds = (losses.index(least) + 1) * LOOKS * settings.beyond
    for trees in growing:
        trees.more(rounds - len(losses) * LOOKS)  # none, where as many were looked at
    tell(f"{settings.leaves} leaves, {rounds} rounds: loss {least:.4f}")
    return _Tried(settings, least, rounds, dict(zip(numbers, growing, strict=True)))
