"""Features that hang on what two activities say: columns of whole numbers, one element a pair (see `features`)."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.describe.description import BEGINNINGS

MISSING = -(2**31)
_BEGINNINGS = np.array((0, *BEGINNINGS))
_MISSING = np.int64(MISSING)  # as a Python number it would take the type of what it stands beside, which may be short

Truths = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]
"""Whole numbers that fit in 32 bits."""


class Rows:
    """Some rows of a table, a column at a time: `rows["end"]` are those of `of["end"]` that lie at `at`."""

    def __init__(self, of: npt.NDArray[np.void], at: npt.NDArray[np.int64]) -> None:
        self._of, self._at = of, at
        self._columns: dict[str, npt.NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        if column not in self._columns:
            self._columns[column] = self._of[column][self._at]
        return self._columns[column]

    def some(self, rows: slice) -> "Rows":
        """These rows of them."""
        return Rows(self._of, self._at[rows])


class ContentPairs(msgspec.Struct, frozen=True, eq=False):
    """What features of content are made from: the pairs' sides, and what more than one of the features asks."""

    left: Rows
    right: Rows
    worded: Truths  # both have words
    rarity: npt.NDArray[np.int64]  # of the words that they share, summed


def compare(left: Rows, right: Rows) -> ContentPairs:
    """Of pairs of contents, given as rows of `profile.CONTENT`."""
    shared = _shared(left["words"], right["words"])
    return ContentPairs(
        left=left,
        right=right,
        worded=_both(left["words"][:, 0], right["words"][:, 0]),
        rarity=_weighed(shared, left["words_rarity"]),
    )


def where(known: Truths, values: npt.NDArray[Any]) -> Column:
    """The values where they are known, else MISSING."""
    return np.where(known, values, _MISSING)


def likeness(what: ContentPairs) -> Column:
    """Cosine of the texts' embeddings in thousandths; missing where one has no text."""
    one, other = what.left["embedding"].astype(np.float32), what.right["embedding"].astype(np.float32)
    dot = np.einsum("ij,ij->i", one, other).astype(np.float64)
    # No product of two squares reaches 2**53, so each is exact in float64.
    squares = what.left["square"] * what.right["square"]
    lengths = np.sqrt(np.maximum(squares, 1).astype(np.float64))
    return where(squares > 0, np.floor(dot * 1000.0 / lengths).astype(np.int64))


def rare_words(what: ContentPairs) -> Column:
    """The rarities of the words that they share, summed, in thousandths; missing where one has none."""
    return where(what.worded, what.rarity)


def word_share(what: ContentPairs) -> Column:
    """Shared rarity, in thousandths of the rarity of the one that has less of it."""
    least = np.minimum(what.left["weight"], what.right["weight"])
    return where(least > 0, np.minimum(what.rarity * 1000 // np.maximum(least, 1), 1000))


def title(what: ContentPairs) -> Column:
    """1 where the cleaned titles are equal, else 0; missing where one is empty."""
    return _equal(what, "title")


def beginning(what: ContentPairs) -> Column:
    """How many characters their titles begin with in common, of `profile.BEGINNINGS`; missing where one is empty."""
    known = _both(what.left["title"], what.right["title"])
    if not known.any():
        return where(known, known)
    left, right = what.left["beginnings"], what.right["beginnings"]
    same = (left == right) & (left != 0)
    # Longer beginnings are the same only where the shorter ones are: as many as there are say which is the longest.
    return where(known, _BEGINNINGS[same.sum(axis=1)])


def page(what: ContentPairs) -> Column:
    """2 for the same address, 1 for the same host, else 0; missing where one has none."""
    left, right = what.left, what.right
    level = (left["page"] == right["page"]).astype(np.int32) + (left["host"] == right["host"])
    return where(_both(left["page"], right["page"]), level)


def files(what: ContentPairs) -> Column:
    """Thousandths of the shorter list of files that are in the other one, too; missing where one has none."""
    return _share(what, "files")


def shared_files(what: ContentPairs) -> Column:
    """How many files are in both lists, of those that are compared."""
    one, other = what.left["files"], what.right["files"]
    known = _both(one[:, 0], other[:, 0])
    if not known.any():
        return where(known, known)
    return where(known, _shared(one, other).sum(axis=1))


def file_words(what: ContentPairs) -> Column:
    """The rarities of the words that names of both ones' files are spelled with; missing where one has no files."""
    left, right = what.left, what.right
    known = _both(left["spelled"][:, 0], right["spelled"][:, 0])
    if not known.any():
        return where(known, known)
    shared = _shared(left["spelled"], right["spelled"])
    return where(known, _weighed(shared, left["spelled_rarity"]))


def folders(what: ContentPairs) -> Column:
    """Thousandths of the shorter list of folders that the files lie in that are in the other one, too."""
    return _share(what, "folders")


def title_in_files(what: ContentPairs) -> Column:
    """The rarities of the later one's words that names of the earlier one's files are spelled with; missing where it
    has no files, or the other no words.
    """
    return _spelled(what.right, what.left)


def files_in_title(what: ContentPairs) -> Column:
    """The rarities of the earlier one's words that names of the later one's files are spelled with; missing alike."""
    return _spelled(what.left, what.right)


def people(what: ContentPairs) -> Column:
    """Thousandths of the shorter list of people, actors included, who are in the other one, too."""
    return _share(what, "people")


def actor(what: ContentPairs) -> Column:
    """1 where both are the same person's, else 0; missing where one has no actor."""
    return _equal(what, "actor")


def named(what: ContentPairs) -> Column:
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


def app(what: ContentPairs) -> Column:
    """1 where both are of the same application, else 0; missing where one has none."""
    return _equal(what, "app")


def kind(what: ContentPairs) -> Column:
    """1 where both are of the same kind, else 0; missing where one says no kind."""
    return _equal(what, "kind")


def earlier_talk(what: ContentPairs) -> Column:
    """1 where the earlier one is a line of talk, 2 where it is a machine's, 3 where it asks a machine, else 0."""
    talk: Column = what.left["talk"].astype(np.int32) + what.left["machine"] + 2 * what.left["command"]
    return talk


def asks(what: ContentPairs) -> Column:
    """1 where the earlier one has a question mark, 2 the later one, 3 both, else 0; missing where that is no talk."""
    return where(what.right["talk"], what.left["asks"].astype(np.int32) + 2 * what.right["asks"])


def earlier_length(what: ContentPairs) -> Column:
    """How many words the earlier one has."""
    length: Column = what.left["length"]
    return length


def earlier_opening(what: ContentPairs) -> Column:
    """How much the earlier one's words speak for something new, in thousandths of a logit; missing without words."""
    return where(what.left["length"] > 0, what.left["opening"])


def earlier_listed(what: ContentPairs) -> Column:
    """How many files the earlier one lists; missing where none."""
    return where(what.left["listed"] > 0, what.left["listed"])


def _both(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> Truths:
    both: Truths = (one != 0) & (other != 0)
    return both


def _equal(what: ContentPairs, column: str) -> Column:
    one, other = what.left[column], what.right[column]
    return where(_both(one, other), one == other)


def _spelled(worded: Rows, listing: Rows) -> Column:
    known = _both(worded["words"][:, 0], listing["spelled"][:, 0])
    if not known.any():
        return where(known, known)
    shared = _shared(worded["words"], listing["spelled"])
    return where(known, _weighed(shared, worded["words_rarity"]))


def _shared(left: npt.NDArray[np.uint32], right: npt.NDArray[np.uint32]) -> Truths:
    """For each element of the left lists that any of them has: is it in the right one of the same pair?"""
    # All with all, the right lists' elements outermost: numpy is many times faster along the long axes.
    left = _used(left)
    columns = np.ascontiguousarray(_used(right).T)[:, :, None]
    found: Truths = np.bitwise_or.reduce(left == columns, axis=0)
    found &= left != 0
    return found


def _used(lists: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Without the columns on the right that are empty in all: lists are filled from the left, and most are short."""
    return np.ascontiguousarray(lists[:, : np.count_nonzero(lists.any(axis=0))])


def _weighed(shared: Truths, rarity: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    weights: npt.NDArray[np.int64] = np.einsum("ij,ij->i", shared, rarity[:, : shared.shape[1]], dtype=np.int64)
    return weights


def _share(what: ContentPairs, column: str) -> Column:
    one, other = what.left[column], what.right[column]
    known = _both(one[:, 0], other[:, 0])
    if not known.any():  # the most frequent case, and lists are dear to compare
        return where(known, known)
    least = np.minimum((one != 0).sum(axis=1), (other != 0).sum(axis=1))
    return where(known, _shared(one, other).sum(axis=1) * 1000 // np.maximum(least, 1))


CONTENTS: dict[str, Callable[[ContentPairs], Column]] = {
    one.__name__: one
    for one in (
        likeness,
        rare_words,
        word_share,
        title,
        beginning,
        page,
        files,
        shared_files,
        file_words,
        folders,
        title_in_files,
        files_in_title,
        people,
        actor,
        named,
        app,
        kind,
        earlier_talk,
        asks,
        earlier_length,
        earlier_opening,
        earlier_listed,
    )
}
"""Features that hang on what the two say."""
