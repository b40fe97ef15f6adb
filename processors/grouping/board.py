"""One timekeeper's activities under one model: profiles, links, and where each belongs. Decides only what was touched.

The board is a cache of a function of the set that is on it: whatever the way there, `settle` leaves it as if everything
had been put on it at once.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

from processors.grouping.candidates import Candidates, Place
from processors.grouping.clustering import Placement, choose, forced
from processors.grouping.constraints import NONE, Constraints
from processors.grouping.links import NO_LINKS, Links, link
from processors.grouping.model import Model
from processors.grouping.table import Table
from schemas.values import Activity


class Board:
    """See the module. `places`, `labels`, `clusters` (members by label) and `table` are for reading."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.places: dict[int, Place] = {}
        self.labels: dict[int, int] = {}
        self.clusters: dict[int, set[int]] = {}
        self.table = Table(model)
        self.constraints = NONE
        self._candidates = Candidates(model)
        self._links: dict[int, Links] = {}
        self._relink: set[int] = set()
        self._again: set[int] = set()
        self._dirty: set[int] = set()

    def put(self, activities: list[Activity]) -> None:
        """Puts activities on the board that aren't on it."""
        # Where most is new anyhow, looking for what each one touches would cost more than it spares.
        wholesale = len(activities) > len(self.places)
        for activity in activities:
            place = (activity.started_at, activity.id)
            self.places[activity.id] = place
            self._candidates.add(place, self.table.add(activity))
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
        self.table.remove(activity)
        del self.places[activity]
        self._links.pop(activity, None)

    def constrain(self, constraints: Constraints) -> None:
        """Puts these in the place of what people said before. Every activity that they name is on the board."""
        before, self.constraints = self.constraints, constraints
        for activity in before.first.keys() | constraints.first.keys():
            if before.about(activity) != constraints.about(activity):
                self._again.add(activity)
                if activity in self.labels:
                    self._dirty.add(self.labels[activity])

    def settle(self) -> set[int]:
        """Decides what was touched. Returns the labels whose clusters may be others than before, or gone.

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
        changed = set()
        for activity, links in link(self.model, self.table, self._candidates, [self.places[id] for id in activities]):
            if activity not in self.labels or links != self._links.get(activity, NO_LINKS):
                changed.add(activity)
            self._links[activity] = links
        return changed

    def _place(self, activities: set[int]) -> None:
        """Decides these, and whoever hangs on one whose label changes, each once and in the order of events."""
        heap = [self.places[activity] for activity in activities]
        heapify(heap)
        waiting = set(activities)
        everybody = len(waiting) == len(self.places)
        while heap:
            _, activity = heappop(heap)
            new = self._decide(activity)
            if self.labels.get(activity) != new.label:
                self._leave(activity)
                self.labels[activity] = new.label
                self.clusters.setdefault(new.label, set()).add(activity)
                fresh = () if everybody else self._dependents(activity) - waiting
                for other in fresh:
                    heappush(heap, self.places[other])
                waiting.update(fresh)
            self._note(activity, new)

    def _decide(self, activity: int) -> Placement:
        first = self.constraints.first.get(activity, activity)
        if first != activity:
            return forced(activity, self.labels[first])
        place = self.places[activity]
        apart = self.constraints.apart.get(activity, ())
        barred = {self.labels[other] for other in apart if self.places[other] < place}
        links = self._links[activity]
        labels = [self.labels[other] for other in links.others]
        return choose(activity, links.others, labels, links.scores, self.model.joining, barred)

    def _note(self, activity: int, placement: Placement) -> None:
        self._dirty.add(placement.label)
        links = self._links[activity]
        inside = [at for at, other in enumerate(links.others) if self.labels[other] == placement.label]
        self.table.note(activity, placement, links.reasons(self.model, inside), len(inside))

    def _dependents(self, activity: int) -> set[int]:
        """Later ones whose decision hangs on this one's label."""
        place = self.places[activity]
        candidates = {other for _, other in self._candidates.after(place)}
        return candidates | {other for other in self._bound(activity) if self.places[other] > place}

    def _bound(self, activity: int) -> Iterator[int]:
        """Those that people tied to this one, or set apart from it."""
        yield from self.constraints.bundle.get(activity, ())
        yield from self.constraints.apart.get(self.constraints.first.get(activity, activity), ())
