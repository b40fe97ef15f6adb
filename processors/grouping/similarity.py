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
    edges, before, _ = _curves(model)
    found = np.zeros((len(matrix), len(NAMES)), dtype=np.uint8)
    # Column by column, as `features` lays them out: neighbours then mostly end on the same edge.
    found[:, 1:].T[:] = edges.searchsorted(matrix.T + _OFFSETS, side="right") - before
    return found


def parts(model: Model, found: npt.NDArray[np.uint8]) -> Integers:
    """The contributions that steps stand for."""
    values: Integers = _curves(model)[2][_COLUMNS, found]
    return values


def logits(model: Model, found: npt.NDArray[np.uint8]) -> Integers:
    """The logits that steps stand for."""
    summed: Integers = parts(model, found).sum(axis=1)
    return summed


_COLUMNS = np.arange(len(NAMES))
_OFFSETS = (np.arange(len(FEATURES), dtype=np.int64) << 32)[:, None]
"""Added to a feature, it keeps the features apart: one search among all edges is much faster than one for each."""


@lru_cache(maxsize=64)
def _curves(model: Model) -> tuple[Integers, Integers, Integers]:
    """All edges, each with its feature's offset; how many of them are before each feature's; and the value of each of
    NAMES at each step (0: missing).
    """
    edges: list[Integers] = []
    before = np.zeros((len(FEATURES), 1), dtype=np.int64)
    values = np.zeros((len(NAMES), 256), dtype=np.int64)
    values[0, 0] = model.similarity.prior
    for number, name in enumerate(FEATURES):
        before[number] = sum(map(len, edges))
        curve = model.similarity.curves.get(name)
        if curve is not None:
            # The first edge is that between missing and known; no value is between the two.
            own = np.array((MISSING + 1, *curve.edges), dtype=np.int32)
            edges.append(np.maximum(own, MISSING + 1) + _OFFSETS[number])
            values[number + 1, : len(curve.values) + 1] = (curve.missing, *curve.values)
    return np.concatenate((*edges, np.zeros(0, dtype=np.int64))), before, values


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
