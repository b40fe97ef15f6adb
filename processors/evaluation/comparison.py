"""Groupings of the same streams beside each other: what a model made of them, and what simple rules make of them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from processors.evaluation.calibration import Sure
from processors.evaluation.counting import Sums, count
from processors.evaluation.measures import MEASURES, measures
from processors.evaluation.rule_baselines import Family, Grouping
from processors.grouping.model.grouping_model import Model
from schemas.groups import Disposition, Group
from schemas.values import Activity


class Case(msgspec.Struct, frozen=True):
    """A stream to be grouped: its activities, and the true group of those that are judged (one at least).

    What isn't judged is grouped too, and left out of every group when that is judged. `block` says which part of the
    stream's time is judged, where it was cut (`blocks`); `names` are the events' own ids, where they have others.
    """

    stream: str
    activities: tuple[Activity, ...]
    gold: Mapping[int, Hashable]
    block: int = 0
    names: Mapping[int, str] = {}


class Trial(msgspec.Struct, frozen=True):
    """What a model made of the streams, in their order; `models` has the one of each stream, which may be others.

    `kind` is `model` for a fixed one and `learned` for those that were trained to be judged, `chosen` says how.
    """

    name: str
    models: tuple[Model, ...]
    groups: tuple[Mapping[int, Group], ...]
    kind: str = "model"
    chosen: str = ""


class Entrant(msgspec.Struct, frozen=True):
    """One way to group the streams: its name, which values were chosen, and the sums of each stream in order."""

    name: str
    chosen: str
    sums: tuple[Sums, ...]


def sums_of(case: Case, grouping: Grouping) -> Sums:
    """How a stream's grouping agrees with the true one; an event in no group is one of its own."""
    return count((gold, grouping.get(id, id)) for id, gold in case.gold.items())


def grouping_of(groups: Mapping[int, Group]) -> Grouping:
    """The group of each activity."""
    return {member.id: name for name, group in groups.items() for member in group.members}


def compete(cases: Sequence[Case], peers: Iterable[Family], by: str) -> list[Entrant]:
    """Each peer with its best values: those whose mean of the measure `by` over streams is highest."""
    column = MEASURES.index(by)
    return [_best(cases, family, column) for family in peers]


def _best(cases: Sequence[Case], family: Family, column: int) -> Entrant:
    tried = [{said: sums_of(case, one) for said, one in family.tries(case.activities).items()} for case in cases]
    said = list(tried[0])
    every = np.stack([np.stack([of[one] for of in tried]) for one in said])  # by value and stream
    scores = measures(every)[:, :, column]
    if family.oracle:
        return Entrant(family.name, "oracle", tuple(every[scores.argmax(axis=0), np.arange(len(cases))]))
    first = int(scores.mean(axis=1).argmax())
    return Entrant(family.name, said[first], tuple(every[first]))


def sure_of(case: Case, groups: Mapping[int, Group]) -> list[Sure]:
    """What each of a model's groups claims, and whether it is right; without outliers, which claim nothing, and
    without groups of which no event is judged.
    """
    gold: dict[Hashable, set[int]] = {}
    for id, true in case.gold.items():
        gold.setdefault(true, set()).add(id)
    found = []
    for group in groups.values():
        judged = {member.id for member in group.members} & case.gold.keys()
        if judged and group.disposition is not Disposition.OUTLIER:
            right = gold[case.gold[min(judged)]] == judged
            found.append(Sure(group.confidence, right, group.disposition is Disposition.WORK, len(judged)))
    return found
