"""The confidence classifier's training: how often groups with such signs are right, as curves that sum to a logit.

The groups are of streams, or of blocks of time, that the trees were not learned from; of its own a model is surer than
it may be.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from processors.grouping.model.grouping_model import Additive, Confidence, Curve
from processors.grouping.outcome.confidence import Signs, confidence
from schemas.groups import SCORE_SCALE

STEPS = 8
"""Steps of a sign's curve, each with as many groups."""

RIDGE = 30.0
"""How much of a weight is held against it, so that what a few groups say, or one person's, says little of others'."""

SHOWN_RIGHT = 0.96
"""Of the groups that are shown so many shall be right: a little more than what is promised of people never seen."""

Judged = tuple[Signs, bool]
"""A group's signs, and whether it was right."""

Floats = npt.NDArray[np.float64]


def fitted(folds: Sequence[Sequence[Judged]]) -> Confidence:
    """Curves that say how often groups are right, and from which confidence on groups are shown; that is chosen by how
    sure curves of the other folds are.
    """
    filled = [fold for fold in folds if fold]
    every = [one for fold in filled for one in fold]
    logit, unseen = _curves(every), list[int]()
    for at, fold in enumerate(filled):
        others = [one for number, other in enumerate(filled) for one in other if number != at]
        by = Confidence(_curves(others) if others else logit, 0)
        unseen += [confidence(by, signs) for signs, _ in fold]
    return Confidence(logit, shown_from(unseen, [right for _, right in every]))


def _curves(judged: Sequence[Judged]) -> Additive:
    """By penalised logistic regression over steps."""
    signs, outcome = [one for one, _ in judged], np.array([right for _, right in judged], dtype=np.float64)
    names = Signs.__struct_fields__
    edges = {name: _edges([getattr(one, name) for one in signs]) for name in names}
    columns = [_steps([getattr(one, name) for one in signs], edges[name]) for name in names]
    widths = [len(edges[name]) + 2 for name in names]
    design = np.concatenate([np.eye(width)[column] for width, column in zip(widths, columns, strict=True)], axis=1)
    prior, weights = _regressed(design, outcome)
    curves, at = {}, 0
    for name, width in zip(names, widths, strict=True):
        missing, *values = (round(value * 1_000_000) for value in weights[at : at + width])
        curves[name] = Curve(edges[name], tuple(values), missing)
        at += width
    return Additive(round(prior * 1_000_000), curves)


def shown_from(sure: Sequence[int], right: Sequence[bool]) -> int:
    """The least confidence (millionths) from which on SHOWN_RIGHT of the groups are right; MICRO for none."""
    found, many, good = SCORE_SCALE, 0, 0
    ranked = sorted(zip(sure, right, strict=True), reverse=True)
    for at, (one, is_right) in enumerate(ranked):
        many, good = many + 1, good + is_right
        last = at + 1 == len(ranked) or ranked[at + 1][0] < one  # of equals all are shown, or none
        if last and good >= SHOWN_RIGHT * many:
            found = one
    return found


def _edges(values: Sequence[int | None]) -> tuple[int, ...]:
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return ()
    cuts = np.unique(np.quantile(known, np.arange(1, STEPS) / STEPS, method="higher"))
    return tuple(int(cut) for cut in cuts if cut > known.min())


def _steps(values: Sequence[int | None], edges: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """0 for missing, then which step."""
    return np.array([0 if value is None else 1 + sum(edge <= value for edge in edges) for value in values])


def _regressed(design: Floats, outcome: Floats) -> tuple[float, Floats]:
    """Prior and weights of a logistic regression with a ridge, by Newton's method."""
    rows = np.concatenate((np.ones((len(design), 1)), design), axis=1)
    penalty = np.diag([1e-6, *np.full(design.shape[1], RIDGE)])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        share = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (share - outcome) + penalty @ weights
        step = np.linalg.solve((rows * (share * (1 - share))[:, None]).T @ rows + penalty, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), weights[1:]
