"""The whole set at once: what a replay, `preview` and `verify` ask."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from processors.grouping.model.grouping_model import Joining, Model, Regime, Similarity
from processors.grouping.model.trees import Split, Tree
from processors.grouping.similarity.log_odds import LEAST, MOST
from processors.grouping.working_set import WorkingSet
from schemas.groups import Group
from schemas.keys import RowKey
from schemas.values import Activity, Apart, Feedback, Kind, Together, Words

_MINUTE_US = 60_000_000


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


def warm_up(model: Model) -> None:
    """Has all that is compiled be compiled, or fetched from where it is kept, before anybody waits for it: groups a few
    made-up activities of both regimes, with everything that people may say, by this model and by one of small trees
    that joins no activities and all strands.
    """
    kinds = (Kind.WINDOW, Kind.MESSAGE)
    made = [
        Activity(id, kinds[id % 2], id * _MINUTE_US, None, "UTC", Words(f"plan {id % 3}", "bob: and?", actor="ann"))
        for id in range(1, 25)
    ]
    joining = dict.fromkeys(Regime, Joining(over=MOST, floor=LEAST, merging=-(10**9)))
    small = replace(
        model,
        version="small trees",
        similarity=dict.fromkeys(Regime, _tree("gap")),
        joining=joining,
        merging=dict.fromkeys(Regime, _tree("linked")),
    )
    for one in (model, small):
        working_set = WorkingSet({one.version: one}, one.version)
        for version, activity in enumerate(made):
            working_set.apply(RowKey(0, 0, "activity", activity.id), version, activity)
        for word in (Together(1, (1, 2)), Apart(2, (3,), (4, 5))):
            working_set.apply(RowKey(0, 0, "feedback", word.id), len(made), word)
        working_set.decide()
        working_set.apply(RowKey(0, 0, "activity", 1), len(made), None)
        working_set.decide()


def _tree(feature: str) -> Similarity:
    return Similarity({feature: (1,)}, (Tree((Split(0, 1, ~0, ~1, 0),), (1, 2)),))
