"""Features of lines of talk: who said what to whom in the list that a line is compared with, and who talks with whom.

All are made from the line's list, as those of `surroundings`. What is no talk has none of them, and costs nothing.
"""

from collections.abc import Callable

import numpy as np

from processors.grouping.features.content_features import MISSING, Column, Truths, where
from processors.grouping.features.speakers import MOST_COUNTED, NOBODY, Conversation, Integers, key_of

MOST_TALKS = 3


def _after(of: Conversation, counted: Truths) -> Integers:
    """How many of what is counted come after each earlier line, in its list."""
    count = np.cumsum(counted)
    found: Integers = (count[of.end - 1])[of.of] - count
    return found


def _latest(of: Conversation, wanted: Truths) -> Integers:
    """The place of the latest of each list that is wanted; -1 for none."""
    found: Integers = np.maximum.reduceat(np.where(wanted, of.place, -1), of.first)
    return found


def _of_each(keys: Integers, wanted: Integers, values: Integers, else_: int) -> Integers:
    """The last value of each key, where it is wanted."""
    if not len(keys):
        return np.full(len(wanted), else_)
    known, at = np.unique(keys[::-1], return_index=True)
    found = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    last: Integers = np.where(known[found] == wanted, values[::-1][at[found]], else_)
    return last


def said_since(of: Conversation) -> Column:
    """How many lines come after it that people said."""
    return _after(of, of.said)


def people_since(of: Conversation) -> Column:
    """How many people said those whose last line comes after it."""
    places = np.flatnonzero(of.said)[::-1]
    last = np.zeros(len(of.said), dtype=np.bool_)
    last[places[np.unique(of.who[places], return_index=True)[1]]] = True
    return _after(of, last)


def speaks(of: Conversation) -> Column:
    """3 where the later one speaks to the earlier one's actor, 2 to the one that the earlier spoke to, 1 to somebody
    else, 0 to nobody.
    """
    return _whom(of, of.mine_to[of.of], of.to)


def spoken(of: Conversation) -> Column:
    """2 where the earlier one speaks to the later one's actor, 1 to somebody else, 0 to nobody."""
    return _who(of, of.to)


def partner(of: Conversation) -> Column:
    """2 where the earlier one's actor was then in talk with the later one's actor, 1 with somebody else, 0 with nobody:
    the one it speaks to, else whom its actor met the latest.
    """
    return _who(of, of.partner)


def partner_now(of: Conversation) -> Column:
    """The same of whom the earlier one's actor met the latest, up to now."""
    return _who(of, of.met.latest(of.who, of.end[of.of]))


def mine_partner(of: Conversation) -> Column:
    """3 where the later one's actor is now in talk with the earlier one's, 2 with whom that one was in talk with, 1
    with somebody else, 0 with nobody.
    """
    return _whom(of, of.mine_partner[of.of], of.partner)


def _who(of: Conversation, other: Integers) -> Column:
    found: Column = np.where((other > 0) & (other == of.me[of.of]), 2, other != NOBODY)
    return found


def _whom(of: Conversation, to: Integers, partner: Integers) -> Column:
    answer = np.where((to == of.who) & (to > 0), 3, np.where((to == partner) & (to > 0), 2, 1))
    found: Column = np.where(to == NOBODY, 0, answer)
    return found


def answered(of: Conversation) -> Column:
    """How many after it speak to its actor, at most 9."""
    met = np.sort(key_of(of.to, of.place)[of.to > 0])
    since = np.searchsorted(met, key_of(of.who, of.end[of.of]))
    found: Column = np.minimum(since - np.searchsorted(met, key_of(of.who, of.place)), MOST_COUNTED)
    return found


def answers(of: Conversation) -> Column:
    """2 where the earlier one is the latest that speaks to the later one's actor, 1 where it is of the same person as
    that, else 0; missing where nobody does.
    """
    last = _latest(of, (of.to > 0) & (of.to == of.me[of.of]))[of.of]
    return where(last >= 0, np.where(of.place == last, 2, of.who == of.who[last]))


def addressed_since(of: Conversation) -> Column:
    """How many come after the latest in which the later one's actor speaks to the earlier one's; missing without."""
    mine = (of.who == of.me[of.of]) & (of.to > 0)
    place = _of_each(of.to[mine], of.who, of.place[mine], -1)
    return where(place >= 0, of.end[of.of] - place)


def called_since(of: Conversation) -> Column:
    """How many come after the latest in which the earlier one's actor speaks to the later one's; missing without."""
    mine = (of.to == of.me[of.of]) & (of.to > 0)
    place = _of_each(of.who[mine], of.who, of.place[mine], -1)
    return where(place >= 0, of.end[of.of] - place)


def talked(of: Conversation) -> Column:
    """How often the two people spoke to each other: up to three times forth, and four times that often back."""
    me = of.me[of.of]
    people = max(int(of.who.max()), int(of.me.max()), 0) + 1
    forth = np.bincount(of.to[(of.who == me) & (of.to > 0)], minlength=people)
    back = np.bincount(of.who[(of.to == me) & (of.who > 0)], minlength=people)
    both = np.minimum(forth, MOST_TALKS) + 4 * np.minimum(back, MOST_TALKS)
    return where(of.who > 0, both[np.maximum(of.who, 0)])


def their_partners(of: Conversation) -> Column:
    """How many others the earlier one's actor met in the list, at most 9."""
    return of.met.others_of(of.who)


def talk_rare(of: Conversation) -> Column:
    """The most that the later one shares in rare words, in thousandths, with any line between the two people who were
    in talk when the earlier one was said; missing without words.
    """
    keys, number = np.unique(_pairs(of), return_inverse=True)
    most = np.full(len(keys), MISSING, dtype=np.int64)
    np.maximum.at(most, number, of.rarity)
    return most[number]


def talk_since(of: Conversation) -> Column:
    """How many lines that people said come after the latest between those two."""
    keys = _pairs(of)
    return _after(of, of.said)[_of_each(keys, keys, of.place, 0)]


def _pairs(of: Conversation) -> Integers:
    """A number for each two who were in talk."""
    other = np.maximum(of.partner, 0)
    return key_of(np.maximum(of.who, other), np.minimum(of.who, other))


BETWEEN: dict[str, Callable[[Conversation], Column]] = {
    one.__name__: one
    for one in (
        said_since,
        people_since,
        speaks,
        spoken,
        partner,
        partner_now,
        mine_partner,
        answered,
        answers,
        addressed_since,
        called_since,
        talked,
        their_partners,
        talk_rare,
        talk_since,
    )
}
"""Features of a pair of lines."""


def spoken_to_since(of: Conversation) -> Column:
    """How many come after the latest that speaks to the actor, it included; missing where there is none."""
    last = _latest(of, (of.to > 0) & (of.to == of.me[of.of]))
    return where(last >= 0, of.end - last)


def called(of: Conversation) -> Column:
    """How many speak to the actor after the actor's own last line, at most 9."""
    since = of.place > _latest(of, of.said & (of.who == of.me[of.of]))[of.of]
    found = np.add.reduceat((since & (of.to > 0) & (of.to == of.me[of.of])).astype(np.int64), of.first)
    return np.minimum(found, MOST_COUNTED)


def own_said(of: Conversation) -> Column:
    """How many lines of the list the actor said, at most 9."""
    mine = of.said & (of.who == of.me[of.of])
    return np.minimum(np.add.reduceat(mine.astype(np.int64), of.first), MOST_COUNTED)


def own_partners(of: Conversation) -> Column:
    """How many others the actor met in the list, at most 9."""
    return of.met.others_of(of.me)


def own_said_since(of: Conversation) -> Column:
    """How many lines that people said come after the actor's own last one; missing where there is none."""
    last = _latest(of, of.said & (of.who == of.me[of.of]))
    return where(last >= 0, _after(of, of.said)[last])


def own_target(of: Conversation) -> Column:
    """2 where it speaks to somebody in the list, 1 to somebody else, 0 to nobody; -1 where it is a machine's, -2 where
    it asks a machine.
    """
    to = np.where(of.mine_to > 0, 2, of.mine_to != NOBODY)
    return np.where(of.machine, -1, np.where(of.command, -2, to))


SPEAKER: dict[str, Callable[[Conversation], Column]] = {
    one.__name__: one for one in (spoken_to_since, called, own_said, own_partners, own_said_since, own_target)
}
"""Features of a line in its list, the same for all its pairs."""
