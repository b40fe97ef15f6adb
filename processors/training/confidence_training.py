"""Fits the confidence classifier: how often groups with such features are right, as curves that sum to log-odds.

The groups are of streams, or blocks of time, that the trees were not learned from, because a model is too confident
about its own training data.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from processors.grouping.model.grouping_model import Additive, Confidence, Curve
from processors.grouping.outcome.confidence import ConfidenceFeatures, confidence
from schemas.groups import SCORE_SCALE

STEPS = 8
"""The steps of a feature's curve, each with about as many groups."""

RIDGE = 30.0
"""The penalty on weights. It keeps what a few groups or one person show from counting much for others."""

SHOWN_RIGHT = 0.96
"""The share of the shown groups that has to be right: a little more than what is promised for people never seen."""

JudgedGroup = tuple[ConfidenceFeatures, bool]
"""A group's features, and whether it is right."""

Floats = npt.NDArray[np.float64]


def fit_confidence(folds: Sequence[Sequence[JudgedGroup]]) -> Confidence:
    """Returns curves for the probability that groups are right, and the confidence from which on groups are shown. That
    threshold is chosen by confidences from curves that were fitted on the other folds.
    """
    filled = [fold for fold in folds if fold]
    every = [one for fold in filled for one in fold]
    logit, unseen = _curves(every), list[int]()
    for at, fold in enumerate(filled):
        others = [one for number, other in enumerate(filled) for one in other if number != at]
        by = Confidence(_curves(others) if others else logit, 0)
        unseen += [confidence(by, signs) for signs, _ in fold]
    return Confidence(logit, shown_from(unseen, [right for _, right in every]))


def _curves(judged: Sequence[JudgedGroup]) -> Additive:
    """Returns the curves of a penalised logistic regression over steps."""
    signs, outcome = [one for one, _ in judged], np.array([right for _, right in judged], dtype=np.float64)
    names = ConfidenceFeatures.__struct_fields__
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


def shown_from(confidences: Sequence[int], right: Sequence[bool]) -> int:
    """Returns the least confidence (millionths) from which on SHOWN_RIGHT of the groups are right; SCORE_SCALE where
    there is none.
    """
    found, many, good = SCORE_SCALE, 0, 0
    ranked = sorted(zip(confidences, right, strict=True), reverse=True)
    for at, (one, is_right) in enumerate(ranked):
        many, good = many + 1, good + is_right
        last = at + 1 == len(ranked) or ranked[at + 1][0] < one  # groups of equal confidence are shown together
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
    """Returns the number of the step of each value; 0 for a missing one."""
    return np.array([0 if value is None else 1 + sum(edge <= value for edge in edges) for value in values])


def _regressed(design: Floats, outcome: Floats) -> tuple[float, Floats]:
    """Returns prior and weights of a logistic regression with a ridge, by Newton's method."""
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
