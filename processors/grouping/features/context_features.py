"""Features that hang on the others that an activity is compared with: who spoke since, to whom, and how alike they are.

All are made from one activity's list, so whoever changes them is in the list, and `candidates.Candidates.after` says
whose lists those are.
"""

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features.content_features import MISSING, Column, Rows, Truths, where

SECOND_US = 1_000_000
DENSE_S = 120

Integers = npt.NDArray[np.int64]


class ListContext(msgspec.Struct, frozen=True, eq=False):
    """What these features are made from: lists of pairs side by side, in the order of events, each of at least one.

    `first` and `end` are where a list begins, and where it ends; `of` is each pair's list; `place` each pair's place.
    `actors` are whose the earlier ones are; `mine`: the later one's actor's, and of no machine.
    """

    own: Rows  # ACTIVITY, one a list
    what: Rows  # CONTENT, one a list
    first: Integers
    end: Integers
    of: Integers
    place: Integers
    gap: Integers  # seconds
    likeness: Column
    rarity: Column
    files: Column  # how many are shared
    actors: Integers
    mine: Truths
    last_mine: Integers  # the place of the latest that is mine, one a list; -1 for none

    def since(self, places: Integers) -> Integers:
        """How many of the list come after such a place, its own included; one a list."""
        return self.end - places


class ComparisonLists(msgspec.Struct, frozen=True, eq=False):
    """Activities (`own`, `what`: rows of ACTIVITY and CONTENT), each with the earlier ones that it is compared with.

    `counts` says how many those are. Of each pair: the `earlier` and the `later` one (ACTIVITY), `steps` between the
    two in the order of events (0: far), and `which` of the distinct pairs of contents they are; those are `left` and
    `right`.
    """

    own: Rows
    what: Rows
    counts: Integers
    earlier: Rows
    later: Rows
    steps: Integers
    left: Rows
    right: Rows
    which: Integers


def list_context(lists: ComparisonLists, gap: Integers, likeness: Column, rarity: Column, files: Column) -> ListContext:
    """Of lists, with what was found out about their pairs."""
    end = np.cumsum(lists.counts)
    first = end - lists.counts
    of = np.repeat(np.arange(len(end)), lists.counts)
    place = np.arange(len(of))
    actors = lists.left["actor"].astype(np.int64)[lists.which]
    own = lists.what["actor"].astype(np.int64)
    mine = (actors == own[of]) & (actors != 0) & ~lists.left["machine"][lists.which]
    return ListContext(
        own=lists.own,
        what=lists.what,
        first=first,
        end=end,
        of=of,
        place=place,
        gap=gap,
        likeness=likeness,
        rarity=rarity,
        files=files,
        actors=actors,
        mine=mine,
        last_mine=np.maximum.reduceat(np.where(mine, place, -1), first),
    )


def _key(lists: Integers, people: Integers) -> Integers:
    """Numbers that are equal where list and person are."""
    keys: Integers = (lists << 32) | people
    return keys


def mine_since(of: ListContext) -> Column:
    """How many after the earlier one are the later one's actor's; missing where that has none in the list."""
    count = np.cumsum(of.mine)
    return where((of.last_mine >= 0)[of.of], (count[of.end - 1])[of.of] - count)


def after_mine(of: ListContext) -> Column:
    """How many places the earlier one comes after its latest that is the later one's actor's (less than 0: before)."""
    return where((of.last_mine >= 0)[of.of], of.place - of.last_mine[of.of])


def theirs_since(of: ListContext) -> Column:
    """How many after the earlier one are its own actor's; missing where it has none."""
    order, ends = _by_person(of)
    since = np.empty(len(order), dtype=np.int64)
    since[order] = ends - np.arange(len(order))
    return where(of.actors != 0, since)


def theirs_first(of: ListContext) -> Column:
    """1 where the earlier one is its actor's first in the list, else 0; missing where it has none."""
    keys = _key(of.of, of.actors)
    first = np.zeros(len(keys), dtype=np.int64)
    first[np.unique(keys, return_index=True)[1]] = 1
    return where(of.actors != 0, first)


def _by_person(of: ListContext) -> tuple[Integers, Integers]:
    """An order in which each person's of a list lie together, as they came; and for each where theirs end."""
    keys = _key(of.of, of.actors)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True))
    return order, last[np.searchsorted(last, np.arange(len(keys)))]


def less_alike(of: ListContext) -> Column:
    """By how much (thousandths) the pair's likeness is less than the greatest of the list; missing with it."""
    most = np.maximum.reduceat(of.likeness, of.first)
    return where(of.likeness != MISSING, most[of.of].astype(np.int64) - of.likeness)


def less_rare(of: ListContext) -> Column:
    """The same of rare words."""
    most = np.maximum.reduceat(of.rarity, of.first)
    return where(of.rarity != MISSING, most[of.of].astype(np.int64) - of.rarity)


def less_files(of: ListContext) -> Column:
    """The same of the number of shared files."""
    most = np.maximum.reduceat(of.files, of.first)
    return where(of.files != MISSING, most[of.of].astype(np.int64) - of.files)


RELATIONS: dict[str, Callable[[ListContext], Column]] = {
    one.__name__: one
    for one in (
        mine_since,
        after_mine,
        theirs_since,
        theirs_first,
        less_alike,
        less_rare,
        less_files,
    )
}
"""Features of a pair in its list."""


def pause(of: ListContext) -> Column:
    """Seconds since the latest of the list."""
    return of.gap[of.end - 1]


def own_pause(of: ListContext) -> Column:
    """Seconds since the latest that is the same actor's; missing where there is none."""
    return where(of.last_mine >= 0, of.gap[of.last_mine])


def own_steps(of: ListContext) -> Column:
    """How many come after that, it included."""
    return where(of.last_mine >= 0, of.since(of.last_mine))


def dense(of: ListContext) -> Column:
    """How many came within the last two minutes."""
    return np.add.reduceat((of.gap <= DENSE_S).astype(np.int64), of.first)


def listed(of: ListContext) -> Column:
    """How many the list has."""
    return of.end - of.first


def most_alike(of: ListContext) -> Column:
    """The greatest likeness of the list; missing where no pair has one."""
    return np.maximum.reduceat(of.likeness, of.first)


def most_rare(of: ListContext) -> Column:
    """The same of rare words."""
    return np.maximum.reduceat(of.rarity, of.first)


def most_files(of: ListContext) -> Column:
    """The same of the number of shared files."""
    return np.maximum.reduceat(of.files, of.first)


def worded(of: ListContext) -> Column:
    """How many of the list share a word that says something."""
    return np.add.reduceat((of.rarity > 0).astype(np.int64), of.first)


def filed(of: ListContext) -> Column:
    """How many of the list share a file."""
    return np.add.reduceat((of.files > 0).astype(np.int64), of.first)


def own_length(of: ListContext) -> Column:
    """How many words it has."""
    return of.what["length"].astype(np.int64)


def own_opening(of: ListContext) -> Column:
    """How much those speak for something new, in thousandths of a logit; missing without words."""
    return where(of.what["length"] > 0, of.what["opening"])


def own_files(of: ListContext) -> Column:
    """How many files it lists; missing where none."""
    return where(of.what["listed"] > 0, of.what["listed"])


OWN: dict[str, Callable[[ListContext], Column]] = {
    one.__name__: one
    for one in (
        pause,
        own_pause,
        own_steps,
        dense,
        listed,
        most_alike,
        most_rare,
        most_files,
        worded,
        filed,
        own_length,
        own_opening,
        own_files,
    )
}
"""Features of an activity in its list, the same for all its pairs."""
