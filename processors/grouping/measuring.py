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

    started_at: list[int]
    ended_at: list[int]
    captured_us: list[int]
    joins: list[int]
    weakest: list[int]
    mean: list[int]
    margin: list[int]
    links: list[int]
    reasons: list[list[int]]


def measure(rows: npt.NDArray[np.void], ids: Integers, starts: Integers) -> Measures:
    """The measures of groups whose members lie side by side, each group's from its start to the next one's."""
    led = rows["via"] != ids
    joins = np.add.reduceat(led.astype(np.int64), starts)
    links = np.add.reduceat(rows["links"], starts)
    joined = rows["joined"]
    return Measures(
        started_at=np.minimum.reduceat(rows["start"], starts).tolist(),
        ended_at=np.maximum.reduceat(rows["end"], starts).tolist(),
        captured_us=_covered(rows["start"].tolist(), rows["end"].tolist(), starts.tolist()),
        joins=joins.tolist(),
        weakest=np.minimum.reduceat(np.where(led, joined, _UNSAID), starts).tolist(),
        mean=(np.add.reduceat(np.where(led, joined, 0), starts) // np.maximum(joins, 1)).tolist(),
        margin=np.minimum.reduceat(joined - rows["rival"], starts).tolist(),
        links=links.tolist(),
        reasons=(np.add.reduceat(rows["reasons"], starts, axis=0) // np.maximum(links, 1)[:, None]).tolist(),
    )


def _covered(begins: list[int], ends: list[int], starts: list[int]) -> list[int]:
    """For each group the measure of the union of its intervals: by begin, each adds what reaches beyond those before.

    Not in numpy, where a change's few small groups would cost more in calls than in sums.
    """
    covered = []
    for first, last in zip(starts, [*starts[1:], len(begins)], strict=True):
        spans = sorted(zip(begins[first:last], ends[first:last], strict=True))
        measure, reached = 0, spans[0][0]
        for begin, end in spans:
            if end > reached:
                measure += end - (begin if begin > reached else reached)
                reached = end
        covered.append(measure)
    return covered
