"""The similarity classifier: how much speaks for two activities being one piece of work, as a logit in millionths.

The logit is the prior and one contribution of each feature, all whole numbers, so that contributions sum to it exactly
and no sum depends on the order or the number of pairs.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from processors.grouping.features import FEATURES, MISSING
from processors.grouping.model import Additive, Model

NAMES: tuple[str, ...] = ("prior", *FEATURES)
"""Names of a contribution matrix's columns."""

Integers = npt.NDArray[np.int64]


def score(model: Model, matrix: npt.NDArray[np.int32]) -> Integers:
    """The logit of each pair, given the pairs' features."""
    return logits(model, steps(model, matrix))


def contributions(model: Model, matrix: npt.NDArray[np.int32]) -> Integers:
    """What each of NAMES adds to each pair's logit: one row a pair, summing exactly to its score."""
    return parts(model, steps(model, matrix))


def steps(model: Model, matrix: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """On which step of its curve each feature is: all that a score is made of, a byte for each of NAMES."""
    found = np.zeros((len(matrix), len(NAMES)), dtype=np.uint8)
    for number, edges in _curves(model)[0]:
        column = matrix[:, number]
        found[:, number + 1] = np.where(column == MISSING, 0, edges.searchsorted(column, side="right") + 1)
    return found


def parts(model: Model, found: npt.NDArray[np.uint8]) -> Integers:
    """The contributions that steps stand for."""
    values: Integers = _curves(model)[1][_COLUMNS, found]
    return values


def logits(model: Model, found: npt.NDArray[np.uint8]) -> Integers:
    """The logits that steps stand for."""
    summed: Integers = parts(model, found).sum(axis=1)
    return summed


_COLUMNS = np.arange(len(NAMES))


@lru_cache(maxsize=64)
def _curves(model: Model) -> tuple[list[tuple[int, npt.NDArray[np.int32]]], Integers]:
    """The edges of each feature that has a curve, and the value of each of NAMES at each step (0: missing)."""
    edges = []
    values = np.zeros((len(NAMES), 256), dtype=np.int64)
    values[0, 0] = model.similarity.prior
    for number, name in enumerate(FEATURES):
        curve = model.similarity.curves.get(name)
        if curve is not None:
            edges.append((number, np.array(curve.edges, dtype=np.int32)))
            values[number + 1, : len(curve.values) + 1] = (curve.missing, *curve.values)
    return edges, values


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
