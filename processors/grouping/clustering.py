"""Clustering: in the order of events, an activity joins the earlier group that the most speaks for, or begins one.

A group is labelled, while it is being decided, by the id of the activity that began it. What an activity joins depends
on the labels of those it is linked to and on nothing else; so when a label changes, those that link to it are decided
again, in order, and nobody else: deciding what was touched is deciding everything.
"""

from collections.abc import Collection, Sequence

import msgspec

from processors.grouping.model import Joining


class Placement(msgspec.Struct, frozen=True):
    """Where an activity belongs. `label` names the group's first activity: its own id where it begins one.

    `joined` is how much spoke for that group (0 where it begins one), `rival` the most that spoke for another one (0
    where there is none), `via` the strongest link's other end (its own id where it begins one or was tied in).
    """

    label: int
    joined: int
    rival: int
    via: int


def choose(
    own: int,
    others: Sequence[int],
    labels: Sequence[int],
    scores: Sequence[int],
    joining: Joining,
    barred: Collection[int] = (),
) -> Placement:
    """Where the activity `own` belongs, given its links to earlier `others` in the order of events, their `labels`, and
    the `scores` of the links. For a group speaks its strongest link, and `joining.rest` of the others; of equals
    the one with the earliest link is taken. `barred` are labels that it must not join.
    """
    strongest: dict[int, int] = {}
    sums: dict[int, int] = {}
    for label, score in zip(labels, scores, strict=True):
        if label not in barred:
            strongest[label] = max(strongest.get(label, score), score)
            sums[label] = sums.get(label, 0) + score
    if not sums:
        return Placement(own, 0, 0, own)
    speaks = {label: best + (sums[label] - best) * joining.rest // 1000 for label, best in strongest.items()}
    best = max(speaks, key=speaks.__getitem__)
    if speaks[best] <= joining.over:
        return Placement(own, 0, speaks[best], own)
    rival = max([much for label, much in speaks.items() if label != best], default=0)
    inside = [(score, other) for other, label, score in zip(others, labels, scores, strict=True) if label == best]
    return Placement(best, speaks[best], rival, max(inside)[1])


def forced(own: int, label: int) -> Placement:
    """Where an activity belongs that people tied to one that is decided already."""
    return Placement(label, 0, 0, own)
