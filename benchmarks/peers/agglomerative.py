"""Agglomerative clustering with average linkage over all pairs of a stream, by scikit-learn (BSD-3-Clause).

Two events are as far apart as their words (1 - cosine) and their times are (a share that halves with a fixed span of
time, and is 0 at once), weighed against each other. As it compares all pairs, a long stream is cut into windows.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import msgspec
import numpy as np
from sklearn.cluster import AgglomerativeClustering

from benchmarks.peers.judging import events_of
from benchmarks.peers.texts import Vectors, hours, weighed
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping
from schemas.values import Activity

WINDOW = 2_000
"""Most events that are compared with each other: their distances fill 32 MB, and tables on the way some more."""


class Setting(msgspec.Struct, frozen=True):
    """How much words count (time has the rest), after how many hours time says half as much, and where to cut."""

    words: float
    half_hours: float
    cut: float

    def __str__(self) -> str:
        return f"words {self.words:g}, half after {self.half_hours:g} h, cut at {self.cut:g}"


KINDS = (*product((0.3, 0.5, 0.7, 0.85), (0.2, 2.0, 24.0, 168.0, 720.0)), (1.0, 24.0))
CUTS = (0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.94, 0.97)
SETTINGS = {str(one): one for one in (Setting(*kind, cut) for kind in KINDS for cut in CUTS)}


class Agglomerative:
    """The whole stream anew at each event; its groups are those of the last time."""

    name, again = "agglomerative (scikit-learn)", True

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        """One tree for each kind of distance, cut at each height: as if clustered with that threshold."""
        for words, half in KINDS:
            parts = [(part, _tree(_distances(part, words, half))) for part in _windows(case.activities)]
            for cut in CUTS:
                labels = [(at, label) for at, (_, tree) in enumerate(parts) for label in _cut(tree, cut)]
                yield str(Setting(words, half, cut)), events_of(case.activities, labels)

    def group(self, case: Case, said: str) -> Grouping:
        """With scikit-learn's own threshold."""
        one = SETTINGS[said]
        labels = [(at, label) for at, part in enumerate(_windows(case.activities)) for label in _labels(part, one)]
        return events_of(case.activities, labels)

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        """All events so far again, words and distances included."""
        for end in range(before + 1, len(case.activities) + 1):
            began = time.process_time()
            _labels(case.activities[:end], SETTINGS[said])
            yield time.process_time() - began


def _windows(activities: Sequence[Activity]) -> list[Sequence[Activity]]:
    """Parts of the stream of nearly the same size, WINDOW at most."""
    parts = max(1, -(-len(activities) // WINDOW))
    ends = [len(activities) * n // parts for n in range(parts + 1)]
    return [activities[begin:end] for begin, end in pairwise(ends)]


def _labels(activities: Sequence[Activity], one: Setting) -> list[int]:
    if len(activities) < 2:
        return [0] * len(activities)
    clusters = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=one.cut
    )
    found: list[int] = clusters.fit_predict(_distances(activities, one.words, one.half_hours)).tolist()
    return found


def _distances(activities: Sequence[Activity], words: float, half_hours: float) -> Vectors:
    matrix, began = weighed(activities), hours(activities)
    found = (matrix @ matrix.T).toarray()
    found *= -words
    gaps = np.abs(began[:, None] - began[None, :])
    gaps *= -1 / half_hours
    found -= (1 - words) * np.exp2(gaps, out=gaps)
    found += 1
    np.fill_diagonal(found, 0)
    return np.maximum(found, 0, out=found)


class _Tree(msgspec.Struct, frozen=True):
    """What joined what at which distance, in scikit-learn's form."""

    leaves: int
    children: list[list[int]]
    distances: list[float]


def _tree(distances: Vectors) -> _Tree:
    if len(distances) < 2:
        return _Tree(len(distances), [], [])
    whole = AgglomerativeClustering(n_clusters=None, metric="precomputed", linkage="average", distance_threshold=0)
    whole.fit(distances)
    return _Tree(len(distances), whole.children_.tolist(), whole.distances_.tolist())


def _cut(tree: _Tree, at: float) -> list[int]:
    """Leaves have the label of the highest node below the cut. With average linkage no node is below its children."""
    above = list(range(tree.leaves + len(tree.children)))
    for node, (children, distance) in enumerate(zip(tree.children, tree.distances, strict=True), tree.leaves):
        if distance < at:
            for child in children:
                above[child] = node
    for node in reversed(range(len(above))):
        above[node] = above[above[node]]
    return above[: tree.leaves]
