"""Compares groupings of the same streams: those of a model and those of rule baselines."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from processors.evaluation.calibration import JudgedConfidence
from processors.evaluation.measures import MEASURES, SumsArray, contingency_sums, measures
from processors.evaluation.rule_baselines import Grouping, RuleBaseline
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
    source_ids: Mapping[int, str] = {}


class ModelGroupings(msgspec.Struct, frozen=True):
    """What a model made of the streams, in their order; `models` has the one of each stream, which may be others.

    `kind` is `model` for a fixed one and `learned` for those that were trained to be judged, `chosen` says how.
    """

    name: str
    models: tuple[Model, ...]
    groups: tuple[Mapping[int, Group], ...]
    kind: str = "model"
    setup: str = ""


class ComparedGrouping(msgspec.Struct, frozen=True):
    """One way to group the streams: its name, which values were chosen, and the sums of each stream in order."""

    name: str
    parameter: str
    sums: tuple[SumsArray, ...]


def case_sums(case: Case, grouping: Grouping) -> SumsArray:
    """How a stream's grouping agrees with the true one; an event in no group is one of its own."""
    return contingency_sums((gold, grouping.get(id, id)) for id, gold in case.gold.items())


def grouping_of(groups: Mapping[int, Group]) -> Grouping:
    """The group of each activity."""
    return {member.id: name for name, group in groups.items() for member in group.members}


def compare(cases: Sequence[Case], peers: Iterable[RuleBaseline], by: str) -> list[ComparedGrouping]:
    """Returns each rule baseline with its best parameters: those with the highest mean of the measure over streams."""
    column = MEASURES.index(by)
    return [_with_best_parameter(cases, family, column) for family in peers]


def _with_best_parameter(cases: Sequence[Case], family: RuleBaseline, column: int) -> ComparedGrouping:
    tried = [
        {said: case_sums(case, one) for said, one in family.group_by_values(case.activities).items()} for case in cases
    ]
    said = list(tried[0])
    every = np.stack([np.stack([of[one] for of in tried]) for one in said])  # by value and stream
    scores = measures(every)[:, :, column]
    if family.oracle:
        return ComparedGrouping(family.name, "oracle", tuple(every[scores.argmax(axis=0), np.arange(len(cases))]))
    first = int(scores.mean(axis=1).argmax())
    return ComparedGrouping(family.name, said[first], tuple(every[first]))


def judged_confidences(case: Case, groups: Mapping[int, Group]) -> list[JudgedConfidence]:
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
            found.append(JudgedConfidence(group.confidence, right, group.disposition is Disposition.WORK, len(judged)))
    return found
