"""Which pairs are looked at: an activity and, for each token that it has, the few before it that have it too.

Whether a pair is looked at depends on the two and on how many others with that token lie between them. So who comes or
goes alters the pairs of those that `after` lists, and of nobody else. Cost grows with the neighbourhood: ten thousand
equal titles at one instant are ten thousand times a few pairs.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import count

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
            found.update(self._back(token, place))
        return sorted(found)

    def after(self, place: Place) -> set[Place]:
        """The later activities whose pairs change when this one comes or goes; it has to be there when asked."""
        found: set[Place] = set()
        for token in self._tokens[place]:
            places, reach = self._lists[token], self._reach[channel_of(token)]
            at = bisect_left(places, place) + 1
            end = min(at + reach.most, len(places))
            found.update(places[at : bisect_left(places, (place[0] + reach.within_us + 1,), at, end)])
        return found

    def steps(self, place: Place, others: Iterable[Place]) -> list[int]:
        """How many steps back in the order of events each of the others is, 0 where RECENT doesn't look that far."""
        if Channel.RECENT not in self._reach:
            return [0 for _ in others]
        # Beyond the channel's reach the count would change without `after` saying so.
        near = dict(zip(reversed(self._back(RECENT_TOKEN, place)), count(1), strict=False))
        return [near.get(other, 0) for other in others]

    def _back(self, token: int, place: Place) -> list[Place]:
        places, reach = self._lists[token], self._reach[channel_of(token)]
        at = bisect_left(places, place)
        return places[bisect_left(places, (place[0] - reach.within_us,), max(0, at - reach.most), at) : at]
