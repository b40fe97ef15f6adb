"""Figures of groups, many at once: their times, what holds them together, and why. Whole numbers throughout."""

import msgspec
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_UNSAID = np.int64(2**62)


class Measures(msgspec.Struct, frozen=True, eq=False):
    """One element a group. `joins` counts members that joined by themselves, rather than began it or were tied in.

    `weakest` and `mean` are of what those joined by, `margin` the least by which a member preferred the group to
    another; millionths of a logit. `links` counts links within the group; `reasons` are their mean contributions.
    """

    started_at: Integers
    ended_at: Integers
    captured_us: Integers
    joins: Integers
    weakest: Integers
    mean: Integers
    margin: Integers
    links: Integers
    reasons: Integers


def measure(rows: npt.NDArray[np.void], ids: Integers, starts: Integers) -> Measures:
    """The measures of groups whose members lie side by side, each group's from its start to the next one's."""
    led = rows["via"] != ids
    joins = np.add.reduceat(led.astype(np.int64), starts)
    links = np.add.reduceat(rows["links"], starts)
    joined = rows["joined"]
    number = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    return Measures(
        started_at=np.minimum.reduceat(rows["start"], starts),
        ended_at=np.maximum.reduceat(rows["end"], starts),
        captured_us=_covered(rows["start"], rows["end"], number, len(starts)),
        joins=joins,
        weakest=np.minimum.reduceat(np.where(led, joined, _UNSAID), starts),
        mean=np.add.reduceat(np.where(led, joined, 0), starts) // np.maximum(joins, 1),
        margin=np.minimum.reduceat(joined - rows["rival"], starts),
        links=links,
        reasons=np.add.reduceat(rows["reasons"], starts, axis=0) // np.maximum(links, 1)[:, None],
    )


def _covered(begins: Integers, ends: Integers, number: Integers, groups: int) -> Integers:
    """For each group the measure of the union of its intervals.

    Sweeps all groups at once: within a group, by begin, each interval adds what reaches beyond the latest end so far.
    Ends take part as ranks, so that a running maximum can't leak from one group into the next.
    """
    order = np.lexsort((begins, number))
    begins, ends, number = begins[order], ends[order], number[order]
    distinct, rank = np.unique(ends, return_inverse=True)
    reached = np.maximum.accumulate(number * len(distinct) + rank) - number * len(distinct)
    before = np.concatenate((begins[:1], distinct[reached[:-1]]))
    before = np.where(np.diff(number, prepend=-1) != 0, begins, before)
    covered = np.zeros(groups, dtype=np.int64)
    np.add.at(covered, number, np.maximum(ends - np.maximum(begins, before), 0))
    return covered
