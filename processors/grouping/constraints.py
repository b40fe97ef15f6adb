"""What people said about groups, resolved into a consistent whole: the later word holds, the losers are listed.

`together` ties activities into a bundle that is decided as one; `apart` forbids two bundles to share a group. A word
binds while its activities are in the set; of a word that is contradicted in part, the rest holds.
"""

from collections.abc import Iterable, Mapping

import msgspec

from processors.grouping.candidates import Place
from schemas.values import Apart, Feedback, Together

Tag = tuple[int, int, int]
"""One side of a separation: the word's id, a number within it, and the side (0 or 1)."""


class Constraints(msgspec.Struct, frozen=True):
    """`first[id]` is the earliest of the bundle that an activity is tied into, `bundle[first]` the whole of it.

    `apart[first]` are the firsts of bundles that it must not share a group with. Only activities that somebody spoke of
    are in these. `losers` are the ids of words that a later one contradicts, in part or whole.
    """

    first: Mapping[int, int]
    bundle: Mapping[int, tuple[int, ...]]
    apart: Mapping[int, frozenset[int]]
    losers: tuple[int, ...]

    def about(self, activity: int) -> tuple[object, ...]:
        """All that they say about an activity, for comparing; empty where they say nothing."""
        first = self.first.get(activity)
        return () if first is None else (first, self.bundle[first], self.apart.get(first, frozenset()))

    def ties(self, activity: int) -> bool:
        """Did people tie it to another one?"""
        first = self.first.get(activity)
        return first is not None and len(self.bundle[first]) > 1


NONE = Constraints({}, {}, {}, ())


def named_in(feedback: Iterable[Feedback]) -> set[int]:
    """The ids of all activities that somebody spoke of."""
    named: set[int] = set()
    for word in feedback:
        named.update(word.ids if isinstance(word, Together) else (*word.left, *word.right))
    return named


def resolve(feedback: Iterable[Feedback], places: Mapping[int, Place]) -> Constraints:
    """The consistent set of constraints on the activities that have a place; a higher id is a later word."""
    bundles = _Bundles()
    losers = []
    for word in sorted(feedback, key=lambda word: word.id, reverse=True):
        if isinstance(word, Together):
            lost = bundles.tie([activity for activity in word.ids if activity in places])
        else:
            lost = bundles.part(word, places)
        if lost:
            losers.append(word.id)
    return bundles.resolved(places, tuple(sorted(losers)))


class _Bundles:
    """Bundles under construction: for each activity its bundle (a shared set), for each bundle its tags."""

    def __init__(self) -> None:
        self._bundle: dict[int, set[int]] = {}
        self._tags: dict[int, set[Tag]] = {}  # by the identity of the bundle: its member with the smallest id

    def _of(self, activity: int) -> set[int]:
        if activity not in self._bundle:
            self._bundle[activity] = {activity}
            self._tags[activity] = set()
        return self._bundle[activity]

    def tie(self, activities: list[int]) -> bool:
        """Ties them together one after the other, by id; True if some can't be."""
        lost = False
        ordered = sorted(set(activities))
        for activity in ordered[1:]:
            lost |= not self._merge(self._of(ordered[0]), self._of(activity))
        if ordered:
            self._of(ordered[0])
        return lost

    def _merge(self, one: set[int], other: set[int]) -> bool:
        if one is other:
            return True
        tags, more = self._tags[min(one)], self._tags[min(other)]
        if any((word, part, 1 - side) in tags for word, part, side in more):
            return False
        del self._tags[min(one)], self._tags[min(other)]
        one |= other
        self._tags[min(one)] = tags | more
        for activity in other:
            self._bundle[activity] = one
        return True

    def part(self, word: Apart, places: Mapping[int, Place]) -> bool:
        """Separates the sides; a bundle that is on both (a later word tied it) is separated from the rest of both."""
        left = {min(self._of(activity)) for activity in word.left if activity in places}
        right = {min(self._of(activity)) for activity in word.right if activity in places}
        both = sorted(left & right)
        self._separate(word.id, 0, left - right, right)
        for number, name in enumerate(both, 1):
            self._separate(word.id, number, {name}, (right - left) | set(both[number:]))
        return bool(both)

    def _separate(self, word: int, part: int, left: set[int], right: set[int]) -> None:
        if left and right:
            for side, names in ((0, left), (1, right)):
                for name in names:
                    self._tags[name].add((word, part, side))

    def resolved(self, places: Mapping[int, Place], losers: tuple[int, ...]) -> Constraints:
        firsts = {name: min(self._bundle[name], key=places.__getitem__) for name in self._tags}
        sides: dict[Tag, set[int]] = {}
        for name, tags in self._tags.items():
            for tag in tags:
                sides.setdefault(tag, set()).add(firsts[name])
        apart = {
            firsts[name]: frozenset().union(*(sides[word, part, 1 - side] for word, part, side in tags))
            for name, tags in self._tags.items()
            if tags
        }
        bundle = {firsts[name]: tuple(sorted(self._bundle[name])) for name in self._tags}
        first = {activity: start for start, members in bundle.items() for activity in members}
        return Constraints(first, bundle, apart, losers)
