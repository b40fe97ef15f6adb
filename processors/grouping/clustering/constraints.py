"""Resolves feedback into consistent constraints. Later feedback wins over earlier feedback that it contradicts.

`together` binds activities into a bundle that is decided as one (must-link). `apart` forbids two bundles to share a
group (cannot-link). Feedback holds for those of its activities that are in the set. Where it is contradicted in part,
the rest of it still holds.
"""

from collections.abc import Iterable, Mapping

import msgspec

from processors.grouping.candidates.blocking import Place
from schemas.values import Apart, Feedback, Together

Tag = tuple[int, int, int]
"""One side of a separation: the id of the feedback, a number within it, and the side (0 or 1)."""


class Constraints(msgspec.Struct, frozen=True):
    """`first[id]` is the earliest activity of the bundle that an activity belongs to, and `bundle[first]` has all
    members.

    `apart[first]` has the first activities of the bundles with which it must not share a group. Only activities that
    feedback names are in these mappings. `losers` are the ids of feedback that later feedback contradicts, in part or
    whole.
    """

    first: Mapping[int, int]
    bundle: Mapping[int, tuple[int, ...]]
    apart: Mapping[int, frozenset[int]]
    losers: tuple[int, ...]

    def about(self, activity: int) -> tuple[object, ...]:
        """Returns all constraints on an activity in a form that can be compared; empty where there are none."""
        first = self.first.get(activity)
        return () if first is None else (first, self.bundle[first], self.apart.get(first, frozenset()))

    def together_with(self, activity: int) -> bool:
        """Returns whether feedback binds the activity to another one."""
        first = self.first.get(activity)
        return first is not None and len(self.bundle[first]) > 1


NONE = Constraints({}, {}, {}, ())


def named_in(feedback: Iterable[Feedback]) -> set[int]:
    """Returns the ids of all activities that the feedback names."""
    named: set[int] = set()
    for word in feedback:
        named.update(word.ids if isinstance(word, Together) else (*word.left, *word.right))
    return named


def resolve(feedback: Iterable[Feedback], places: Mapping[int, Place]) -> Constraints:
    """Returns consistent constraints on the activities that have a place in the order of events. Of two feedbacks the
    one with the higher id is the later.
    """
    bundles = _Bundles()
    losers = []
    for word in sorted(feedback, key=lambda word: word.id, reverse=True):
        if isinstance(word, Together):
            lost = bundles.join([activity for activity in word.ids if activity in places])
        else:
            lost = bundles.separate(word, places)
        if lost:
            losers.append(word.id)
    return bundles.resolved(places, tuple(sorted(losers)))


class _Bundle:
    """Activities that are bound together, and the tags of the separations that their bundle is part of."""

    __slots__ = ("members", "tags")

    def __init__(self, activity: int) -> None:
        self.members, self.tags = {activity}, set[Tag]()


class _Bundles:
    """Bundles under construction, by each of their activities."""

    def __init__(self) -> None:
        self._of: dict[int, _Bundle] = {}

    def _bundle(self, activity: int) -> _Bundle:
        return self._of.setdefault(activity, _Bundle(activity))

    def join(self, activities: list[int]) -> bool:
        """Merges the activities one by one into the bundle of the one with the smallest id. Returns True if some can't
        be merged.
        """
        ordered = sorted(set(activities))
        return not all([self._merge(ordered[0], activity) for activity in ordered])

    def _merge(self, one: int, other: int) -> bool:
        small, large = sorted((self._bundle(one), self._bundle(other)), key=lambda bundle: len(bundle.members))
        if small is large:
            return True
        if any((word, part, 1 - side) in large.tags for word, part, side in small.tags):
            return False
        large.members |= small.members
        large.tags |= small.tags
        for activity in small.members:
            self._of[activity] = large
        return True

    def separate(self, word: Apart, places: Mapping[int, Place]) -> bool:
        """Separates the two sides. A bundle that is on both sides, because later feedback bound it, is separated from
        the rest of both. Returns True if there is such a bundle.
        """
        left, right = (
            {id(bundle): bundle for activity in side if activity in places for bundle in (self._bundle(activity),)}
            for side in (word.left, word.right)
        )
        both = [left[name] for name in left.keys() & right.keys()]
        _separate(word.id, 0, [left[name] for name in left.keys() - right.keys()], list(right.values()))
        only_right = [right[name] for name in right.keys() - left.keys()]
        for number, bundle in enumerate(both, 1):
            _separate(word.id, number, [bundle], only_right + both[number:])
        return bool(both)

    def resolved(self, places: Mapping[int, Place], losers: tuple[int, ...]) -> Constraints:
        """Returns the constraints, keyed by the earliest activity of each bundle."""
        bundles = {min(b.members, key=places.__getitem__): b for b in {id(b): b for b in self._of.values()}.values()}
        sides: dict[Tag, set[int]] = {}
        for start, bundle in bundles.items():
            for tag in bundle.tags:
                sides.setdefault(tag, set()).add(start)
        apart = {
            start: frozenset().union(*(sides[word, part, 1 - side] for word, part, side in bundle.tags))
            for start, bundle in bundles.items()
            if bundle.tags
        }
        members = {start: tuple(sorted(bundle.members)) for start, bundle in bundles.items()}
        first = {activity: start for start, tied in members.items() for activity in tied}
        return Constraints(first, members, apart, losers)


def _separate(word: int, part: int, left: list[_Bundle], right: list[_Bundle]) -> None:
    if left and right:
        for side, bundles in ((0, left), (1, right)):
            for bundle in bundles:
                bundle.tags.add((word, part, side))
