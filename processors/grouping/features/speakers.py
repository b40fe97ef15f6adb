"""Who said what to whom in lists of lines of talk: people by number, under all their names, and who met whom."""

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features.content_features import Column, Rows, Truths

Integers = npt.NDArray[np.int64]

NOBODY, ELSEWHERE = 0, -1
"""In place of a person: there is none; it is somebody who has no line in the list."""

MOST_COUNTED = 9
"""Beyond so many nothing is counted."""


def key_of(upper: Integers, lower: Integers) -> Integers:
    """One number of two; the upper one decides the order first."""
    keys: Integers = (upper << 32) + lower
    return keys


class Meetings(msgspec.Struct, frozen=True, eq=False):
    """When somebody spoke to somebody: `keys` rise (person, then place), `others` are whom that person met there."""

    keys: Integers
    others: Integers

    def latest(self, people: Integers, places: Integers) -> Integers:
        """Whom these met the latest, up to these places; NOBODY without."""
        if not len(self.keys):
            return np.zeros(len(people), dtype=np.int64)
        at = np.searchsorted(self.keys, key_of(people, places), side="right") - 1
        found: Integers = np.where((at >= 0) & (self.keys[at] >> 32 == people), self.others[at], NOBODY)
        return found

    def others_of(self, people: Integers) -> Integers:
        """How many others each of these met, at most 9."""
        pairs = np.unique(key_of(self.keys >> 32, self.others)) >> 32
        found: Integers = np.searchsorted(pairs, people, side="right") - np.searchsorted(pairs, people)
        return np.minimum(found, MOST_COUNTED)


def meetings(who: Integers, to: Integers, place: Integers) -> Meetings:
    """Of lines; to oneself nobody speaks."""
    met = np.flatnonzero((who > 0) & (to > 0) & (who != to))
    who, to, place = who[met], to[met], place[met]
    keys, others = np.concatenate((key_of(who, place), key_of(to, place))), np.concatenate((to, who))
    order = np.argsort(keys)
    return Meetings(keys[order], others[order])


class Conversation(msgspec.Struct, frozen=True, eq=False):
    """What these features are made from: lists of lines side by side, in the order of events, each of at least one.

    People are numbers from 1 on, other ones in each list; who changed the name is one person. Of each earlier line
    `of` is the list, `said` tells whether a person said it, `who` did, `to` whom, and `partner` is with whom that one
    was in talk then: whom it speaks to, else whom its actor met the latest. `me`, `mine_to` and `mine_partner` are the
    same of the later lines, one a list; `machine` and `command` are as in CONTENT.
    """

    first: Integers
    end: Integers
    of: Integers
    place: Integers
    rarity: Column
    machine: Truths
    command: Truths
    said: Truths
    who: Integers
    to: Integers
    partner: Integers
    me: Integers
    mine_to: Integers
    mine_partner: Integers
    met: Meetings


class _People:
    """Numbers of who is in the lists: first those of the earlier ones, then those of the later ones."""

    def __init__(self, actors: Integers, of: Integers, own: Integers, lists: Integers) -> None:
        self._names, numbers = np.unique(np.concatenate((key_of(of, actors), key_of(lists, own))), return_inverse=True)
        self._numbers = np.where(self._names & 0xFFFFFFFF == 0, NOBODY, np.arange(1, len(self._names) + 1))
        self._at = numbers

    def rename(self, names: Integers, places: Integers, of: Integers) -> None:
        """Has who is known by another name from such a place on be the same person as who has that name."""
        found = self._find(key_of(of[places], names))
        begins, ends = (np.searchsorted(self._names, lists << 32).tolist() for lists in (of[places], of[places] + 1))
        for place, name, begin, end in zip(places.tolist(), found.tolist(), begins, ends, strict=True):
            numbers = self._numbers[begin:end]  # of that list, without a copy
            before, now = self._numbers[self._at[place]], self._numbers[name]
            if name >= 0 and before and now:
                numbers[numbers == before] = now

    def who(self) -> Integers:
        """Each one's actor. Who has no name is like nobody else."""
        found = self._numbers[self._at]
        return np.where(found == NOBODY, -2 - np.arange(len(found)), found)

    def called(self, rows: Rows, which: Integers, of: Integers) -> Integers:
        """Whom lines speak to: who is addressed, else who is called by name, where that is somebody in the list."""
        addressee = rows["addressee"].astype(np.int64)
        found = np.where(addressee[which] != 0, ELSEWHERE, NOBODY)
        for column in (*rows["called"].T[::-1], addressee):
            named = np.flatnonzero(column[which])
            at = self._find(key_of(of[named], column[which[named]].astype(np.int64)))
            found[named[at >= 0]] = self._numbers[at[at >= 0]]
        return found

    def _find(self, keys: Integers) -> Integers:
        at = np.minimum(np.searchsorted(self._names, keys), len(self._names) - 1)
        found: Integers = np.where(self._names[at] == keys, at, -1)
        return found


def conversation(
    left: Rows, which: Integers, what: Rows, rarity: Column, first: Integers, end: Integers, of: Integers
) -> Conversation:
    """Of lists of lines: `left` are the earlier ones' distinct contents, `which` of them each is, `what` the later
    ones'; `rarity` is what words each pair shares.
    """
    place, lists = np.arange(len(of)), np.arange(len(end))
    people = _People(left["actor"].astype(np.int64)[which], of, what["actor"].astype(np.int64), lists)
    machine = left["machine"][which]
    people.rename(left["addressee"].astype(np.int64)[which[machine]], np.flatnonzero(machine), of)
    who, me = np.split(people.who(), [len(of)])
    to = np.where(machine, NOBODY, people.called(left, which, of))
    mine_to = np.where(what["machine"], NOBODY, people.called(what, lists, lists))
    met = meetings(who, to, place)
    return Conversation(
        first=first,
        end=end,
        of=of,
        place=place,
        rarity=rarity,
        machine=what["machine"],
        command=what["command"],
        said=left["talk"][which] & ~machine,
        who=who,
        to=to,
        partner=np.where(to != NOBODY, to, met.latest(who, place)),
        me=me,
        mine_to=mine_to,
        mine_partner=np.where(mine_to != NOBODY, mine_to, met.latest(me, end)),
        met=met,
    )
