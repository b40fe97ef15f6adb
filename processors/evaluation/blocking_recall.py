"""Blocking recall: how many true pairs are among the pairs that a model compares.

An event that is compared with none of its own group can't be assigned to it, however good the model is; and each
comparison takes time. Pairs are counted among judged events.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping

import msgspec

from processors.evaluation.comparison import Case
from processors.evaluation.measures import count_pairs
from processors.grouping.candidates.blocking import Candidates
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.model.grouping_model import Model


class BlockingCounts(msgspec.Struct, frozen=True):
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


class BlockingRecall(msgspec.Struct, frozen=True):
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


class ComparedEvents(msgspec.Struct, frozen=True):
    """Whom a stream's judged events are compared with: how many earlier ones over all, and for each that is compared
    with any, those of its true group.
    """

    compared: int
    same_group: Mapping[int, Collection[int]]


def compared_events(case: Case, model: Model) -> ComparedEvents:
    """What a model's blocking makes of a stream. What is excluded is compared with nothing."""
    present = [one for one in case.activities if not one.excluded]
    candidates = Candidates(model)
    for one, tokens in zip(present, ActivityTable(model).add(present), strict=True):
        candidates.add((one.started_at, one.id), tokens)
    pairs = candidates.pairs([(one.started_at, one.id) for one in present if one.id in case.gold])
    ids, own, earlier = pairs.ids.tolist(), pairs.own[pairs.of].tolist(), pairs.earlier.tolist()
    found: dict[int, list[int]] = {}
    for later, other in ((ids[mine], ids[other]) for mine, other in zip(own, earlier, strict=True)):
        if other in case.gold and case.gold[other] == case.gold[later]:
            found.setdefault(later, []).append(other)
    return ComparedEvents(len(own), found)


def count_blocking(case: Case, compared: ComparedEvents) -> BlockingCounts:
    """How many of a stream's true pairs are compared."""
    order = sorted((one.started_at, one.id) for one in case.activities if one.id in case.gold)
    latest: dict[Hashable, int] = {}
    next_found = 0
    for _, id in order:
        next_found += latest.get(case.gold[id]) in compared.same_group.get(id, ())
        latest[case.gold[id]] = id
    sizes = Counter(case.gold.values())
    return BlockingCounts(
        events=len(case.gold),
        compared=compared.compared,
        pairs=count_pairs(sizes.values()),
        pairs_found=sum(map(len, compared.same_group.values())),
        next_pairs=len(case.gold) - len(sizes),
        next_found=next_found,
        later_found=len(compared.same_group),
    )


def blocking_recall(streams: Iterable[BlockingCounts]) -> BlockingRecall:
    """All streams as one lot of pairs; there is one event at least."""
    each = list(streams)
    total = {name: sum(getattr(one, name) for one in each) for name in BlockingCounts.__struct_fields__}
    return BlockingRecall(
        compared=total["compared"] / total["events"],
        pairs=total["pairs"],
        recall=_percent(total["pairs_found"], total["pairs"]),
        recall_next=_percent(total["next_found"], total["next_pairs"]),
        recall_any=_percent(total["later_found"], total["next_pairs"]),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
