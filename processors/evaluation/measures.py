"""The measures of a grouping, in percent, from the sums of one stream, of many at once, or of all added up.

Where there is nothing to measure, the measure is 0 for a share of nothing (exact match and pairs without any group of
two), and 100 where both groupings can only be the same.
"""

import numpy as np

from processors.evaluation.counting import SUMS, Sums

MEASURES = ("1-VI", "1-1", "EM-P", "EM-R", "EM-F", "B3-P", "B3-R", "B3-F", "PW-P", "PW-R", "PW-F", "ARI")
"""The columns of `measures`: 1 minus the scaled variation of information, one-to-one, then precision, recall and their
harmonic mean of exact match, B-cubed and pairs, and the adjusted Rand index.
"""


def measures(sums: Sums) -> Sums:
    """One row of MEASURES for each row of `counting.SUMS`; of one row, one."""
    of = dict(zip(SUMS, np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0), strict=True))
    events = of["events"]
    bits = 2 * of["both_entropy"] - of["gold_entropy"] - of["entropy"]  # minus the variation of information, times N
    exact = _both_ways(_share(of["exact"], of["several"]), _share(of["exact"], of["gold_several"]))
    cubed = _both_ways(_share(of["precise"], events), _share(of["complete"], events))
    pairs = _both_ways(_share(of["both_pairs"], of["pairs"]), _share(of["both_pairs"], of["gold_pairs"]))
    return np.stack(
        (
            100 * (1 + _share(bits, events * np.log2(np.maximum(events, 1)), 0)),
            100 * _share(of["matched"], events),
            *exact,
            *cubed,
            *pairs,
            100 * _rand(of["both_pairs"], of["gold_pairs"], of["pairs"], events * (events - 1) / 2),
        ),
        axis=-1,
    )


def _share(part: Sums, whole: Sums, else_: float = 0.0) -> Sums:
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1), else_)


def _both_ways(precision: Sums, recall: Sums) -> tuple[Sums, Sums, Sums]:
    return 100 * precision, 100 * recall, 100 * _share(2 * precision * recall, precision + recall)


def _rand(both: Sums, gold: Sums, groups: Sums, all_: Sums) -> Sums:
    """The adjusted Rand index: 1 for the same grouping, 0 for as many pairs in common as chance gives."""
    chance = _share(gold * groups, all_)
    most = (gold + groups) / 2 - chance
    known = most != 0
    return np.where(known, (both - chance) / np.where(known, most, 1), 1.0)
