"""Features that hang on what two activities say: columns of whole numbers, one element a pair (see `features`)."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

MISSING = -(2**31)

Rows = npt.NDArray[np.void]
Truths = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]
"""Whole numbers that fit in 32 bits."""


class What(msgspec.Struct, frozen=True, eq=False):
    """What features of content are made from: the pairs' sides, and what more than one of the features asks."""

    left: Rows
    right: Rows
    talk: Truths
    worded: Truths  # both have words
    rarity: npt.NDArray[np.int64]  # of the words that they share, summed


def compare(left: Rows, right: Rows) -> What:
    """Of pairs of contents, given as rows of `profile.CONTENT`."""
    shared = _shared(left["words"], right["words"])
    return What(
        left=left,
        right=right,
        talk=left["talk"] & right["talk"],
        worded=_both(left["words"][:, 0], right["words"][:, 0]),
        rarity=np.einsum("ij,ij->i", shared, left["rarity"], dtype=np.int64),
    )


def where(known: Truths, values: npt.NDArray[Any]) -> Column:
    """The values where they are known, else MISSING."""
    return np.where(known, values, MISSING)


def likeness(what: What) -> Column:
    """Cosine of the texts' embeddings in thousandths; missing where one has no text, and for talk."""
    one, other = what.left["embedding"].astype(np.float32), what.right["embedding"].astype(np.float32)
    dot = np.einsum("ij,ij->i", one, other).astype(np.float64)
    # No product of two squares reaches 2**53, so each is exact in float64.
    squares = what.left["square"] * what.right["square"]
    lengths = np.sqrt(np.maximum(squares, 1).astype(np.float64))
    return where((squares > 0) & ~what.talk, np.floor(dot * 1000.0 / lengths).astype(np.int64))


def talk_words(what: What) -> Column:
    """The rarities of the words that two lines of talk share, summed, in thousandths; missing where one has none."""
    return where(what.worded & what.talk, what.rarity)


def rare_words(what: What) -> Column:
    """The same of any other two."""
    return where(what.worded & ~what.talk, what.rarity)


def word_share(what: What) -> Column:
    """Shared rarity, in thousandths of the rarity of the one that has less of it; missing for talk."""
    least = np.minimum(what.left["weight"], what.right["weight"])
    share = np.minimum(what.rarity * 1000 // np.maximum(least, 1), 1000)
    return where((least > 0) & ~what.talk, share)


def title(what: What) -> Column:
    """1 where the cleaned titles are equal, else 0; missing where one is empty."""
    return _equal(what, "title")


def page(what: What) -> Column:
    """2 for the same address, 1 for the same host, else 0; missing where one has none."""
    left, right = what.left, what.right
    level = (left["page"] == right["page"]).astype(np.int32) + (left["host"] == right["host"])
    return where(_both(left["page"], right["page"]), level)


def files(what: What) -> Column:
    """Thousandths of the shorter list of files that are in the other one, too; missing where one has none."""
    return _share(what, "files")


def folders(what: What) -> Column:
    """The same of the folders that the files lie in."""
    return _share(what, "folders")


def people(what: What) -> Column:
    """The same of the people who take part, actors included; of no use for talk, which `actor` and `named` see to."""
    return np.where(what.talk, MISSING, _share(what, "people"))


def actor(what: What) -> Column:
    """1 where both are the same person's, else 0; missing where one has no actor."""
    return _equal(what, "actor")


def named(what: What) -> Column:
    """1 where the earlier one's words name the later one's actor, 2 the other way, 3 both, else 0; missing where
    neither has an actor.
    """
    left, right = what.left, what.right
    known = (left["actor"] != 0) | (right["actor"] != 0)
    if not known.any():
        return where(known, known)
    forth = _shared(right["names"], left["words"]).any(axis=1)
    back = _shared(left["names"], right["words"]).any(axis=1)
    return where(known, np.where(back, 2, 0) + forth)


def spoken_to(what: What) -> Column:
    """Who the later one speaks to: 3 the earlier one's actor, 2 the one that the earlier spoke to, 1 a third person;
    0 where only the earlier one speaks to somebody, to the later one's actor, -1 to a third; missing if neither does.
    """
    to, formerly = what.right["addressee"], what.left["addressee"]
    known = (to | formerly) != 0
    if not known.any():
        return where(known, known)
    answer = np.where(to == what.left["actor"], 3, np.where(to == formerly, 2, 1))
    only_earlier = np.where(formerly == what.right["actor"], 0, -1)
    return where(known, np.where(to != 0, answer, only_earlier))


def app(what: What) -> Column:
    """1 where both are of the same application, else 0; missing where one has none."""
    return _equal(what, "app")


def kind(what: What) -> Column:
    """1 where both are of the same kind, else 0; missing where one says no kind."""
    return _equal(what, "kind")


def _both(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Truths:
    both: Truths = (one != 0) & (other != 0)
    return both


def _equal(what: What, column: str) -> Column:
    one, other = what.left[column], what.right[column]
    return where(_both(one, other), one == other)


def _shared(left: npt.NDArray[np.uint32], right: npt.NDArray[np.uint32]) -> Truths:
    """For each element of the left lists: is it in the right one of the same pair?"""
    if not left[:, 0].any():  # a list that has anything begins with it
        return np.zeros(left.shape, dtype=np.bool_)
    # All with all, the right lists' elements outermost: numpy is many times faster along the long axes.
    left = np.ascontiguousarray(left)
    columns = np.ascontiguousarray(right.T)[:, :, None]
    found: Truths = np.bitwise_or.reduce(left == columns, axis=0)
    found &= left != 0
    return found


def _share(what: What, column: str) -> Column:
    one, other = what.left[column], what.right[column]
    known = _both(one[:, 0], other[:, 0])
    if not known.any():  # the most frequent case, and lists are dear to compare
        return where(known, known)
    least = np.minimum((one != 0).sum(axis=1), (other != 0).sum(axis=1))
    return where(known, _shared(one, other).sum(axis=1) * 1000 // np.maximum(least, 1))


CONTENTS: dict[str, Callable[[What], Column]] = {
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
