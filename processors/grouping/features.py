"""What a pair of activities has in common, as whole numbers: one row a pair, one column a feature.

A feature depends on the two activities, on the model, and, `steps` alone, on how many others lie between them
(`candidates.Candidates.after` says whom that touches). What can't be said of a pair is MISSING, never 0. All arithmetic
is on integers, or exact in float32, so a pair's row is the same in every batch.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

MISSING = -(2**31)
SECOND_US = 1_000_000
FAR = 1_000_000
"""More steps than any model counts."""

Rows = npt.NDArray[np.void]
Column = npt.NDArray[np.int32]


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


def features(pairs: Pairs) -> npt.NDArray[np.int32]:
    """One row a pair, one column for each of FEATURES, in that order."""
    times = [feature(pairs) for feature in TIMES.values()]
    contents = np.empty((len(pairs.left), len(CONTENTS)), dtype=np.int32)
    for number, feature in enumerate(CONTENTS.values()):
        contents[:, number] = feature(pairs.left, pairs.right)
    return np.concatenate((np.stack(times, axis=1), contents[pairs.which]), axis=1)


def _where(known: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> Column:
    return np.where(known, values, MISSING).astype(np.int32)


def _gap(pairs: Pairs) -> npt.NDArray[np.int64]:
    earlier, later = pairs.earlier, pairs.later
    gap: npt.NDArray[np.int64] = np.clip((later["start"] - earlier["end"]) // SECOND_US, 0, 2**31 - 1)
    return gap


def _talk(pairs: Pairs) -> npt.NDArray[np.bool_]:
    talk: npt.NDArray[np.bool_] = pairs.earlier["talk"] & pairs.later["talk"]
    return talk


def talk_gap(pairs: Pairs) -> Column:
    """Seconds between two lines of talk."""
    return _where(_talk(pairs), _gap(pairs))


def talk_steps(pairs: Pairs) -> Column:
    """Steps between two lines of talk in the order of events; FAR where RECENT doesn't look so far."""
    return _where(_talk(pairs), np.where(pairs.steps > 0, pairs.steps, FAR))


def point_gap(pairs: Pairs) -> Column:
    """Seconds between two points in time that are no talk (mails, commits)."""
    earlier, later = pairs.earlier, pairs.later
    return _where(earlier["point"] & later["point"] & ~_talk(pairs), _gap(pairs))


def span_gap(pairs: Pairs) -> Column:
    """Seconds from the end of the earlier to the start of the later, 0 where they overlap; one has a duration."""
    earlier, later = pairs.earlier, pairs.later
    return _where(~(earlier["point"] & later["point"]) & ~_talk(pairs), _gap(pairs))


def other_steps(pairs: Pairs) -> Column:
    """The same of any other two."""
    return _where(~_talk(pairs), np.where(pairs.steps > 0, pairs.steps, FAR))


def overlap(pairs: Pairs) -> Column:
    """Thousandths of the shorter one that lie in the other; missing where one is a point in time."""
    earlier, later = pairs.earlier, pairs.later
    both = np.minimum(earlier["end"], later["end"]) - later["start"]
    shorter = np.minimum(earlier["end"] - earlier["start"], later["end"] - later["start"])
    return _where(shorter > 0, np.maximum(both, 0) * 1000 // np.maximum(shorter, 1))


def likeness(left: Rows, right: Rows) -> Column:
    """Cosine of the texts' embeddings in thousandths; missing where one has no text, and for talk."""
    one, other = left["embedding"].astype(np.float32), right["embedding"].astype(np.float32)
    dot = np.einsum("ij,ij->i", one, other).astype(np.float64)
    squares = [np.einsum("ij,ij->i", side, side).astype(np.float64) for side in (one, other)]
    known = (squares[0] > 0) & (squares[1] > 0)
    lengths = np.sqrt(np.where(known, squares[0] * squares[1], 1.0))
    return _where(known & ~_spoken(left, right), np.floor(dot * 1000.0 / lengths).astype(np.int64))


def talk_words(left: Rows, right: Rows) -> Column:
    """The rarities of the words that two lines of talk share, summed, in thousandths; missing where one has none."""
    return _where(_worded(left, right) & _spoken(left, right), _shared_rarity(left, right))


def rare_words(left: Rows, right: Rows) -> Column:
    """The same of any other two."""
    return _where(_worded(left, right) & ~_spoken(left, right), _shared_rarity(left, right))


def word_share(left: Rows, right: Rows) -> Column:
    """Shared rarity, in thousandths of the rarity of the one that has less of it; missing for talk."""
    sums = [side["rarity"].sum(axis=1, dtype=np.int64) for side in (left, right)]
    least = np.minimum(sums[0], sums[1])
    share = np.minimum(_shared_rarity(left, right) * 1000 // np.maximum(least, 1), 1000)
    return _where((least > 0) & ~_spoken(left, right), share)


def _spoken(left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    spoken: npt.NDArray[np.bool_] = left["talk"] & right["talk"]
    return spoken


def _worded(left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    worded: npt.NDArray[np.bool_] = (left["words"][:, 0] != 0) & (right["words"][:, 0] != 0)
    return worded


def _shared_rarity(left: Rows, right: Rows) -> npt.NDArray[np.int64]:
    shared = _shared(left["words"], right["words"])
    weight: npt.NDArray[np.int64] = np.where(shared, left["rarity"], 0).sum(axis=1, dtype=np.int64)
    return weight


def title(left: Rows, right: Rows) -> Column:
    """1 where the cleaned titles are equal, else 0; missing where one is empty."""
    return _equal(left, right, "title")


def page(left: Rows, right: Rows) -> Column:
    """2 for the same address, 1 for the same host, else 0; missing where one has none."""
    level = (left["page"] == right["page"]).astype(np.int32) + (left["host"] == right["host"])
    return _where((left["page"] != 0) & (right["page"] != 0), level)


def files(left: Rows, right: Rows) -> Column:
    """Thousandths of the shorter list of files that are in the other one, too; missing where one has none."""
    return _share(left, right, "files")


def folders(left: Rows, right: Rows) -> Column:
    """The same of the folders that the files lie in."""
    return _share(left, right, "folders")


def people(left: Rows, right: Rows) -> Column:
    """The same of the people who take part, actors included; of no use for talk, which `actor` and `named` see to."""
    return np.where(_spoken(left, right), MISSING, _share(left, right, "people")).astype(np.int32)


def actor(left: Rows, right: Rows) -> Column:
    """1 where both are the same person's, else 0; missing where one has no actor."""
    return _equal(left, right, "actor")


def named(left: Rows, right: Rows) -> Column:
    """1 where the earlier one's words name the later one's actor, 2 the other way, 3 both, else 0; missing where
    neither has an actor.
    """
    forth = _shared(right["names"], left["words"]).any(axis=1)
    back = _shared(left["names"], right["words"]).any(axis=1)
    both = np.where(back, np.where(forth, 3, 2), np.where(forth, 1, 0))
    return _where((left["actor"] != 0) | (right["actor"] != 0), both)


def spoken_to(left: Rows, right: Rows) -> Column:
    """Who the later one speaks to: 3 the earlier one's actor, 2 the one that the earlier spoke to, 1 a third person;
    0 where only the earlier one speaks to somebody, to the later one's actor, -1 to a third; missing if neither does.
    """
    to, formerly = right["addressee"], left["addressee"]
    answer = np.where(to == left["actor"], 3, np.where(to == formerly, 2, 1))
    only_earlier = np.where(formerly == right["actor"], 0, -1)
    return _where((to != 0) | (formerly != 0), np.where(to != 0, answer, only_earlier))


def app(left: Rows, right: Rows) -> Column:
    """1 where both are of the same application, else 0; missing where one has none."""
    return _equal(left, right, "app")


def kind(left: Rows, right: Rows) -> Column:
    """1 where both are of the same kind, else 0; missing where one says no kind."""
    return _equal(left, right, "kind")


def _equal(left: Rows, right: Rows, column: str) -> Column:
    one, other = left[column], right[column]
    return _where((one != 0) & (other != 0), (one == other).astype(np.int32))


def _shared(left: npt.NDArray[np.uint32], right: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """For each element of the left lists: is it in the right one of the same pair?"""
    found = np.zeros(left.shape, dtype=np.bool_)
    if left.any() and right.any():
        # One column of the right lists after the other: an order faster than comparing all with all and reducing.
        for number in range(right.shape[1]):
            found |= left == right[:, number : number + 1]
        found &= left != 0
    return found


def _share(left: Rows, right: Rows, column: str) -> Column:
    one, other = left[column], right[column]
    least = np.minimum((one != 0).sum(axis=1), (other != 0).sum(axis=1))
    return _where(least > 0, _shared(one, other).sum(axis=1) * 1000 // np.maximum(least, 1))


TIMES: dict[str, Callable[[Pairs], Column]] = {
    "talk_gap": talk_gap,
    "talk_steps": talk_steps,
    "point_gap": point_gap,
    "span_gap": span_gap,
    "other_steps": other_steps,
    "overlap": overlap,
}
"""Features that hang on when the two were."""

CONTENTS: dict[str, Callable[[Rows, Rows], Column]] = {
    "likeness": likeness,
    "talk_words": talk_words,
    "rare_words": rare_words,
    "word_share": word_share,
    "title": title,
    "page": page,
    "files": files,
    "folders": folders,
    "people": people,
    "actor": actor,
    "named": named,
    "spoken_to": spoken_to,
    "app": app,
    "kind": kind,
}
"""Features that hang on what the two say."""

FEATURES: tuple[str, ...] = (*TIMES, *CONTENTS)
"""The names of the matrix's columns, in order."""
