"""What blocking leaves to be found: how many true pairs are among those that a model compares at all.

Who is compared with nobody of its own group can't be put into it, however good the model is; and each event that is
compared costs time. Pairs are counted among the events that are judged.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping

import msgspec

from processors.evaluation.comparison import Case
from processors.evaluation.counting import pairs_in
from processors.grouping.candidates.blocking import Candidates
from processors.grouping.features.activity_table import Table
from processors.grouping.model.grouping_model import Model


class Blocked(msgspec.Struct, frozen=True):
    """Counts of one stream. `compared`: the earlier events that its `events` are compared with, over all.

    Of `pairs` with one true group `pairs_found` are compared; of `next_pairs`, which are next to each other in the
    order of their group, `next_found`. As many events have an earlier one of their group: `later_found` of them are
    compared with one of those.
    """

    events: int
    compared: int
    pairs: int
    pairs_found: int
    next_pairs: int
    next_found: int
    later_found: int


class Blocking(msgspec.Struct, frozen=True):
    """Blocking's recall of true pairs over all streams, in percent; None where there is nothing to be found.

    `compared` is the mean number of earlier events that an event is compared with. `recall` is of all `pairs`;
    `recall_next` of those next to each other in the order of their group; `recall_any` of events with an earlier one of
    their group, found where they are compared with at least one.
    """

    compared: float
    pairs: int
    recall: float | None
    recall_next: float | None
    recall_any: float | None


class Looked(msgspec.Struct, frozen=True):
    """Whom a stream's judged events are compared with: how many earlier ones over all, and for each that is compared
    with any, those of its true group.
    """

    compared: int
    own: Mapping[int, Collection[int]]


def looked(case: Case, model: Model) -> Looked:
    """What a model's blocking makes of a stream. What is excluded is compared with nothing."""
    present = [one for one in case.activities if not one.excluded]
    candidates = Candidates(model)
    for one, tokens in zip(present, Table(model).add(present), strict=True):
        candidates.add((one.started_at, one.id), tokens)
    pairs = candidates.pairs([(one.started_at, one.id) for one in present if one.id in case.gold])
    ids, own, earlier = pairs.ids.tolist(), pairs.own[pairs.of].tolist(), pairs.earlier.tolist()
    found: dict[int, list[int]] = {}
    for later, other in ((ids[mine], ids[other]) for mine, other in zip(own, earlier, strict=True)):
        if other in case.gold and case.gold[other] == case.gold[later]:
            found.setdefault(later, []).append(other)
    return Looked(len(own), found)


def blocked(case: Case, looked: Looked) -> Blocked:
    """How many of a stream's true pairs are compared."""
    order = sorted((one.started_at, one.id) for one in case.activities if one.id in case.gold)
    latest: dict[Hashable, int] = {}
    next_found = 0
    for _, id in order:
        next_found += latest.get(case.gold[id]) in looked.own.get(id, ())
        latest[case.gold[id]] = id
    sizes = Counter(case.gold.values())
    return Blocked(
        events=len(case.gold),
        compared=looked.compared,
        pairs=pairs_in(sizes.values()),
        pairs_found=sum(map(len, looked.own.values())),
        next_pairs=len(case.gold) - len(sizes),
        next_found=next_found,
        later_found=len(looked.own),
    )


def blocking(streams: Iterable[Blocked]) -> Blocking:
    """All streams as one lot of pairs; there is one event at least."""
    each = list(streams)
    total = {name: sum(getattr(one, name) for one in each) for name in Blocked.__struct_fields__}
    return Blocking(
        compared=total["compared"] / total["events"],
        pairs=total["pairs"],
        recall=_percent(total["pairs_found"], total["pairs"]),
        recall_next=_percent(total["next_found"], total["next_pairs"]),
        recall_any=_percent(total["later_found"], total["next_pairs"]),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
