"""Ours and the peers on the same labelled streams: a peer's values, how well it groups, and how long it takes.

Nothing here needs a peer's packages.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec
import numpy as np

from processors.evaluation.bootstrap import MeasureIntervals, bootstrap_measures
from processors.evaluation.comparison import Case, case_sums, grouping_of
from processors.evaluation.measures import MEASURES, SumsArray, measures
from processors.evaluation.rule_baselines import Grouping
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from processors.grouping.working_set import WorkingSet
from schemas.keys import RowKey
from schemas.values import Activity

BY = "B3-F"
"""The measure by which a peer's values are chosen, the mean over streams."""

SIZES = (100, 300, 1_000, 3_000, 5_000)
"""How many events are open when one more comes."""

LAPS, BUDGET_S = 100, 5.0
"""One more event is measured so often, or until so much time has gone; if that is one alone, no more are waited for."""


class Peer(Protocol):
    """A way to group streams. What it is given are streams' activities in the order of their starts."""

    name: str
    again: bool
    """Whether one more event means the whole again."""

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        """What each of its values makes of a stream, by what is said of the value."""

    def group(self, case: Case, said: str) -> Grouping:
        """A stream grouped with one of its values."""

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        """Takes in so many events, then one more and again one more: the seconds of processor time of each."""


class One(msgspec.Struct, frozen=True):
    """One more event among `open` others, milliseconds of processor time; of a few laps p99 is the slowest."""

    open: int
    laps: int
    p50_ms: float
    p99_ms: float


class Rated(msgspec.Struct, frozen=True):
    """A way to group with its figures.

    `values`: how many were tried; `again`: one more event means the whole again; `stream_s`: the seconds that a
    stream of as many events as the last of `one_more` takes, one after the other, reckoned between the sizes seen.
    """

    name: str
    chosen: str
    values: int
    again: bool
    groups: int
    measured: MeasureIntervals
    streams: dict[str, dict[str, float]]
    events_per_s: int
    one_more: list[One]
    stream_s: float


class Ours:
    """What ships: the whole set at once, and one change among those that are open."""

    again = False

    def __init__(self, model: Model) -> None:
        self.name, self._model = model.version, model

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        """There is nothing to choose."""
        yield "", self.group(case, "")

    def group(self, case: Case, said: str) -> Grouping:
        """As `preview` and a replay do."""
        return grouping_of(group_all(case.activities, model=self._model))

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        """As the stream does."""
        working_set = WorkingSet({self._model.version: self._model}, self._model.version)
        for activity in case.activities[:before]:
            working_set.apply(RowKey(0, 0, "activity", activity.id), activity.id, activity)
        working_set.decide()
        for activity in case.activities[before:]:
            began = time.process_time()
            working_set.apply(RowKey(0, 0, "activity", activity.id), activity.id, activity)
            working_set.decide()
            yield time.process_time() - began


def in_order(case: Case, most: int | None = None) -> Case:
    """The stream in the order of events, without excluded ones; or only until so many of them are judged."""
    kept = sorted((one for one in case.activities if not one.excluded), key=lambda one: (one.started_at, one.id))
    judged = [at for at, one in enumerate(kept) if one.id in case.gold]
    if most is not None and most < len(judged):
        kept = kept[: judged[most - 1] + 1]
    ids = {one.id for one in kept}
    return Case(case.stream, tuple(kept), {id: gold for id, gold in case.gold.items() if id in ids})


def rated(cases: Sequence[Case], long: Case, peer: Peer, *, choose_from: int, sizes: Sequence[int] = SIZES) -> Rated:
    """The peer with its best values, chosen on the first `choose_from` judged events of each stream, measured on all.
    One more event is timed on the `long` stream. Cases are `in_order`.
    """
    values = _tried([in_order(case, choose_from) for case in cases], peer)
    chosen = max(values, key=values.__getitem__)
    began = time.process_time()
    groupings = [peer.group(case, chosen) for case in cases]
    took = time.process_time() - began
    sums = [case_sums(case, grouping) for case, grouping in zip(cases, groupings, strict=True)]
    ones: list[One] = []
    for size in sizes:
        if size < len(long.activities) and (not ones or ones[-1].p50_ms < BUDGET_S * 1e3):
            ones.append(_one(peer, long, size, chosen))
    return Rated(
        name=peer.name,
        chosen=chosen,
        values=len(values),
        again=peer.again,
        groups=sum(_judged_groups(case, one) for case, one in zip(cases, groupings, strict=True)),
        measured=bootstrap_measures(sums, 0),
        streams={case.stream: _by_name(one) for case, one in zip(cases, sums, strict=True)},
        events_per_s=round(sum(len(case.activities) for case in cases) / max(took, 1e-9)),
        one_more=ones,
        stream_s=_one_by_one(ones),
    )


def _tried(cases: Sequence[Case], peer: Peer) -> Mapping[str, float]:
    """The mean over streams of `BY`, of each value."""
    column = MEASURES.index(BY)
    found: dict[str, list[float]] = {}
    for case in cases:
        for said, grouping in peer.tries(case):
            found.setdefault(said, []).append(float(measures(case_sums(case, grouping))[column]))
    return {said: sum(scores) / len(scores) for said, scores in found.items()}


def _one(peer: Peer, long: Case, size: int, said: str) -> One:
    laps: list[float] = []
    for lap in islice(peer.one_more(long, size, said), LAPS):
        laps.append(lap)
        if sum(laps) > BUDGET_S:
            break
    p50, p99 = (round(float(np.quantile(laps, share, method="higher")) * 1e3, 3) for share in (0.5, 0.99))
    return One(size, len(laps), p50, p99)


def _one_by_one(ones: Sequence[One]) -> float:
    """All events of a stream, each at what one more took among as many: straight lines between the sizes."""
    sizes = [0, *(one.open for one in ones)]
    seconds = [0.0, *(one.p50_ms / 1e3 for one in ones)]
    return round(float(np.trapezoid(seconds, sizes)), 4)


def _judged_groups(case: Case, grouping: Grouping) -> int:
    return len({grouping.get(id, id) for id in case.gold})


def _by_name(sums: SumsArray) -> dict[str, float]:
    return dict(zip(MEASURES, measures(sums).tolist(), strict=True))


def events_of(activities: Sequence[Activity], labels: Sequence[object]) -> Grouping:
    """Groups from a label for each; a group is named by its first event."""
    first: dict[object, int] = {}
    return {one.id: first.setdefault(label, one.id) for one, label in zip(activities, labels, strict=True)}
