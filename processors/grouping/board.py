"""One timekeeper's activities under one model: profiles, links, and the strand of each. Decides only what was touched.

The board is a cache of a function of the set that is on it: whatever the way there, `settle` leaves it as if everything
had been put on it at once.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

from processors.grouping.candidates import Candidates, Place
from processors.grouping.clustering import Placement, choose, forced
from processors.grouping.constraints import NONE, Constraints
from processors.grouping.links import NO_LINKS, Links, link, steps_at
from processors.grouping.model import Model
from processors.grouping.table import Table
from schemas.values import Activity


class Board:
    """See the module. `places`, `labels`, `clusters` (members by label), `links`, `suitors` and `table` are to be read.

    `suitors` are, by label, those who would have joined that cluster next best.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.places: dict[int, Place] = {}
        self.labels: dict[int, int] = {}
        self.clusters: dict[int, set[int]] = {}
        self.suitors: dict[int, set[int]] = {}
        self.table = Table(model)
        self.constraints = NONE
        self._candidates = Candidates(model)
        self.links: dict[int, Links] = {}
        self._seconds: dict[int, int] = {}
        self._relink: set[int] = set()
        self._again: set[int] = set()
        self._dirty: set[int] = set()

    def put(self, activities: list[Activity]) -> None:
        """Puts activities on the board that aren't on it."""
        # Where most is new anyhow, looking for what each one touches would cost more than it spares.
        wholesale = len(activities) > len(self.places)
        for activity, tokens in zip(activities, self.table.add(activities), strict=True):
            place = (activity.started_at, activity.id)
            self.places[activity.id] = place
            self._candidates.add(place, tokens)
            if not wholesale:
                self._relink.add(activity.id)
                self._relink.update([other for _, other in self._candidates.after(place)])
        if wholesale:
            self._relink.update(self.places)

    def take(self, activity: int) -> None:
        """Takes one from the board that is on it."""
        place = self.places[activity]
        self._relink.update([other for _, other in self._candidates.after(place)])
        self._again.update(self._bound(activity))
        self._candidates.remove(place)
        self._leave(activity)
        self._sue(activity, activity)
        self.table.remove(activity)
        del self.places[activity]
        self.links.pop(activity, None)

    def constrain(self, constraints: Constraints) -> None:
        """Puts these in the place of what people said before. Every activity that they name is on the board."""
        before, self.constraints = self.constraints, constraints
        for activity in before.first.keys() | constraints.first.keys():
            if before.about(activity) != constraints.about(activity):
                self._again.add(activity)
                if activity in self.labels:
                    self._dirty.add(self.labels[activity])

    def decide_by(self, model: Model) -> None:
        """Puts this model in the place of the one before; that may differ in when it joins, and in nothing else."""
        self.model = model
        self._again.update(self.places)

    def settle(self) -> set[int]:
        """Decides what was touched. Returns the labels whose clusters, or links from or to those, may be others than
        before, or gone.

        Needs constraints that name nobody who was taken: `constrain` comes before it.
        """
        relinked = self._link(self._relink & self.places.keys())
        self._place(relinked | (self._again & self.places.keys()))
        dirty = self._dirty
        self._relink, self._again, self._dirty = set(), set(), set()
        return dirty

    def _leave(self, activity: int) -> None:
        label = self.labels.pop(activity, None)
        if label is not None:
            self._dirty.add(label)
            self.clusters[label].discard(activity)
            if not self.clusters[label]:
                del self.clusters[label]

    def _link(self, activities: set[int]) -> set[int]:
        """Works out the links of these anew; returns those whose links are others than before, or that are new."""
        if not activities:
            return set()
        pairs = self._candidates.pairs([self.places[activity] for activity in activities])
        found = dict.fromkeys(activities, NO_LINKS) | dict(link(self.model, self.table, pairs))
        changed = {
            activity
            for activity, links in found.items()
            if activity not in self.labels or links != self.links.get(activity, NO_LINKS)
        }
        self.links |= found
        return changed

    def _place(self, activities: set[int]) -> None:
        """Decides these, and whoever hangs on one whose label changes, each once and in the order of events."""
        heap = sorted([self.places[activity] for activity in activities])
        waiting = set(activities)
        everybody = len(waiting) == len(self.places)
        placed: dict[int, Placement] = {}
        strongest: dict[int, tuple[Links, int]] = {}
        for _, activity in heap if everybody else _popped(heap):
            links = self.links[activity]
            others, odds = links.others, links.odds
            labels = [self.labels[other] for other in others]
            placed[activity] = new = self._decide(activity, others, labels, odds)
            if new.label in labels:
                strongest[activity] = links, _strongest(new, others, labels, odds)
            if self.labels.get(activity) != new.label:
                self._leave(activity)
                self.labels[activity] = new.label
                self.clusters.setdefault(new.label, set()).add(activity)
                fresh = () if everybody else self._dependents(activity) - waiting
                for other in fresh:
                    heappush(heap, self.places[other])
                waiting.update(fresh)
            self._dirty.add(new.label)
            self._sue(activity, new.second)
        self.table.note(placed, dict(zip(strongest, steps_at(list(strongest.values())), strict=True)))

    def _decide(self, activity: int, others: list[int], labels: list[int], odds: list[int]) -> Placement:
        first = self.constraints.first.get(activity, activity)
        if first != activity:
            return forced(activity, self.labels[first])
        barred: set[int] = set()
        if apart := self.constraints.apart.get(activity):
            place = self.places[activity]
            barred = {self.labels[other] for other in apart if self.places[other] < place}
        return choose(activity, others, labels, odds, self.model.joining[self.table.regime(activity)].over, barred)

    def _sue(self, activity: int, second: int) -> None:
        """Notes which cluster it would have joined next best; itself: none. Both are other than before."""
        before = self._seconds.get(activity, activity)
        if before != activity:
            self._dirty.add(before)
            self.suitors[before].discard(activity)
            if not self.suitors[before]:
                del self.suitors[before]
            del self._seconds[activity]
        if second != activity:
            self._dirty.add(second)
            self.suitors.setdefault(second, set()).add(activity)
            self._seconds[activity] = second

    def _dependents(self, activity: int) -> set[int]:
        """Later ones whose decision hangs on this one's label."""
        place = self.places[activity]
        candidates = {other for _, other in self._candidates.after(place)}
        return candidates | {other for other in self._bound(activity) if self.places[other] > place}

    def _bound(self, activity: int) -> Iterator[int]:
        """Those that people tied to this one, or set apart from it."""
        yield from self.constraints.bundle.get(activity, ())
        yield from self.constraints.apart.get(self.constraints.first.get(activity, activity), ())


def _popped(heap: list[Place]) -> Iterator[Place]:
    """The smallest first, also of those that are pushed meanwhile."""
    while heap:
        yield heappop(heap)


def _strongest(new: Placement, others: list[int], labels: list[int], odds: list[int]) -> int:
    """Which link into the group that it was placed in is the strongest, of equals the earliest."""
    if new.via not in others:
        return max([at for at, label in enumerate(labels) if label == new.label], key=odds.__getitem__)
    at = odds.index(odds[others.index(new.via)])
    while labels[at] != new.label:
        at = odds.index(odds[at], at + 1)
    return at
