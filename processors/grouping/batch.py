"""The whole set at once: what a replay, `preview` and `verify` ask."""

from collections.abc import Iterable, Mapping

from processors.grouping.model import Model
from processors.grouping.working_set import WorkingSet
from schemas.groups import Group
from schemas.keys import RowKey
from schemas.values import Activity, Feedback


def group_all(
    activities: Iterable[Activity], feedback: Iterable[Feedback] = (), *, model: Model
) -> Mapping[int, Group]:
    """The groups of one timekeeper's activities, by name; of two with one id, the last given counts."""
    working_set = WorkingSet({model.version: model}, model.version)
    for version, activity in enumerate(activities):
        working_set.apply(RowKey(0, 0, "activity", activity.id), version, activity)
    for version, word in enumerate(feedback):
        working_set.apply(RowKey(0, 0, "feedback", word.id), version, word)
    working_set.decide()
    return working_set.groups
