"""Measures many groups at once: their times, and how firmly their members joined. All figures are integers."""

import msgspec
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

FEW = 64
"""Up to this size the intervals of a group are added one by one, because numpy's calls would cost more. It doesn't
affect the result.
"""

_UNSAID = np.int64(2**62)


class Measured(msgspec.Struct, frozen=True, eq=False):
    """Members of groups, side by side: start and end (microseconds), the log-odds by which each joined and those of its
    rival (see `graph_arrays.Assigned`), and whether it was `led` there by a link.
    """

    start: Integers
    end: Integers
    joined: Integers
    rival: Integers
    led: npt.NDArray[np.bool_]


class Measures(msgspec.Struct, frozen=True, eq=False):
    """One element a group. `joins` counts the members that joined by a link, rather than began a micro-cluster or were
    bound in by feedback.

    `weakest` and `mean` are of the log-odds by which those joined. `margin` is the least by which a member preferred
    its micro-cluster to another one, `began` the same for members that didn't join by a link; millionths.
    """

    started_at: list[int]
    ended_at: list[int]
    captured_us: list[int]
    joins: list[int]
    weakest: list[int]
    mean: list[int]
    margin: list[int]
    began: list[int]


def measure(members: Measured, starts: Integers) -> Measures:
    """Returns the measures of groups whose members lie side by side, each group's from its start to the next one's."""
    led, joined = members.led, members.joined
    joins = np.add.reduceat(led.astype(np.int64), starts)
    preferred = joined - members.rival
    return Measures(
        started_at=np.minimum.reduceat(members.start, starts).tolist(),
        ended_at=np.maximum.reduceat(members.end, starts).tolist(),
        captured_us=_covered(members.start, members.end, starts.tolist()),
        joins=joins.tolist(),
        weakest=np.minimum.reduceat(np.where(led, joined, _UNSAID), starts).tolist(),
        mean=(np.add.reduceat(np.where(led, joined, 0), starts) // np.maximum(joins, 1)).tolist(),
        margin=np.minimum.reduceat(preferred, starts).tolist(),
        began=np.minimum.reduceat(np.where(led, _UNSAID, preferred), starts).tolist(),
    )


def _covered(begins: Integers, ends: Integers, starts: list[int]) -> list[int]:
    """Returns the length of the union of each group's intervals. In the order of their starts, each adds the part that
    extends beyond those before.
    """
    return [
        (_many if last - first > FEW else _few)(begins[first:last], ends[first:last])
        for first, last in zip(starts, [*starts[1:], len(begins)], strict=True)
    ]


def _few(begins: Integers, ends: Integers) -> int:
    spans = sorted(zip(begins.tolist(), ends.tolist(), strict=True))
    measure, reached = 0, spans[0][0]
    for begin, end in spans:
        if end > reached:
            measure += end - (begin if begin > reached else reached)
            reached = end
    return measure


def _many(begins: Integers, ends: Integers) -> int:
    order = begins.argsort()
    begins, ends = begins[order], ends[order]
    reached = np.maximum.accumulate(np.concatenate((begins[:1], ends)))[:-1]
    return int(np.maximum(ends - np.maximum(begins, reached), 0).sum())
