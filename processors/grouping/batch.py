"""Groups a whole set of activities at once, as a replay, `preview` and `verify` do."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from processors.grouping.model.grouping_model import ClusteringThresholds, Domain, Model, Similarity
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
    """Returns the groups of one timekeeper's activities by name. Of two activities with the same id, the last given
    counts.
    """
    working_set = WorkingSet({model.version: model}, model.version)
    for version, activity in enumerate(activities):
        working_set.apply(RowKey(0, 0, "activity", activity.id), version, activity)
    for version, word in enumerate(feedback):
        working_set.apply(RowKey(0, 0, "feedback", word.id), version, word)
    working_set.decide()
    return working_set.groups


def warm_up(model: Model) -> None:
    """Compiles all compiled functions, or loads their cached machine code, before a caller has to wait for it.

    Groups a few made-up activities of both domains, with each kind of feedback. It does so with `model`, and with a
    model of small trees that joins no activities into micro-clusters and all micro-clusters into groups.
    """
    kinds = (Kind.WINDOW, Kind.MESSAGE)
    made = [
        Activity(id, kinds[id % 2], id * _MINUTE_US, None, "UTC", Words(f"plan {id % 3}", "bob: and?", actor="ann"))
        for id in range(1, 25)
    ]
    joining = dict.fromkeys(Domain, ClusteringThresholds(over=MOST, floor=LEAST, merging=-(10**9)))
    small = replace(
        model,
        version="small trees",
        similarity=dict.fromkeys(Domain, _tree("gap")),
        joining=joining,
        merging=dict.fromkeys(Domain, _tree("linked")),
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
