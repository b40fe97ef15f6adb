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
    logits: Integers = contributions(model, matrix).sum(axis=1)
    return logits


def contributions(model: Model, matrix: npt.NDArray[np.int32]) -> Integers:
    """What each of NAMES adds to each pair's logit: one row a pair, summing exactly to its score."""
    parts = np.zeros((len(matrix), len(NAMES)), dtype=np.int64)
    parts[:, 0] = model.similarity.prior
    for number, edges, values in tables(model):
        column = matrix[:, number]
        steps = np.where(column == MISSING, len(values) - 1, np.searchsorted(edges, column, side="right"))
        parts[:, number + 1] = values[steps]
    return parts


@lru_cache(maxsize=64)
def tables(model: Model) -> tuple[tuple[int, npt.NDArray[np.int32], Integers], ...]:
    """For each curve: its feature's column, edges, and values with the one for missing at the end."""
    return tuple(
        (number, np.array(curve.edges, dtype=np.int32), np.array([*curve.values, curve.missing], dtype=np.int64))
        for number, name in enumerate(FEATURES)
        if (curve := model.similarity.curves.get(name)) is not None
    )


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
