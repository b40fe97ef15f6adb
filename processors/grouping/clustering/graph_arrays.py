"""The arrays that clustering works on, by slot (`ActivityTable.slot`): what is decided for activities and
micro-clusters, and from what.
"""

from typing import NamedTuple

from processors.grouping.compiled import Flags, Integers, Slots
from processors.grouping.similarity.links import LinkArrays, LinkRows

LINKS, MEMBERS = 1, 2
"""What changed in a micro-cluster that is marked `moved`: only the links of its members, or the members."""


class Assigned(NamedTuple):
    """The micro-cluster of each activity, by slot. `label` is the slot of the activity that began it, -1 where
    undecided.

    `joined` is the log-odds (millionths) for this micro-cluster rather than a new one, 0 where the activity begins one.
    `rival` is the log-odds for the next best, which is the micro-cluster with label `second`, or a new one (its own
    slot). `via` is the other end of the strongest link (its own slot where it begins one or was bound in by feedback).
    `strongest` is the number of its strongest link into the micro-cluster, the earliest of equals (-1: none). `next`
    and `before` form a ring of the members.
    """

    label: Slots
    joined: Slots
    rival: Slots
    second: Slots
    via: Slots
    strongest: Slots
    next: Slots
    before: Slots


class Merged(NamedTuple):
    """The group of each micro-cluster, by the slot of the activity that began it. `label`, `joined`, `rival` and
    `second` are as in `Assigned`, with groups for micro-clusters and mean log-odds of cluster pairs for those of links.
    `next` and `before` form a ring of the micro-clusters of a group. `size` is the number of members, 0 where there is
    no micro-cluster; `end` is its last end in microseconds.
    """

    label: Slots
    joined: Slots
    rival: Slots
    second: Slots
    next: Slots
    before: Slots
    size: Slots
    end: Integers


class Order(NamedTuple):
    """All activities in the order of events: their slots, the position of each slot in that order, and the id of each
    slot.
    """

    slots: Slots
    rank: Slots
    ids: Integers


class LinkedOrder(NamedTuple):
    """The activities in the order of events with their micro-clusters and links: what all of clustering reads.

    Unpack it once before a loop: reading through a nested value counts references each time.
    """

    order: Order
    assigned: Assigned
    ends: LinkRows
    threads: LinkArrays


class FeedbackArrays(NamedTuple):
    """The constraints on the activities that feedback names, which are numbered. `row` is the number of each slot (-1:
    none). `first` is the slot of the earliest activity in its bundle. `bundle` has, from `bundled[n]` on, the slots in
    the bundle of number n, and `apart` has, from `parted[n]` on, the first slots of the bundles with which that bundle
    must not share a group.
    """

    row: Slots
    first: Slots
    bundled: Slots
    bundle: Slots
    parted: Slots
    apart: Slots


class ClusterPairs(NamedTuple):
    """The scored pairs of micro-clusters, by slot of the later one: where its pairs `begin`, how `many` there are, and
    how many it has `room` for. For each pair: the earlier micro-cluster, the log-odds in millionths, its weight, and a
    digest of the steps that it was scored by. Pairs are in the order in which the earlier ones began.
    """

    begin: Slots
    many: Slots
    room: Slots
    other: Slots
    logit: Slots
    weight: Slots
    digest: Integers


class KeptApart(NamedTuple):
    """Pairs of micro-clusters that must not share a group, in both directions, sorted by the slot of the first."""

    one: Slots
    other: Slots


class ChangeMarks(NamedTuple):
    """Flags by slot. `todo`: activities to decide. `removed`: activities that left a micro-cluster. `moved`:
    micro-clusters whose LINKS or MEMBERS changed. `published`: micro-clusters whose published values may have changed.
    `MicroClusters` has marks of its own, where `todo` is of micro-clusters and `published` of groups.
    """

    todo: Flags
    removed: Flags
    moved: Flags
    published: Flags
