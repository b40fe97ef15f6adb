"""Clustering: in the order of events, an activity joins the earlier group that the most speaks for, or begins one.

A group is labelled, while it is being decided, by the id of the activity that began it. What an activity joins depends
on the labels of those it is linked to and on nothing else; so when a label changes, those that link to it are decided
again, in order, and nobody else: deciding what was touched is deciding everything.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec

from processors.grouping.model import Joining


class Placement(msgspec.Struct, frozen=True):
    """Where an activity belongs. `label` names the group's first activity: its own id where it begins one.

    `joined` is the sum of its links into that group (0 where it begins one), `rival` the largest sum into another one,
    None where there is no other, `via` the strongest link's other end (its own id where it begins one).
    """

    label: int
    joined: int = 0
    rival: int | None = None
    via: int = 0


def choose(
    own: int,
    links: Sequence[tuple[int, int]],
    label_of: Callable[[int], int],
    joining: Joining,
    barred: Collection[int] = (),
) -> Placement:
    """Where the activity `own` belongs, given its links (other id, score) to earlier ones, in the order of events.

    Of groups with equal sums, the one with the earliest link is taken; `barred` are labels that it must not join.
    """
    sums: dict[int, int] = {}
    for other, score in links:
        label = label_of(other)
        if label not in barred:
            sums[label] = sums.get(label, 0) + score
    best = max(sums, key=sums.__getitem__, default=own)
    if best == own or sums[best] <= joining.over:
        return Placement(own, 0, sums.get(best), own)
    rival = max((total for label, total in sums.items() if label != best), default=None)
    via, _ = max((link for link in links if label_of(link[0]) == best), key=lambda link: link[1])
    return Placement(best, sums[best], rival, via)


def forced(own: int, label: int) -> Placement:
    """Where an activity belongs that people tied to one that is decided already."""
    return Placement(label, 0, None, own)
