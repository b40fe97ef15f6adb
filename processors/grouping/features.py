"""What a pair of activities has in common, as whole numbers: one row a pair, one column a feature.

A feature depends on the two activities, on the model, and, `steps` alone, on how many others lie between them
(`candidates.Candidates.after` says whom that touches). What can't be said of a pair is MISSING, never 0. All arithmetic
is on integers, or exact in float32, so a pair's row is the same in every batch.
"""

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.contents import CONTENTS, Column, Rows, Truths, compare, where
from processors.grouping.contents import MISSING as MISSING

SECOND_US = 1_000_000
FAR = 1_000_000
"""More steps than any model counts."""


class Pairs(msgspec.Struct, frozen=True, eq=False):
    """Pairs of activities, as columns: `earlier` and `later` have start, end, point and talk (`table.ACTIVITY`).

    `steps` are those between them in the order of events (0: far). What they say is given once for each two contents:
    `left` and `right` are rows of `profile.CONTENT`, and `which` tells which of those a pair has.
    """

    earlier: Rows
    later: Rows
    steps: npt.NDArray[np.int32]
    left: Rows
    right: Rows
    which: npt.NDArray[np.int64]


class When(msgspec.Struct, frozen=True, eq=False):
    """What features of time are made from: the pairs' sides, and what more than one of the features asks."""

    earlier: Rows
    later: Rows
    talk: Truths  # both are lines of talk
    points: Truths  # both are points in time
    gap: npt.NDArray[np.int64]  # seconds
    steps: npt.NDArray[np.int64]


def features(pairs: Pairs) -> npt.NDArray[np.int32]:
    """One row a pair, one column for each of FEATURES, in that order."""
    found = np.empty((len(FEATURES), len(pairs.steps)), dtype=np.int32)
    when = _when(pairs)
    for number, feature in enumerate(TIMES.values()):
        found[number] = feature(when)
    contents = np.empty((len(CONTENTS), len(pairs.left)), dtype=np.int32)
    what = compare(pairs.left, pairs.right)
    for number, content in enumerate(CONTENTS.values()):
        contents[number] = content(what)
    found[len(TIMES) :] = contents[:, pairs.which]
    return found.T


def _when(pairs: Pairs) -> When:
    earlier, later = pairs.earlier, pairs.later
    return When(
        earlier=earlier,
        later=later,
        talk=earlier["talk"] & later["talk"],
        points=earlier["point"] & later["point"],
        gap=np.minimum(np.maximum((later["start"] - earlier["end"]) // SECOND_US, 0), 2**31 - 1),
        steps=np.where(pairs.steps > 0, pairs.steps, FAR),
    )


def talk_gap(when: When) -> Column:
    """Seconds between two lines of talk."""
    return where(when.talk, when.gap)


def talk_steps(when: When) -> Column:
    """Steps between two lines of talk in the order of events; FAR where RECENT doesn't look so far."""
    return where(when.talk, when.steps)


def point_gap(when: When) -> Column:
    """Seconds between two points in time that are no talk (mails, commits)."""
    return where(when.points & ~when.talk, when.gap)


def span_gap(when: When) -> Column:
    """Seconds from the end of the earlier to the start of the later, 0 where they overlap; one has a duration."""
    return where(~(when.points | when.talk), when.gap)


def other_steps(when: When) -> Column:
    """The same of any other two."""
    return where(~when.talk, when.steps)


def overlap(when: When) -> Column:
    """Thousandths of the shorter one that lie in the other; missing where one is a point in time."""
    earlier, later = when.earlier, when.later
    both = np.minimum(earlier["end"], later["end"]) - later["start"]
    shorter = np.minimum(earlier["end"] - earlier["start"], later["end"] - later["start"])
    return where(shorter > 0, np.maximum(both, 0) * 1000 // np.maximum(shorter, 1))


TIMES: dict[str, Callable[[When], Column]] = {
    "talk_gap": talk_gap,
    "talk_steps": talk_steps,
    "point_gap": point_gap,
    "span_gap": span_gap,
    "other_steps": other_steps,
    "overlap": overlap,
}
"""Features that hang on when the two were."""

FEATURES: tuple[str, ...] = (*TIMES, *CONTENTS)
"""The names of the matrix's columns, in order."""
