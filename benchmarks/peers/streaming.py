"""River's clusterers of streams (BSD-3-Clause): DBSTREAM and DenStream, which take one event after the other.

An event is a point: its words hashed to some dimensions, and when it began, in units of `scale_hours`. They are told
to forget nothing, for work may be taken up again after weeks, and are judged by the clusters after the last event.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import msgspec
import numpy as np
from river.cluster import DBSTREAM, DenStream

from benchmarks.peers.judging import events_of
from benchmarks.peers.texts import Vectors, hashed, hours
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping
from schemas.values import Activity

DIMENSIONS = 64
EVER = 1e-9
"""A rate of forgetting that is none (0 is refused)."""

SCALES = (0.1, 1.0, 24.0, 240.0, 2_400.0)


class Setting(msgspec.Struct, frozen=True):
    """How far a cluster reaches, and how many hours count as 1; `alone`: what is farther than that from the middle of
    every cluster is a group of its own, where River gives it to the nearest.
    """

    reach: float
    scale_hours: float
    alone: bool

    def __str__(self) -> str:
        far = ", far ones alone" if self.alone else ""
        return f"reach {self.reach:g}, {self.scale_hours:g} h as 1{far}"


class Streaming:
    """One of River's: learns each event, and clusters what it has learned."""

    again = False

    def __init__(self, name: str, make: Callable[[float], Any], reaches: Sequence[float]) -> None:
        self.name, self._make, self._reaches = f"{name} (River)", make, reaches
        every = (Setting(*one) for one in product(reaches, SCALES, (False, True)))
        self._settings = {str(one): one for one in every}

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        """Each learned once, with far events in both ways."""
        for scale in SCALES:
            points = _points(case.activities, scale)
            for reach in self._reaches:
                model = self._learned(points, reach)
                for alone in (False, True):
                    one = Setting(reach, scale, alone)
                    yield str(one), events_of(case.activities, _labels(model, points, one))

    def group(self, case: Case, said: str) -> Grouping:
        """The clusters after the last event."""
        one = self._settings[said]
        points = _points(case.activities, one.scale_hours)
        return events_of(case.activities, _labels(self._learned(points, one.reach), points, one))

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        """Learns it and says its cluster; to make a point of its words isn't counted."""
        one = self._settings[said]
        rows = [_row(point) for point in _points(case.activities[: before + 1_000], one.scale_hours)]
        model = self._make(one.reach)
        for row in rows[:before]:
            model.learn_one(row)
        for row in rows[before:]:
            began = time.process_time()
            model.learn_one(row)
            model.predict_one(row)
            yield time.process_time() - began

    def _learned(self, points: Vectors, reach: float) -> Any:
        model = self._make(reach)
        for point in points:
            model.learn_one(_row(point))
        return model


def dbstream() -> Streaming:
    """Clusters of any weight, joined where they share a third of their events."""
    return Streaming(
        "DBSTREAM",
        lambda reach: DBSTREAM(
            clustering_threshold=reach,
            fading_factor=EVER,
            cleanup_interval=10**9,
            intersection_factor=0.3,
            minimum_weight=0,
        ),
        (0.8, 1.1, 1.4, 1.7),
    )


def denstream() -> Streaming:
    """Two events make a cluster, the fewest that the method allows."""
    return Streaming(
        "DenStream",
        lambda reach: DenStream(
            decaying_factor=1e-5, beta=0.6, mu=1.7, epsilon=reach, n_samples_init=2, stream_speed=1
        ),
        (0.2, 0.6, 1.0, 1.4),
    )


def _points(activities: Sequence[Activity], scale_hours: float) -> Vectors:
    return np.column_stack([hashed(activities, DIMENSIONS), hours(activities) / scale_hours])


def _row(point: Vectors) -> dict[int, float]:
    return dict(enumerate(point.tolist()))


def _labels(model: Any, points: Vectors, one: Setting) -> list[object]:
    """What `predict_one` would say of each, without clustering what was learned anew for each."""
    model.predict_one(_row(points[-1]))
    centres = {name: np.array([centre[n] for n in range(points.shape[1])]) for name, centre in model.centers.items()}
    if not centres:
        return list(range(len(points)))
    names, middles = list(centres), np.stack(list(centres.values()))
    labels: list[object] = []
    for at, point in enumerate(points):
        distances = np.sqrt(((middles - point) ** 2).sum(axis=1))
        nearest = int(distances.argmin())
        far = one.alone and distances[nearest] > one.reach
        labels.append(("alone", at) if far else names[nearest])
    return labels
