"""How far a measure would move had other streams been at hand: the bootstrap, which draws streams with replacement.

Streams are drawn and not events: a person's events resemble each other, so that drawing events would promise too much.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from processors.evaluation.measures import MEASURES, SumsArray, measures

BOOTSTRAP_DRAWS = 1_000
CONFIDENCE_LEVEL = 0.95


class Interval(msgspec.Struct, frozen=True):
    """A measure in percent, and where it lies in 95 of 100 draws of streams; None where there are too few to draw."""

    value: float
    low: float | None = None
    high: float | None = None


class MeasureIntervals(msgspec.Struct, frozen=True):
    """Each measure over all streams: `pooled` as one lot of events, `mean` with one voice for each stream."""

    pooled: dict[str, Interval]
    mean: dict[str, Interval]


def bootstrap_measures(streams: Sequence[SumsArray], seed: int, draws: int = BOOTSTRAP_DRAWS) -> MeasureIntervals:
    """The measures of the streams (one or more) with their intervals.

    The draws depend only on the seed and the number of streams, so two groupings of the same streams are compared on
    the same draws.
    """
    sums = np.stack(list(streams))
    each = measures(sums)
    pooled, mean = measures(sums.sum(axis=0)), each.mean(axis=0)
    if len(sums) == 1:
        return MeasureIntervals(_by_measure(pooled), _by_measure(mean))
    drawn = np.random.default_rng(seed).integers(len(sums), size=(draws, len(sums)))
    # How often each stream is drawn, so that sums over draws are one product instead of a table of all of them.
    times = np.stack([np.bincount(draw, minlength=len(sums)) for draw in drawn]).astype(np.float64)
    return MeasureIntervals(
        _by_measure(pooled, measures(times @ sums)),
        _by_measure(mean, times @ each / len(sums)),
    )


def _by_measure(values: SumsArray, draws: SumsArray | None = None) -> dict[str, Interval]:
    if draws is None:
        return {name: Interval(float(value)) for name, value in zip(MEASURES, values, strict=True)}
    low, high = np.quantile(draws, ((1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2), axis=0)
    ends = zip(MEASURES, values, low, high, strict=True)
    return {name: Interval(float(value), float(least), float(most)) for name, value, least, most in ends}
