"""Which pairs are looked at: an activity and, for each token that it has, the few before it that have it too.

Whether a pair is looked at depends on the two and on how many others with that token lie between them. So who comes or
goes alters the pairs of those that `after` lists, and of nobody else. Cost grows with the neighbourhood: ten thousand
equal titles at one instant are ten thousand times a few pairs.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

from processors.grouping.model import Channel, Model
from processors.grouping.profile import RECENT_TOKEN, channel_of

Place = tuple[int, int]
"""Where an activity stands in the order of events: (started_at, id)."""


class Candidates:
    """An index of one timekeeper's activities by token, each list in the order of events."""

    def __init__(self, model: Model) -> None:
        self._reach = model.reach
        self._lists: dict[int, list[Place]] = {}
        self._tokens: dict[Place, tuple[int, ...]] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def add(self, place: Place, tokens: tuple[int, ...]) -> None:
        """Takes in an activity that isn't there."""
        self._tokens[place] = tokens
        for token in tokens:
            insort(self._lists.setdefault(token, []), place)

    def remove(self, place: Place) -> None:
        """Takes out an activity that is there."""
        for token in self._tokens.pop(place):
            places = self._lists[token]
            del places[bisect_left(places, place)]
            if not places:
                del self._lists[token]

    def before(self, place: Place) -> list[Place]:
        """The earlier activities that this one is compared with, in the order of events."""
        found: set[Place] = set()
        for token in self._tokens[place]:
            places, reach = self._lists[token], self._reach[channel_of(token)]
            at = bisect_left(places, place)
            for other in reversed(places[max(0, at - reach.most) : at]):
                if place[0] - other[0] > reach.within_us:
                    break
                found.add(other)
        return sorted(found)

    def after(self, place: Place) -> set[Place]:
        """The later activities whose pairs change when this one comes or goes; it has to be there when asked."""
        found: set[Place] = set()
        for token in self._tokens[place]:
            places, reach = self._lists[token], self._reach[channel_of(token)]
            at = bisect_left(places, place) + 1
            for other in places[at : at + reach.most]:
                if other[0] - place[0] > reach.within_us:
                    break
                found.add(other)
        return found

    def steps(self, place: Place, others: Iterable[Place]) -> list[int]:
        """How many steps back in the order of events each of the others is, 0 where RECENT doesn't look that far."""
        reach = self._reach.get(Channel.RECENT)
        if reach is None:
            return [0 for _ in others]
        places = self._lists[RECENT_TOKEN]
        at = bisect_left(places, place)
        near = {other: step for step, other in enumerate(reversed(places[max(0, at - reach.most) : at]), 1)}
        # Beyond the channel's time the count would change without `after` saying so.
        return [near.get(other, 0) if place[0] - other[0] <= reach.within_us else 0 for other in others]
