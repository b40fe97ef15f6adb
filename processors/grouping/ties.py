"""What two strands have in common: from all links between their members, as whole numbers.

A strand is what `clustering` makes of activities. Where one of a piece of work doesn't say what it belongs to (a new
document, the first of many), what comes after it often does; so strands are joined once more, by what all of their
links say together.

    links of a strand's members ──▶ outgoing: a row for each strand that they lead to ──▶ features of pairs of strands
"""

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.contents import MISSING
from processors.grouping.features import FEATURES
from processors.grouping.links import Links, side_by_side
from processors.grouping.model import Regime
from processors.grouping.odds import ONE, logits
from processors.grouping.odds import odds as odds_of

Integers = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.int32]

SECOND_US = 1_000_000
MILLI = 1_000
HIGHEST = 2**31 - 1

SHARED = (
    "likeness",
    "rare_words",
    "word_share",
    "title",
    "beginning",
    "shared_files",
    "file_words",
    "folders",
    "title_in_files",
    "people",
    "actor",
)
"""Features of pairs of activities of which more is never less kindred: of two strands the greatest counts."""


LEAST_ODDS = int(odds_of(np.array([-3_000_000]))[0])
"""Links below this many odds tie no strands: they say next to nothing, and there are many."""

_COLUMNS = [FEATURES.index(name) for name in SHARED]
_SHARE, _BEST, _BEGINS, _VALUES = 0, 1, 2, 3
BITS = 3
"""How many leading bits are told of sizes and of seconds, so that who grows by one is mostly what it was to others."""

LOGIT_STEP, SHARE_STEP = 100, 20
"""To how many thousandths logits and shares are told, for the same reason."""

BETWEEN = tuple(f"{name}_between" for name in SHARED)

PAIRS = {
    "linked": "Thousandths of a logit: the strongest link between their members.",
    "begins": "The same of all links of the activity that began the later one to the earlier one's, summed as odds.",
    "share": "Thousandths of what the later one's members make of their links that go to the earlier one, the mean.",
    "back": "The same of the earlier one's members, towards the later one.",
    "earlier_size": "How many members the earlier one has.",
    "earlier_span": "Seconds from the earlier one's first start to its last end.",
    "later_by": "Seconds from the earlier one's first start to the later one's.",
    "after": "Seconds from the earlier one's last end to the later one's first start, 0 where they overlap.",
    "alongside": "Seconds in which both were under way.",
    **{
        name: f"The greatest `{of}` of a link between them, as its step tells it; missing where no link has one."
        for name, of in zip(BETWEEN, SHARED, strict=True)
    },
}
"""Features of a pair of strands, the earlier one of which began first, and what each is."""

LISTED = {
    "less_linked": "By how much `linked` is less than the greatest of the list.",
    "less_share": "By how much `share` is less than the greatest of the list.",
}
"""The same of a pair in its list."""

OWN = {
    "size": "How many members the later one has.",
    "span": "Seconds from its first start to its last end.",
    "tied": "How many earlier strands there are links with.",
    "most_linked": "The greatest `linked` of the list.",
    "most_share": "The greatest `share` of the list.",
}
"""The same of the later strand and its list: the same for all of its pairs, and for a beginning."""

TIES: tuple[str, ...] = (*PAIRS, *LISTED, *OWN)
"""The names of all columns, in order."""

_LINKED, _OF_SHARE = 0, 2


Outgoing = Mapping[int, bytes]
"""Of one strand: a row for each other strand that its members' links lead to, as 32 bits a number: the mean share, the
greatest logit, the logit of the beginning's odds, and the greatest values of SHARED.
"""


class Extent(msgspec.Struct, frozen=True):
    """How many members a strand has, as told, its first start and its last end (microseconds), and what decides which
    trees are asked about it.
    """

    size: int
    start: int
    end: int
    regime: Regime


class Pairing(msgspec.Struct, frozen=True):
    """A strand's list: the earlier ones that it has links with, in the order in which they began, and what is known of
    each pair (the bytes of a row of PAIRS) and of the strand itself (size and span, as told).
    """

    own: int
    others: list[int]
    rows: list[bytes]
    size: int
    span: int


def outgoing(
    strands: Mapping[int, Sequence[int]], links: Mapping[int, Links], labels: Mapping[int, int]
) -> dict[int, Outgoing]:
    """Of strands, given with their members by label. `labels` has each activity's strand."""
    named, sizes = np.array(list(strands), dtype=np.int64), np.array([len(members) for members in strands.values()])
    every = list(chain.from_iterable(strands.values()))
    counts, others, odds, values = side_by_side([links[activity] for activity in every], _COLUMNS)
    strand = np.repeat(np.repeat(np.arange(len(strands)), sizes), counts)
    out = np.flatnonzero(odds >= LEAST_ODDS)
    target = np.fromiter(map(labels.__getitem__, others[out].tolist()), dtype=np.int64, count=len(out))
    away = target != named[strand[out]]
    out, target = out[away], target[away]
    found: dict[int, Outgoing] = dict.fromkeys(strands, NOWHERE)
    if not len(out):
        return found
    order = np.lexsort((target, strand[out]))
    out, target = out[order], target[order]
    first = np.flatnonzero(np.append(True, (np.diff(target) != 0) | (np.diff(strand[out]) != 0)))
    of = strand[out[first]]
    began = np.repeat(np.array(every, dtype=np.int64) == np.repeat(named, sizes), counts)
    rows = np.empty((len(first), _VALUES + len(SHARED)), dtype=np.int32)
    rows[:, _SHARE] = np.add.reduceat(_shares(odds, counts)[out], first) // sizes[of] // SHARE_STEP * SHARE_STEP
    rows[:, _BEST] = _logits(np.maximum.reduceat(odds[out], first))
    rows[:, _BEGINS] = _logits(np.add.reduceat(np.where(began[out], odds[out], 0), first))
    rows[:, _VALUES:] = np.maximum.reduceat(values[out], first, axis=0)
    raw, width, towards = rows.tobytes(), rows.itemsize * rows.shape[1], target[first].tolist()
    begins = np.flatnonzero(np.append(True, np.diff(of) != 0))
    for own, (begin, end) in zip(named[of[begins]].tolist(), pairwise([*begins.tolist(), len(first)]), strict=True):
        found[own] = {towards[at]: raw[at * width : (at + 1) * width] for at in range(begin, end)}
    return found


NOWHERE: Outgoing = {}


def _logits(odds: Integers) -> Integers:
    """Thousandths of a logit, as told."""
    found: Integers = logits(odds) // (MILLI * LOGIT_STEP) * LOGIT_STEP
    return found


_NO_ROW = np.array([0, *_logits(np.zeros(2, dtype=np.int64)).tolist(), *[MISSING] * len(SHARED)], dtype=np.int32)
"""Of a strand that no link leads to."""


def _shares(odds: Integers, counts: Integers) -> Integers:
    """Each link's part of its activity's odds, those of a beginning included, in thousandths."""
    sums = np.concatenate(([0], np.cumsum(odds)))  # may pass 2**63, and comes back with the difference
    ends = np.cumsum(counts)
    totals = sums[ends] - sums[ends - counts] + ONE
    share: Integers = odds * MILLI // np.repeat(totals, counts)
    return share


def pairs(of: Sequence[tuple[int, int]], out: Mapping[int, Outgoing], extents: Mapping[int, Extent]) -> list[bytes]:
    """What each pair of strands (earlier, later) has in common: the bytes of a row of PAIRS, 32 bits a number."""
    if not of:
        return []
    nothing, width = _NO_ROW.tobytes(), len(_NO_ROW)
    forth, back = (
        np.frombuffer(b"".join([out[one].get(other, nothing) for one, other in which]), dtype=np.int32)
        for which in ([(later, earlier) for earlier, later in of], of)
    )
    forth, back = forth.reshape(-1, width), back.reshape(-1, width)
    earlier, later = (_extents([extents[pair[side]] for pair in of]) for side in (0, 1))
    found = np.empty((len(of), len(PAIRS)), dtype=np.int32)
    found[:, 0] = np.maximum(forth[:, _BEST], back[:, _BEST])
    found[:, 1], found[:, 2], found[:, 3] = forth[:, _BEGINS], forth[:, _SHARE], back[:, _SHARE]
    found[:, 4] = earlier[:, 0]
    spans = (
        earlier[:, 2] - earlier[:, 1],
        later[:, 1] - earlier[:, 1],
        np.maximum(later[:, 1] - earlier[:, 2], 0),
        np.maximum(np.minimum(earlier[:, 2], later[:, 2]) - later[:, 1], 0),
    )
    found[:, 5:9] = coarse(np.stack(spans, axis=1) // SECOND_US)
    found[:, 9:] = np.maximum(forth[:, _VALUES:], back[:, _VALUES:])
    raw, size = found.tobytes(), found.itemsize * found.shape[1]
    return [raw[at : at + size] for at in range(0, len(raw), size)]


def coarse(values: Integers) -> Integers:
    """The leading BITS bits of each number, which isn't less than 0, and noughts behind; at most HIGHEST."""
    shift = np.maximum(np.frexp(values.astype(np.float64))[1] - BITS, 0).astype(np.int64)
    found: Integers = np.minimum(values >> shift << shift, HIGHEST)
    return found


def told(value: int) -> int:
    """A size or seconds as `coarse` tells them."""
    shift = max(value.bit_length() - BITS, 0)
    return min(value >> shift << shift, HIGHEST)


def features(pairings: Sequence[Pairing]) -> Matrix:
    """One row of TIES a pair, and behind each pairing's one for a beginning, of which only OWN is known."""
    counts = np.array([len(one.others) for one in pairings])
    known = np.frombuffer(b"".join([row for one in pairings for row in one.rows]), dtype=np.int32)
    known = known.reshape(-1, len(PAIRS))
    of = np.repeat(np.arange(len(pairings)), counts)
    first = np.cumsum(counts) - counts
    linked, share = known[:, _LINKED], known[:, _OF_SHARE]
    most, most_share = np.maximum.reduceat(linked, first), np.maximum.reduceat(share, first)
    own = np.array([(one.size, one.span) for one in pairings])
    found = np.full((len(of) + len(pairings), len(TIES)), MISSING, dtype=np.int32)
    at = np.arange(len(of)) + of
    found[at, : len(PAIRS)] = known
    found[at, len(PAIRS)] = most[of] - linked
    found[at, len(PAIRS) + 1] = most_share[of] - share
    lists = np.column_stack((own, counts, most, most_share))
    found[:, -len(OWN) :] = np.repeat(lists, counts + 1, axis=0)
    return found


def _extents(extents: Sequence[Extent]) -> Integers:
    return np.array([(one.size, one.start, one.end) for one in extents], dtype=np.int64)
