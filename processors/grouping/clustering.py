"""Clustering, in two steps that each go in the order of events: activities into strands, strands into groups.

An activity joins the earlier strand that the most speaks for, or begins one; a strand joins the earlier group that the
most speaks for and the least against, or begins one. Strands and groups are labelled, while they are being decided, by
the id of the activity that began them. What one joins depends on the labels of those that it has links or ties with and
on nothing else; so when a label changes, those are decided again, in order, and nobody else: deciding what was touched
is deciding everything.
"""

from collections.abc import Collection, Sequence

import msgspec

from processors.grouping.odds import LEAST, logit


class Placement(msgspec.Struct, frozen=True):
    """Where an activity belongs. `label` names the group's first activity: its own id where it begins one.

    `joined` is how much speaks for that group rather than for a new one, as a logit in millionths (0 where it begins
    one), `rival` how much for the next best, which is the group of label `second` or a new one (its own id); `via` is
    the strongest link's other end (its own id where it begins one or was tied in).
    """

    label: int
    joined: int
    rival: int
    second: int
    via: int


def choose(
    own: int,
    others: Sequence[int],
    labels: Sequence[int],
    odds: Sequence[int],
    over: int,
    barred: Collection[int] = (),
) -> Placement:
    """Where the activity `own` belongs, given its links to earlier `others` in the order of events, their `labels`, and
    the `odds` of the links. For a group speak its links' odds, summed; of equals the one with the earliest link is
    taken, and it must pass `over` (a logit). `barred` are labels that it must not join.
    """
    speaks: dict[int, int] = {}
    said = speaks.get
    for label, weight in zip(labels, odds, strict=True):
        speaks[label] = said(label, 0) + weight
    for label in barred:
        speaks.pop(label, None)
    if not speaks:
        return Placement(own, 0, LEAST, own, own)
    best = max(speaks, key=speaks.__getitem__)
    joined = logit(speaks[best])
    if joined <= over:
        return Placement(own, 0, joined, best, own)
    if len(speaks) == 1 and not barred:
        return Placement(best, joined, 0, own, max(zip(odds, others, strict=True))[1])
    via = max([(weight, other) for other, label, weight in zip(others, labels, odds, strict=True) if label == best])[1]
    del speaks[best]
    second = max(speaks, key=speaks.__getitem__, default=own)
    rival = logit(speaks[second]) if speaks else LEAST
    return Placement(best, joined, rival, second, via) if rival > 0 else Placement(best, joined, 0, own, via)


def merge(
    own: int,
    others: Sequence[int],
    labels: Sequence[int],
    logits: Sequence[int],
    weights: Sequence[int],
    over: int,
    barred: Collection[int] = (),
) -> Placement:
    """Where the strand `own` belongs, given its ties to earlier `others` in the order in which they began, the `labels`
    of their groups, the ties' `logits`, and what each counts for (`weights`).

    For a group speak its ties' logits, summed, and against it those that are negative. The mean must pass `over`, and
    is what is told; the greatest sum wins, of equals the one with the earliest tie.
    """
    sums: dict[int, int] = {}
    whole: dict[int, int] = {}
    for label, speaks, weight in zip(labels, logits, weights, strict=True):
        if label not in barred:
            sums[label] = sums.get(label, 0) + speaks * weight
            whole[label] = whole.get(label, 0) + weight
    ranked = sorted(sums, key=sums.__getitem__, reverse=True)  # of equals the earlier stays first
    means = [sums[label] // whole[label] for label in ranked]
    if not ranked or means[0] <= over:
        return Placement(own, 0, means[0] if ranked else LEAST, ranked[0] if ranked else own, own)
    rival = means[1] if len(ranked) > 1 else LEAST
    return Placement(ranked[0], means[0], max(rival, 0), ranked[1] if rival > 0 else own, own)


def forced(own: int, label: int) -> Placement:
    """Where an activity belongs that people tied to one that is decided already."""
    return Placement(label, 0, 0, own, own)
