"""What an activity has in common with the earlier ones that it is compared with, as whole numbers.

A feature depends on the two activities, on the model, and where it says so on the others of the list
(`candidates.Candidates.after` says whom those touch). What can't be said is MISSING, never 0. All arithmetic is on
integers, or exact in float32, so a list's rows are the same in every batch.
"""

from collections.abc import Callable, Set

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features.content_features import CONTENTS, Column, Rows, compare, where
from processors.grouping.features.content_features import MISSING as MISSING
from processors.grouping.features.context_features import (
    OWN,
    RELATIONS,
    SECOND_US,
    ComparisonLists,
    ListContext,
    list_context,
)
from processors.grouping.features.speakers import conversation
from processors.grouping.features.talk_features import BETWEEN, SPEAKER

FAR = 1_000_000
"""More steps than any model counts."""

TOGETHER = 2_048
"""Pairs of contents that are compared in one go: they are wide, and soon beyond the processor's cache. No part of the
result.
"""

Matrix = npt.NDArray[np.int32]


class Features(msgspec.Struct, frozen=True, eq=False):
    """One row a pair (PAIRED), one a pair of contents (CONTENTS), one a list (OWNED), a column a feature.

    What holds for all pairs of the same contents, or of one list, is worked out and asked once.
    """

    pairs: Matrix
    contents: Matrix
    own: Matrix


class PairTimes(msgspec.Struct, frozen=True, eq=False):
    """What features of time are made from: the pairs' sides, and what more than one of the features asks."""

    earlier: Rows
    later: Rows
    gap: npt.NDArray[np.int64]  # seconds
    steps: npt.NDArray[np.int64]


def features(lists: ComparisonLists, asked: Set[str] | None = None) -> Features:
    """Of lists, each of at least one pair. Where `asked` is given, of its features alone; all others are MISSING."""
    asked = set(FEATURES) if asked is None else asked
    contents = _contents(lists, asked)
    when = _when(lists)
    near = list_context(lists, when.gap, *(contents[number][lists.which] for number in _COMPARED))
    pairs = np.empty((len(PAIRED), len(lists.steps)), dtype=np.int32)
    for number, (name, time) in enumerate(TIMES.items()):
        pairs[number] = time(when) if name in asked else MISSING
    for number, (name, relation) in enumerate(RELATIONS.items(), len(TIMES)):
        pairs[number] = relation(near) if name in asked else MISSING
    own = np.empty((len(OWNED), len(lists.own)), dtype=np.int32)
    for number, (name, one) in enumerate(OWN.items()):
        own[number] = one(near) if name in asked else MISSING
    _of_talk(lists, near, asked, pairs[-len(BETWEEN) :], own[-len(SPEAKER) :])
    return Features(pairs.T, contents.T, own.T)


def _contents(lists: ComparisonLists, asked: Set[str]) -> Matrix:
    """One row a feature of contents, one column a pair of them."""
    asked = {*asked, *COMPARED}
    found = np.empty((len(CONTENTS), len(lists.left)), dtype=np.int32)
    for begin in range(0, len(lists.left), TOGETHER):
        some = slice(begin, begin + TOGETHER)
        what = compare(lists.left.some(some), lists.right.some(some))
        for number, (name, content) in enumerate(CONTENTS.items()):
            found[number, some] = content(what) if name in asked else MISSING
    return found


def _of_talk(lists: ComparisonLists, near: ListContext, asked: Set[str], pairs: Matrix, own: Matrix) -> None:
    """Fills in what lines of talk have alone."""
    talks = lists.what["talk"]
    pairs[:], own[:] = MISSING, MISSING
    if not talks.any() or asked.isdisjoint((*BETWEEN, *SPEAKER)):
        return
    lines = conversation(lists.left, lists.which, lists.what, near.rarity, near.first, near.end, near.of)
    for row, (name, between) in zip(pairs, BETWEEN.items(), strict=True):
        if name in asked:
            row[:] = np.where(talks[near.of], between(lines), MISSING)
    for row, (name, speaker) in zip(own, SPEAKER.items(), strict=True):
        if name in asked:
            row[:] = np.where(talks, speaker(lines), MISSING)


def _when(lists: ComparisonLists) -> PairTimes:
    earlier, later = lists.earlier, lists.later
    gap = np.minimum(np.maximum((later["start"] - earlier["end"]) // SECOND_US, 0), 2**31 - 1)
    return PairTimes(earlier, later, gap, lists.steps)


def gap(when: PairTimes) -> Column:
    """Seconds from the end of the earlier to the start of the later, 0 where they overlap."""
    return when.gap


def steps(when: PairTimes) -> Column:
    """Steps between the two in the order of events, of lines of talk where both are; FAR beyond what is looked at."""
    return np.where(when.steps > 0, when.steps, FAR)


def days(when: PairTimes) -> Column:
    """How many days lie between the days of the two, each where it happened: 0 for the same day."""
    between: Column = when.later["day"] - when.earlier["day"]
    return between


def spans(when: PairTimes) -> Column:
    """How many of the two have a duration: 1 the earlier one, 2 the later one, 3 both."""
    both: Column = (~when.earlier["point"]).astype(np.int32) + 2 * ~when.later["point"]
    return both


def overlap(when: PairTimes) -> Column:
    """Thousandths of the shorter one that lie in the other; missing where one is a point in time."""
    earlier, later = when.earlier, when.later
    both = np.minimum(earlier["end"], later["end"]) - later["start"]
    shorter = np.minimum(earlier["end"] - earlier["start"], later["end"] - later["start"])
    shared = np.maximum(both, 0) // np.maximum(shorter // 1000, 1)  # so that centuries don't overflow
    return where(shorter > 0, np.minimum(shared, 1000))


TIMES: dict[str, Callable[[PairTimes], Column]] = {one.__name__: one for one in (gap, steps, days, spans, overlap)}
"""Features that hang on when the two were."""

PAIRED: tuple[str, ...] = (*TIMES, *RELATIONS, *BETWEEN)
OWNED: tuple[str, ...] = (*OWN, *SPEAKER)
FEATURES: tuple[str, ...] = (*PAIRED, *CONTENTS, *OWNED)
"""The names of all columns, in order."""

COMPARED = ("likeness", "rare_words", "shared_files")
"""Features of contents that others are made from."""

_COMPARED = tuple(list(CONTENTS).index(name) for name in COMPARED)
