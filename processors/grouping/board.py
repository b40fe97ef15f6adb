"""One timekeeper's activities under one model: profiles, links, and where each belongs. Decides only what was touched.

The board is a cache of a function of the set that is on it: whatever the way there, `settle` leaves it as if everything
had been put on it at once.
"""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.candidates import Candidates, Place
from processors.grouping.clustering import Placement, choose, forced
from processors.grouping.constraints import NONE, Constraints
from processors.grouping.features import features
from processors.grouping.model import Model
from processors.grouping.profile import ROW, describe
from processors.grouping.similarity import NAMES, contributions
from schemas.values import Activity

CHUNK = 8_192
"""Pairs that are scored in one go; bounds memory, and has no part in the result."""

NO_PARTS = np.zeros((0, len(NAMES)), dtype=np.int32)
EMPTY_ROWS = np.zeros(0, dtype=ROW)


class Links(msgspec.Struct, frozen=True, eq=False):
    """An activity's links to earlier ones: (id, score) of each, and one row of contributions each."""

    scores: tuple[tuple[int, int], ...] = ()
    parts: npt.NDArray[np.int32] = NO_PARTS

    def same_as(self, other: "Links") -> bool:
        return self.scores == other.scores and np.array_equal(self.parts, other.parts)


NO_LINKS = Links()


class Board:
    """See the module. `places`, `placed`, `links` and `clusters` are for reading; an activity's row is `row_of`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.places: dict[int, Place] = {}
        self.placed: dict[int, Placement] = {}
        self.links: dict[int, Links] = {}
        self.clusters: dict[int, set[int]] = {}
        self.constraints = NONE
        self._candidates = Candidates(model)
        self._rows = np.zeros(64, dtype=ROW)
        self._slots: dict[int, int] = {}
        self._free: list[int] = list(range(63, -1, -1))
        self._relink: set[int] = set()
        self._again: set[int] = set()
        self._dirty: set[int] = set()

    def put(self, activities: Iterable[Activity]) -> None:
        """Puts activities on the board that aren't on it."""
        added = [(activity, describe(activity, self.model)) for activity in activities]
        # Where most is new anyhow, looking for what each one touches would cost more than it spares.
        wholesale = len(added) * 2 > len(self.places)
        for activity, profile in added:
            place = (activity.started_at, activity.id)
            slot = self._slot()
            self._slots[activity.id], self._rows[slot] = slot, profile.row
            self.places[activity.id] = place
            self._candidates.add(place, profile.tokens)
            if not wholesale:
                self._relink.add(activity.id)
                self._relink.update(other for _, other in self._candidates.after(place))
        if wholesale and added:
            self._relink.update(self.places)

    def take(self, activity: int) -> None:
        """Takes one from the board that is on it."""
        place = self.places[activity]
        self._relink.update(other for _, other in self._candidates.after(place))
        self._touch_bound(activity)
        self._candidates.remove(place)
        self._free.append(self._slots.pop(activity))
        self._leave(activity)
        del self.places[activity]
        self.links.pop(activity, None)
        self._relink.discard(activity)
        self._again.discard(activity)

    def constrain(self, constraints: Constraints) -> None:
        """Puts these in the place of what people said before. Every activity that they name is on the board."""
        before, self.constraints = self.constraints, constraints
        for activity in before.first.keys() | constraints.first.keys():
            if activity in self.places and _spoken(before, activity) != _spoken(constraints, activity):
                self._again.add(activity)
                if activity in self.placed:
                    self._dirty.add(self.placed[activity].label)

    def settle(self) -> set[int]:
        """Decides what was touched. Returns the labels whose clusters may be others than before, or gone."""
        relinked = self._link(sorted(self._relink & self.places.keys()))
        self._place(relinked | (self._again & self.places.keys()))
        dirty = self._dirty
        self._relink, self._again, self._dirty = set(), set(), set()
        return dirty

    def rows_of(self, activities: Iterable[int]) -> npt.NDArray[np.void]:
        """The profiles' rows of these activities, in this order."""
        return self._rows[np.fromiter((self._slots[activity] for activity in activities), dtype=np.int64)]

    def _slot(self) -> int:
        if not self._free:
            size = len(self._rows)
            self._rows = np.concatenate((self._rows, np.zeros(size, dtype=ROW)))
            self._free = list(range(2 * size - 1, size - 1, -1))
        return self._free.pop()

    def _leave(self, activity: int) -> None:
        if activity in self.placed:
            label = self.placed.pop(activity).label
            self._dirty.add(label)
            self.clusters[label].discard(activity)
            if not self.clusters[label]:
                del self.clusters[label]

    def _link(self, activities: list[int]) -> set[int]:
        """Works out the links of these anew; returns those whose links are others than before."""
        changed = set()
        for activity, links in self._linked(activities):
            if not links.same_as(self.links.get(activity, NO_LINKS)) or activity not in self.placed:
                changed.add(activity)
            self.links[activity] = links
        return changed

    def _linked(self, activities: list[int]) -> Iterator[tuple[int, Links]]:
        batch: list[tuple[int, list[int]]] = []
        steps: list[int] = []
        for activity in activities:
            others = self._candidates.before(self.places[activity])
            batch.append((activity, [other for _, other in others]))
            steps += self._candidates.steps(self.places[activity], others)
            if len(steps) >= CHUNK:
                yield from self._scored(batch, steps)
                batch, steps = [], []
        yield from self._scored(batch, steps)

    def _scored(self, batch: list[tuple[int, list[int]]], steps: list[int]) -> Iterator[tuple[int, Links]]:
        """The links of each activity of the batch: those candidates whose score isn't below the model's floor."""
        if not batch:
            return
        earlier = self.rows_of(other for _, others in batch for other in others)
        later = self.rows_of(activity for activity, others in batch for _ in others)
        parts = contributions(self.model, features(earlier, later, np.array(steps, dtype=np.int32)))
        scores = parts.sum(axis=1)
        kept = scores >= self.model.joining.floor
        parts, listed = parts.astype(np.int32), scores.tolist()
        at = 0
        for activity, others in batch:
            end = at + len(others)
            mask = kept[at:end]
            if mask.any():
                linked = tuple(
                    (other, score) for other, score, keep in zip(others, listed[at:end], mask, strict=True) if keep
                )
                yield activity, Links(linked, parts[at:end][mask])
            else:
                yield activity, NO_LINKS
            at = end

    def _place(self, activities: set[int]) -> None:
        """Decides these, and whoever hangs on one whose label changes, each once and in the order of events."""
        heap = sorted(self.places[activity] for activity in activities)
        waiting = set(activities)
        while heap:
            _, activity = heappop(heap)
            waiting.discard(activity)
            old = self.placed.get(activity)
            new = self._decide(activity)
            if old is None or old.label != new.label:
                self._leave(activity)
                self.clusters.setdefault(new.label, set()).add(activity)
                for other in self._dependents(activity):
                    if other not in waiting:
                        waiting.add(other)
                        heappush(heap, self.places[other])
            self.placed[activity] = new
            self._dirty.add(new.label)

    def _decide(self, activity: int) -> Placement:
        first = self.constraints.first.get(activity, activity)
        if first != activity:
            return forced(activity, self.placed[first].label)
        place = self.places[activity]
        barred = {
            self.placed[other].label for other in self.constraints.apart.get(activity, ()) if self.places[other] < place
        }
        links = self.links[activity].scores
        return choose(activity, links, self._label_of, self.model.joining, barred)

    def _label_of(self, activity: int) -> int:
        return self.placed[activity].label

    def _dependents(self, activity: int) -> Iterator[int]:
        """Later ones whose decision hangs on this one's label."""
        place = self.places[activity]
        for _, other in self._candidates.after(place):
            yield other
        for other in self.constraints.bundle.get(activity, ()):
            if other != activity:
                yield other
        for other in self.constraints.apart.get(activity, ()):
            if self.places[other] > place:
                yield other

    def _touch_bound(self, activity: int) -> None:
        """Who is bound to one that leaves is decided again: the constraints name it until they are put anew."""
        first = self.constraints.first.get(activity, activity)
        self._again.update(self.constraints.bundle.get(first, ()))
        self._again.update(self.constraints.apart.get(first, ()))


def _spoken(constraints: Constraints, activity: int) -> tuple[object, ...]:
    """All that the constraints say about an activity."""
    first = constraints.first.get(activity)
    if first is None:
        return ()
    return first, constraints.bundle[first], constraints.apart.get(first, frozenset())
