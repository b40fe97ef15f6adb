"""What all measures are made from: a few sums over a stream's groups. Streams are pooled by adding their sums up."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

SUMS = (
    "events",
    "gold_groups",
    "groups",
    "gold_several",  # groups of two events or more
    "several",
    "exact",  # of those, the ones that are the same in both
    "matched",  # events in the best one-to-one pairing of groups
    "gold_pairs",
    "pairs",
    "both_pairs",
    "precise",  # over events: the share of its group that belongs with it
    "complete",  # over events: the share of its true group that is with it
    "gold_entropy",  # sum of n * log2(n)
    "entropy",
    "both_entropy",
)
"""What a row of sums holds, in order."""

Sums = npt.NDArray[np.float64]


def count(labels: Iterable[tuple[Hashable, Hashable]]) -> Sums:
    """The sums of one stream, from each event's true group and its group."""
    both = Counter(labels)
    gold: Counter[Hashable] = Counter()
    groups: Counter[Hashable] = Counter()
    for (true, group), events in both.items():
        gold[true] += events
        groups[group] += events
    exact = [events for (true, group), events in both.items() if events == gold[true] == groups[group]]
    return np.array(
        (
            sum(both.values()),
            len(gold),
            len(groups),
            sum(events > 1 for events in gold.values()),
            sum(events > 1 for events in groups.values()),
            sum(events > 1 for events in exact),
            sum(events for _, _, events in pairing(both)),
            pairs_in(gold.values()),
            pairs_in(groups.values()),
            pairs_in(both.values()),
            # fsum: the same sum in any order of the groups
            math.fsum(events * events / groups[group] for (_, group), events in both.items()),
            math.fsum(events * events / gold[true] for (true, _), events in both.items()),
            _entropy(gold.values()),
            _entropy(groups.values()),
            _entropy(both.values()),
        ),
        dtype=np.float64,
    )


def pairs_in(sizes: Iterable[int]) -> int:
    """How many pairs of events there are in groups of these sizes."""
    return sum(events * (events - 1) // 2 for events in sizes)


def _entropy(sizes: Iterable[int]) -> float:
    return math.fsum(events * math.log2(events) for events in sizes)


def pairing(both: Mapping[tuple[Hashable, Hashable], int]) -> list[tuple[Hashable, Hashable, int]]:
    """True groups and groups, each in one pair at most, so that most events lie in both of a pair; with their number.

    `both` holds the number of events by true group and group. The most shared come first.
    """
    gold, groups = (list(dict.fromkeys(names)) for names in ([one for one, _ in both], [one for _, one in both]))
    rows, columns = ({name: n for n, name in enumerate(names)} for names in (gold, groups))
    shared = np.zeros((len(gold), len(groups)), dtype=np.int64)
    for (true, group), events in both.items():
        shared[rows[true], columns[group]] = events
    pairs = [
        (gold[row], groups[column], int(shared[row, column]))
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    ]
    return sorted((pair for pair in pairs if pair[2]), key=lambda pair: -pair[2])
