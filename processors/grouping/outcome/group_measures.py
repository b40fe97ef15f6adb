"""Figures of groups, many at once: their times, what holds them together, and why. Whole numbers throughout."""

import msgspec
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

FEW = 64
"""Of groups up to this size each interval is added by itself: numpy's calls would cost more. No part of the result."""

_UNSAID = np.int64(2**62)


class Measured(msgspec.Struct, frozen=True, eq=False):
    """Members of groups, side by side: start and end (microseconds), what each joined by and its rival (see
    `decided.Placed`), and who was `led` there by a link.
    """

    start: Integers
    end: Integers
    joined: Integers
    rival: Integers
    led: npt.NDArray[np.bool_]


class Measures(msgspec.Struct, frozen=True, eq=False):
    """One element a group. `joins` counts members that joined by themselves, rather than began it or were tied in.

    `weakest` and `mean` are of what those joined by, `margin` the least by which a member preferred the group to
    another, `began` the same of who began it; millionths of a logit.
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
    """The measures of groups whose members lie side by side, each group's from its start to the next one's."""
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
    """For each group the measure of the union of its intervals: by begin, each adds what reaches beyond the others."""
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
