"""What a pair of activities has in common, as whole numbers: one row a pair, one column a feature.

A feature depends on the two activities, on the model, and, `steps` alone, on how many others lie between them
(`candidates.Candidates.after` says whom that touches). What can't be said of a pair is MISSING, never 0. All arithmetic
is on integers, or exact in float32, so a pair's row is the same in every batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

MISSING = -(2**31)
SECOND_US = 1_000_000

Rows = npt.NDArray[np.void]
"""Profiles' rows (`profile.ROW`), one an activity."""
Column = npt.NDArray[np.int32]
Pairs = tuple[Rows, Rows, npt.NDArray[np.int32]]
"""The earlier one's row, the later one's row, and the steps between them in the order of events (0: far)."""


def features(earlier: Rows, later: Rows, steps: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """One row a pair, one column for each of FEATURES, in that order."""
    matrix = np.empty((len(earlier), len(FEATURES)), dtype=np.int32)
    for number, feature in enumerate(FEATURES.values()):
        matrix[:, number] = feature((earlier, later, steps))
    return matrix


def _where(known: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> Column:
    return np.where(known, values, MISSING).astype(np.int32)


def _gap(pairs: Pairs) -> npt.NDArray[np.int64]:
    earlier, later, _ = pairs
    gap: npt.NDArray[np.int64] = np.clip((later["start"] - earlier["end"]) // SECOND_US, 0, 2**31 - 1)
    return gap


def _talk(pairs: Pairs) -> npt.NDArray[np.bool_]:
    talk: npt.NDArray[np.bool_] = pairs[0]["talk"] & pairs[1]["talk"]
    return talk


def talk_gap(pairs: Pairs) -> Column:
    """Seconds between two lines of talk."""
    return _where(_talk(pairs), _gap(pairs))


def talk_steps(pairs: Pairs) -> Column:
    """Steps between two lines of talk in the order of events; missing where they are far apart."""
    return _where(_talk(pairs) & (pairs[2] > 0), pairs[2])


def point_gap(pairs: Pairs) -> Column:
    """Seconds between two points in time that are no talk (mails, commits)."""
    earlier, later, _ = pairs
    return _where(earlier["point"] & later["point"] & ~_talk(pairs), _gap(pairs))


def span_gap(pairs: Pairs) -> Column:
    """Seconds from the end of the earlier to the start of the later, 0 where they overlap; one has a duration."""
    earlier, later, _ = pairs
    return _where(~(earlier["point"] & later["point"]) & ~_talk(pairs), _gap(pairs))


def span_steps(pairs: Pairs) -> Column:
    """Steps between two that are no talk; missing where they are far apart."""
    return _where(~_talk(pairs) & (pairs[2] > 0), pairs[2])


def overlap(pairs: Pairs) -> Column:
    """Thousandths of the shorter one that lie in the other; missing where one is a point in time."""
    earlier, later, _ = pairs
    both = np.minimum(earlier["end"], later["end"]) - later["start"]
    shorter = np.minimum(earlier["end"] - earlier["start"], later["end"] - later["start"])
    return _where(shorter > 0, np.maximum(both, 0) * 1000 // np.maximum(shorter, 1))


def likeness(pairs: Pairs) -> Column:
    """Cosine of the texts' embeddings in thousandths; missing where one has no text."""
    left, right = (rows["embedding"].astype(np.float32) for rows in pairs[:2])
    dot, squares = np.einsum("ij,ij->i", left, right), [np.einsum("ij,ij->i", side, side) for side in (left, right)]
    lengths = squares[0].astype(np.float64) * squares[1].astype(np.float64)
    known = lengths > 0
    cosine = np.floor(dot.astype(np.float64) * 1000.0 / np.sqrt(np.where(known, lengths, 1.0)))
    return _where(known, cosine.astype(np.int64))


def rare_words(pairs: Pairs) -> Column:
    """The rarities of the words that both have, summed, in thousandths; missing where one has no words."""
    earlier, later, _ = pairs
    shared = _shared(earlier["words"], later["words"])
    weight = (shared * earlier["rarity"].astype(np.int64)).sum(axis=1)
    return _where((earlier["words"][:, 0] != 0) & (later["words"][:, 0] != 0), weight)


def word_share(pairs: Pairs) -> Column:
    """Shared rarity, in thousandths of the rarity of the one that has less of it."""
    earlier, later, _ = pairs
    shared = _shared(earlier["words"], later["words"])
    weight = (shared * earlier["rarity"].astype(np.int64)).sum(axis=1)
    least = np.minimum(earlier["rarity"].sum(axis=1, dtype=np.int64), later["rarity"].sum(axis=1, dtype=np.int64))
    return _where(least > 0, np.minimum(weight * 1000 // np.maximum(least, 1), 1000))


def title(pairs: Pairs) -> Column:
    """1 where the cleaned titles are equal, else 0; missing where one is empty."""
    return _equal(pairs, "title")


def page(pairs: Pairs) -> Column:
    """2 for the same address, 1 for the same host, else 0; missing where one has none."""
    earlier, later, _ = pairs
    level = (earlier["page"] == later["page"]).astype(np.int32) + (earlier["host"] == later["host"])
    return _where((earlier["page"] != 0) & (later["page"] != 0), level)


def files(pairs: Pairs) -> Column:
    """Thousandths of the shorter list of files that are in the other one, too; missing where one has none."""
    return _share(pairs, "files")


def folders(pairs: Pairs) -> Column:
    """The same of the folders that the files lie in."""
    return _share(pairs, "folders")


def people(pairs: Pairs) -> Column:
    """The same of the people who take part, actors included; of no use for talk, which `actor` and `named` see to."""
    return np.where(_talk(pairs), MISSING, _share(pairs, "people")).astype(np.int32)


def actor(pairs: Pairs) -> Column:
    """1 where both are the same person's, else 0; missing where one has no actor."""
    return _equal(pairs, "actor")


def named(pairs: Pairs) -> Column:
    """1 where the earlier one's words name the later one's actor, 2 the other way, 3 both, else 0; missing where
    neither has an actor.
    """
    earlier, later, _ = pairs
    forth = _shared(later["names"], earlier["words"]).any(axis=1)
    back = _shared(earlier["names"], later["words"]).any(axis=1)
    return _where(
        (earlier["actor"] != 0) | (later["actor"] != 0), forth.astype(np.int32) + back.astype(np.int32) * np.int32(2)
    )


def spoken_to(pairs: Pairs) -> Column:
    """Who the later one speaks to: 3 the earlier one's actor, 2 the one that the earlier spoke to, 1 a third person;
    0 where only the earlier one speaks to somebody, to the later one's actor, -1 to a third; missing if neither does.
    """
    earlier, later, _ = pairs
    to, formerly = later["addressee"], earlier["addressee"]
    answer = np.where(to == earlier["actor"], 3, np.where(to == formerly, 2, 1))
    only_earlier = np.where(formerly == later["actor"], 0, -1)
    return _where((to != 0) | (formerly != 0), np.where(to != 0, answer, only_earlier))


def app(pairs: Pairs) -> Column:
    """1 where both are of the same application, else 0; missing where one has none."""
    return _equal(pairs, "app")


def kind(pairs: Pairs) -> Column:
    """1 where both are of the same kind, else 0; missing where one says no kind."""
    return _equal(pairs, "kind")


def _equal(pairs: Pairs, column: str) -> Column:
    left, right = pairs[0][column], pairs[1][column]
    return _where((left != 0) & (right != 0), (left == right).astype(np.int32))


def _shared(left: npt.NDArray[np.uint32], right: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """For each element of the left lists: is it in the right one of the same pair?"""
    found: npt.NDArray[np.bool_] = (left[:, :, None] == right[:, None, :]).any(axis=2)
    found &= left != 0
    return found


def _share(pairs: Pairs, column: str) -> Column:
    left, right = pairs[0][column], pairs[1][column]
    shared = _shared(left, right).sum(axis=1)
    least = np.minimum((left != 0).sum(axis=1), (right != 0).sum(axis=1))
    return _where(least > 0, shared * 1000 // np.maximum(least, 1))


FEATURES: dict[str, Callable[[Pairs], Column]] = {
    "talk_gap": talk_gap,
    "talk_steps": talk_steps,
    "point_gap": point_gap,
    "span_gap": span_gap,
    "span_steps": span_steps,
    "overlap": overlap,
    "likeness": likeness,
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
"""Each feature's name and the function that says it, in the order of the matrix's columns."""
