"""What confidences are worth: a group is right if its judged events are exactly those of a true group."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.groups import SCORE_SCALE

BINS = 10


class JudgedConfidence(msgspec.Struct, frozen=True):
    """A group that claims to be one piece of work: how sure it is (millionths), whether it is right and is shown, and
    how many judged events it has, one at least.
    """

    confidence: int
    right: bool
    shown: bool
    events: int


class ReliabilityBin(msgspec.Struct, frozen=True):
    """Groups of like confidence: how many, their mean confidence, and the share of them that is right."""

    groups: int
    confidence: float
    right: float


class Calibration(msgspec.Struct, frozen=True):
    """Shares of 1. `error` is the expected calibration error over `bins`; `auroc` how often a right group is surer than
    a wrong one (None: there aren't both). Of the groups that are shown `precision` are right (None: none is shown);
    they are `coverage` of the groups, and hold `coverage_events` of their events.
    """

    groups: int
    right: float
    error: float
    auroc: float | None
    precision: float | None
    coverage: float
    coverage_events: float
    bins: tuple[ReliabilityBin, ...]


def calibrate(groups: Sequence[JudgedConfidence], bins: int = BINS) -> Calibration | None:
    """What the confidences of these groups are worth; None of no groups."""
    if not groups:
        return None
    sure = np.array([one.confidence for one in groups], dtype=np.int64)
    right = np.array([one.right for one in groups], dtype=np.bool_)
    shown = np.array([one.shown for one in groups], dtype=np.bool_)
    events = np.array([one.events for one in groups], dtype=np.int64)
    found = reliability_bins(sure, right, bins)
    return Calibration(
        groups=len(groups),
        right=float(right.mean()),
        error=sum(one.groups * abs(one.confidence - one.right) for one in found) / len(groups),
        auroc=_auroc(sure, right),
        precision=float(right[shown].mean()) if shown.any() else None,
        coverage=float(shown.mean()),
        coverage_events=float(events[shown].sum() / events.sum()),
        bins=found,
    )


def reliability_bins(
    confidences: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], bins: int
) -> tuple[ReliabilityBin, ...]:
    """Bins of as equal mass as can be: groups of one confidence share a bin, so that no order among them matters."""
    values, which, counts = np.unique(confidences, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2  # the mean rank of those who share the value, from 0
    number = (middle * bins / len(confidences)).astype(np.int64)
    rights = np.bincount(which, weights=right)
    found = []
    for one in np.unique(number):
        of = number == one
        mass = int(counts[of].sum())
        mean = int((values[of] * counts[of]).sum()) / mass / SCORE_SCALE
        found.append(ReliabilityBin(mass, mean, float(rights[of].sum()) / mass))
    return tuple(found)


def _auroc(confidences: npt.NDArray[np.int64], right: npt.NDArray[np.bool_]) -> float | None:
    """By ranks; of two with one confidence each counts as the surer by half."""
    good = int(right.sum())
    bad = len(right) - good
    if not good or not bad:
        return None
    _, which, counts = np.unique(confidences, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which]
    return float((ranks[right].sum() - good * (good + 1) / 2) / (good * bad))
