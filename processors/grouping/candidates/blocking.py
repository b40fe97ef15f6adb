"""Blocking: an activity is compared with the few activities before it that share each of its tokens.

Whether a pair is compared depends on the two and on how many others with that token lie between them. So adding or
removing an activity changes only the pairs of those that `after` lists. Cost grows with the neighbourhood: ten thousand
equal titles at one instant are ten thousand times a few pairs.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, count

import numpy as np

from processors.grouping.candidates.candidate_pairs import Integers, Pairs
from processors.grouping.describe.description import RECENT_TOKEN, TALK_TOKEN, channel_of
from processors.grouping.model.grouping_model import Model, Reach

Place = tuple[int, int]
"""Where an activity stands in the order of events: (started_at, id)."""

MANY = 8
"""Where at least one in so many is asked about, the pairs of all are worked out at once. No part of the result."""


class Candidates:
    """An index of one timekeeper's activities by token, each list in the order of events."""

    def __init__(self, model: Model) -> None:
        self._reach = model.reach
        self._lists: dict[int, list[Place]] = {}
        self._alone: dict[int, Place] = {}  # most tokens are one activity's alone, and a list each would be dear
        self._tokens: dict[Place, tuple[int, ...]] = {}
        self._unlisted: list[Place] = []  # a whole set is looked through without lists, so they wait until one is asked

    def __contains__(self, place: Place) -> bool:
        return place in self._tokens

    def __len__(self) -> int:
        return len(self._tokens)

    def add(self, place: Place, tokens: tuple[int, ...]) -> None:
        """Adds an activity that isn't in the index."""
        self._tokens[place] = tokens
        self._unlisted.append(place)

    def remove(self, place: Place) -> None:
        """Removes an activity from the index."""
        self._list()
        for token in self._tokens.pop(place):
            if token in self._alone:
                del self._alone[token]
                continue
            places = self._lists[token]
            del places[bisect_left(places, place)]
            if len(places) == 1:
                self._alone[token] = self._lists.pop(token)[0]

    def before(self, place: Place) -> list[Place]:
        """The earlier activities that this one is compared with, in the order of events."""
        self._list()
        found: set[Place] = set()
        for token in self._tokens[place]:
            found.update(self._back(token, place))
        return sorted(found)

    def after(self, place: Place) -> set[Place]:
        """The later activities whose pairs change when this one is added or removed; it has to be in the index."""
        self._list()
        found: set[Place] = set()
        for token in self._tokens[place]:
            places, reach = self._lists.get(token, ()), self._reach[channel_of(token)]
            at = bisect_left(places, place) + 1
            end = min(at + reach.most, len(places))
            found.update(places[at : bisect_left(places, (place[0] + reach.within_us + 1,), at, end)])
        return found

    def pairs(self, places: Collection[Place]) -> Pairs:
        """The pairs of these with the earlier ones: `before` and `steps` of each."""
        return self._all(places) if len(places) * MANY >= len(self) else self._few(places)

    def _few(self, places: Collection[Place]) -> Pairs:
        lists = [(place, self.before(place)) for place in sorted(places)]
        ids = sorted({other for _, others in lists for other in others}.union(places))
        at = {place: number for number, place in enumerate(ids)}
        return Pairs(
            ids=_integers([id for _, id in ids]),
            own=_integers([at[place] for place, _ in lists]),
            counts=_integers([len(others) for _, others in lists]),
            earlier=_integers([at[other] for _, others in lists for other in others]),
            steps=_integers(list(chain.from_iterable(self.steps(place, others) for place, others in lists))),
        )

    def _all(self, places: Collection[Place]) -> Pairs:
        """The same by sorting: numbers stand for places in the order of events, and two of them side by side for a
        pair.
        """
        order = sorted(self._tokens)
        count, tokens = len(order), [self._tokens[place] for place in order]
        starts = np.array([start for start, _ in order], dtype=np.int64)
        having = np.repeat(np.arange(count), [len(some) for some in tokens])
        every = np.fromiter(chain.from_iterable(tokens), dtype=np.int64, count=len(having))
        by_token = every.argsort(kind="stable")
        every, having = every[by_token], having[by_token]
        keys = [np.zeros(0, dtype=np.int64)]
        for channel in np.unique(every >> 32).tolist():
            some = slice(*np.searchsorted(every, (channel << 32, (channel + 1) << 32)).tolist())
            keys += _looked_back(every[some], having[some], starts, self._reach[channel_of(channel << 32)])
        pairs = np.sort(np.concatenate(keys))
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        later, earlier = np.divmod(pairs, max(count, 1))
        steps = np.zeros(len(pairs), dtype=np.int64)
        for token in (RECENT_TOKEN, TALK_TOKEN):
            members = having[slice(*np.searchsorted(every, (token, token + 1)).tolist())]
            if len(members):
                rank = np.full(count, -1)
                rank[members] = np.arange(len(members))
                reach, back = self._reach[channel_of(token)], rank[later] - rank[earlier]
                near = (rank[later] >= 0) & (rank[earlier] >= 0) & (back <= reach.most)
                steps = np.where(near & (starts[later] - starts[earlier] <= reach.within_us), back, steps)
        counts, ids = np.bincount(later, minlength=count), _integers([id for _, id in order])
        return Pairs(ids, np.arange(count), counts, earlier, steps).some(
            np.fromiter(map(set(places).__contains__, order), dtype=np.bool_, count=count)
        )

    def steps(self, place: Place, others: Iterable[Place]) -> list[int]:
        """How many steps back in the order of events each of the others is; 0 beyond the reach.

        Between two lines of talk only lines of talk count.
        """
        # Beyond a channel's reach the count would change without `after` saying so.
        self._list()
        near: dict[Place, int] = {}
        for token in (RECENT_TOKEN, TALK_TOKEN):
            if token in self._tokens[place]:
                near |= zip(reversed(self._back(token, place)), count(1), strict=False)
        return [near.get(other, 0) for other in others]

    def _list(self) -> None:
        """Adds to the lists the activities that aren't in them yet."""
        for place in self._unlisted:
            for token in self._tokens[place]:
                if token in self._lists:
                    insort(self._lists[token], place)
                elif token in self._alone:
                    self._lists[token] = sorted((self._alone.pop(token), place))
                else:
                    self._alone[token] = place
        self._unlisted.clear()

    def _back(self, token: int, place: Place) -> Sequence[Place]:
        places, reach = self._lists.get(token, ()), self._reach[channel_of(token)]
        at = bisect_left(places, place)
        return places[bisect_left(places, (place[0] - reach.within_us,), max(0, at - reach.most), at) : at]


def _looked_back(tokens: Integers, having: Integers, starts: Integers, reach: Reach) -> Iterator[Integers]:
    """Which see which by a channel's tokens, which are sorted: later * (how many there are) + earlier."""
    for back in range(1, reach.most + 1):
        later, earlier = having[back:], having[:-back]
        seen = (tokens[back:] == tokens[:-back]) & (starts[later] - starts[earlier] <= reach.within_us)
        if not seen.any():  # nor does anybody see further
            return
        yield later[seen] * len(starts) + earlier[seen]


def _integers(values: list[int]) -> Integers:
    return np.array(values, dtype=np.int64)
