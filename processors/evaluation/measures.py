"""The measures of a grouping, in percent, from the sums of one stream, of many at once, or of all added up.

Where there is nothing to measure, the measure is 0 for a share of nothing (exact match and pairs without any group of
two), and 100 where both groupings can only be the same.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

CONTINGENCY_SUMS = (
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

SumsArray = npt.NDArray[np.float64]


def contingency_sums(labels: Iterable[tuple[Hashable, Hashable]]) -> SumsArray:
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
            sum(events for _, _, events in match_groups(both)),
            count_pairs(gold.values()),
            count_pairs(groups.values()),
            count_pairs(both.values()),
            # fsum: the same sum in any order of the groups
            math.fsum(events * events / groups[group] for (_, group), events in both.items()),
            math.fsum(events * events / gold[true] for (true, _), events in both.items()),
            _sum_n_log_n(gold.values()),
            _sum_n_log_n(groups.values()),
            _sum_n_log_n(both.values()),
        ),
        dtype=np.float64,
    )


def count_pairs(sizes: Iterable[int]) -> int:
    """How many pairs of events there are in groups of these sizes."""
    return sum(events * (events - 1) // 2 for events in sizes)


def _sum_n_log_n(sizes: Iterable[int]) -> float:
    return math.fsum(events * math.log2(events) for events in sizes)


def match_groups(contingency: Mapping[tuple[Hashable, Hashable], int]) -> list[tuple[Hashable, Hashable, int]]:
    """True groups and groups, each in one pair at most, so that most events lie in both of a pair; with their number.

    `both` holds the number of events by true group and group. The most shared come first.
    """
    gold, groups = (
        list(dict.fromkeys(names)) for names in ([one for one, _ in contingency], [one for _, one in contingency])
    )
    rows, columns = ({name: n for n, name in enumerate(names)} for names in (gold, groups))
    shared = np.zeros((len(gold), len(groups)), dtype=np.int64)
    for (true, group), events in contingency.items():
        shared[rows[true], columns[group]] = events
    pairs = [
        (gold[row], groups[column], int(shared[row, column]))
        for row, column in zip(*linear_sum_assignment(shared, maximize=True), strict=True)
    ]
    return sorted((pair for pair in pairs if pair[2]), key=lambda pair: -pair[2])


MEASURES = ("1-VI", "1-1", "EM-P", "EM-R", "EM-F", "B3-P", "B3-R", "B3-F", "PW-P", "PW-R", "PW-F", "ARI")
"""The columns of `measures`: 1 minus the scaled variation of information, one-to-one, then precision, recall and their
harmonic mean of exact match, B-cubed and pairs, and the adjusted Rand index.
"""


def measures(sums: SumsArray) -> SumsArray:
    """One row of MEASURES for each row of `SUMS`; of one row, one."""
    of = dict(zip(CONTINGENCY_SUMS, np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0), strict=True))
    events = of["events"]
    bits = 2 * of["both_entropy"] - of["gold_entropy"] - of["entropy"]  # minus the variation of information, times N
    exact = _precision_recall_f(_ratio(of["exact"], of["several"]), _ratio(of["exact"], of["gold_several"]))
    cubed = _precision_recall_f(_ratio(of["precise"], events), _ratio(of["complete"], events))
    pairs = _precision_recall_f(_ratio(of["both_pairs"], of["pairs"]), _ratio(of["both_pairs"], of["gold_pairs"]))
    return np.stack(
        (
            100 * (1 + _ratio(bits, events * np.log2(np.maximum(events, 1)), 0)),
            100 * _ratio(of["matched"], events),
            *exact,
            *cubed,
            *pairs,
            100 * _adjusted_rand(of["both_pairs"], of["gold_pairs"], of["pairs"], events * (events - 1) / 2),
        ),
        axis=-1,
    )


def _ratio(part: SumsArray, whole: SumsArray, else_: float = 0.0) -> SumsArray:
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1), else_)


def _precision_recall_f(precision: SumsArray, recall: SumsArray) -> tuple[SumsArray, SumsArray, SumsArray]:
    return 100 * precision, 100 * recall, 100 * _ratio(2 * precision * recall, precision + recall)


def _adjusted_rand(both: SumsArray, gold: SumsArray, groups: SumsArray, all_: SumsArray) -> SumsArray:
    """The adjusted Rand index: 1 for the same grouping, 0 for as many pairs in common as chance gives."""
    chance = _ratio(gold * groups, all_)
    most = (gold + groups) / 2 - chance
    known = most != 0
    return np.where(known, (both - chance) / np.where(known, most, 1), 1.0)
