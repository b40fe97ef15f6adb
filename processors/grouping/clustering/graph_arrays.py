"""What is decided of activities and of strands, and what it is decided from, as arrays by slot (`Table.slot`)."""

from typing import NamedTuple

from processors.grouping.compiled import Flags, Integers, Slots

LINKS, MEMBERS = 1, 2
"""What is other than before of a strand that is marked: only its members' links, or its members."""


class Placed(NamedTuple):
    """Where activities belong, by slot. `label` is the slot of the one that began the strand, its own where it began
    it, -1 where it isn't decided.

    `joined` is how much speaks for that strand rather than for a new one, as a logit in millionths (0 where it begins
    one), `rival` how much for the next best, which is the strand of label `second` or a new one (its own slot); `via`
    is the strongest link's other end (its own slot where it begins one or was tied in); `strongest` is which of its
    links into the strand is the strongest, of equals the earliest (-1: it has none). `next` and `before` lead round the
    members of a strand.
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
    """Where strands belong, by the slot of the one that began them. `label`, `joined`, `rival` and `second` are of
    groups as those of `Placed` are of strands, but means of ties' logits; `next` and `before` lead round the strands of
    a group. `size` is how many members a strand has, 0 for none; `end` its last end in microseconds.
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
    """All activities: their slots in the order of events, at which place each slot is, and its id."""

    slots: Slots
    rank: Slots
    ids: Integers


class Said(NamedTuple):
    """What people said, of the activities that they spoke of, numbered. `row` is the number of each slot (-1: none),
    `first` the slot of the earliest of the bundle that it is tied into. Of number n, `bundle` has from `bundled[n]` on
    the slots that are tied to it where it is the first, and `apart` from `parted[n]` on the firsts of those that its
    bundle mustn't share a group with.
    """

    row: Slots
    first: Slots
    bundled: Slots
    bundle: Slots
    parted: Slots
    apart: Slots


class Ties(NamedTuple):
    """Of strands, by slot: where its ties `begin`, how `many` there are and have `room`; of each tie the
    earlier strand, the logit in millionths, what it counts for, and a digest of the steps that it is made of. They are
    in the order in which the strands began.
    """

    begin: Slots
    many: Slots
    room: Slots
    other: Slots
    logit: Slots
    weight: Slots
    made_of: Integers


class Apart(NamedTuple):
    """Pairs of strands that mustn't share a group, both ways and by the slot of the first."""

    one: Slots
    other: Slots


class Marks(NamedTuple):
    """By slot: activities that are still to be decided, and that went from one strand to another; strands whose
    LINKS or MEMBERS are others than before, and of which something else is told than before.
    """

    todo: Flags
    went: Flags
    moved: Flags
    told: Flags
