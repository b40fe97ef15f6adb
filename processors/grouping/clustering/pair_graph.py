"""One timekeeper's activities under one model: what they say, their links, and the strand of each. Decides only what
was touched.

The board is a cache of a function of the set that is on it: whatever the way there, `settle` leaves it as if everything
had been put on it at once.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from processors.grouping.candidates.blocking import Candidates, Place
from processors.grouping.clustering.assignment import place, unplace
from processors.grouping.clustering.constraints import NONE, Constraints
from processors.grouping.clustering.graph_arrays import LINKS, Marks, Order, Placed, Said
from processors.grouping.compiled import Flags, Integers, Slots
from processors.grouping.features.activity_table import Table
from processors.grouping.model.grouping_model import Model, Regime
from processors.grouping.similarity.link_scoring import link
from processors.grouping.similarity.links import Edges, nothing
from processors.grouping.similarity.log_odds import TABLE
from schemas.values import Activity

REGIMES = tuple(Regime)


class Board:
    """See the module. Everything is by slot (`Table.slot`); `order`, `placed`, `sizes` (of strands), `edges`, `marks`,
    `unlinked` (whom links don't lead to any more), `regimes` (the number, in REGIMES, of the trees that are asked about
    an activity or a strand that it began) and `table` are to be read.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.places: dict[int, Place] = {}
        self.table = Table(model)
        self.edges = Edges()
        self.constraints, self.said = NONE, _SILENCE
        self.placed = Placed(*(np.zeros(0, dtype=np.int32) for _ in Placed._fields))
        self.sizes: Slots = np.zeros(0, dtype=np.int32)
        self.marks = Marks(*(np.zeros(0, dtype=np.uint8) for _ in Marks._fields))
        self.unlinked: Flags = np.zeros(0, dtype=np.uint8)
        self.regimes: Integers = np.zeros(0, dtype=np.int64)
        self.order = Order(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64))
        self._there = np.zeros(0, dtype=np.bool_)
        self._candidates = Candidates(model)
        self._relink: set[int] = set()
        self._again: set[int] = set()
        self._reordered = False

    def __contains__(self, activity: int) -> bool:
        return activity in self.places

    def put(self, activities: Sequence[Activity]) -> None:
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
        self._grow()
        self._there[self.table.slots([one.id for one in activities])] = True
        self._reordered = True

    def take(self, activity: int) -> None:
        """Takes one from the board that is on it. Whoever is in a strand that it began is in none until it settles."""
        place, slot = self.places.pop(activity), self.table.slot(activity)
        self._relink.update([other for _, other in self._candidates.after(place)])
        self._again.update(self.constraints.bundle.get(activity, ()))
        self._again.update(self.constraints.apart.get(self.constraints.first.get(activity, activity), ()))
        self._candidates.remove(place)
        unplace(slot, self.placed, self.sizes, self.marks)
        self.edges.drop(slot, self.unlinked)
        self.said.row[slot] = -1
        self.table.remove(activity)
        self._there[slot] = False
        self._reordered = True

    def constrain(self, constraints: Constraints) -> None:
        """Puts these in the place of what people said before. Every activity that they name is on the board."""
        before, self.constraints = self.constraints, constraints
        for activity in before.first.keys() | constraints.first.keys():
            if before.about(activity) != constraints.about(activity):
                self._again.add(activity)
        self.said.row[:] = -1
        self.said = self._spoken(constraints)

    def decide_by(self, model: Model) -> None:
        """Puts this model in the place of the one before; that may differ in when it joins, and in nothing else."""
        self.model = model
        self._again.update(self.places)

    def settle(self) -> None:
        """Decides what was touched, and marks it.

        Needs constraints that name nobody who was taken: `constrain` comes before it.
        """
        if self._reordered:
            self._sort()
        self._link(sorted(self._relink & self.places.keys()))
        again = self.table.slots(self._again & self.places.keys())
        self.marks.todo[again], self.marks.told[self.placed.label[again]] = 1, 1
        self._relink, self._again = set(), set()
        self._place()

    def _place(self) -> None:
        overs = np.array([self.model.joining[regime].over for regime in REGIMES], dtype=np.int64)[self.regimes]
        place(
            self.order,
            self.placed,
            self.sizes,
            self.edges.ends,
            self.edges.threads,
            self.said,
            overs,
            TABLE,
            self.marks,
        )

    def _grow(self) -> None:
        """As many places as the table has slots; nobody is in the new ones."""
        slots, have = len(self.table.columns), len(self.sizes)
        if slots == have:
            return
        self.edges.grow(slots)
        new = np.arange(have, slots, dtype=np.int32)
        nobody = {"label": np.full_like(new, -1), "second": new, "via": new}
        self.placed = Placed(
            **{
                name: np.concatenate((one, nobody.get(name, np.zeros_like(new))))
                for name, one in self.placed._asdict().items()
            }
        )
        self.sizes = np.concatenate((self.sizes, np.zeros_like(new)))
        self.said = self.said._replace(row=np.concatenate((self.said.row, nobody["label"])))
        flags = np.zeros(len(new), dtype=np.uint8)
        self.marks = Marks(*(np.concatenate((one, flags)) for one in self.marks))
        self.unlinked = np.concatenate((self.unlinked, flags))
        self._there = np.concatenate((self._there, flags.astype(np.bool_)))

    def _sort(self) -> None:
        slots, columns = np.flatnonzero(self._there), self.table.columns
        ids = columns["id"]
        slots = slots[np.lexsort((ids[slots], columns["start"][slots]))].astype(np.int32)
        rank = np.full(len(columns), -1, dtype=np.int32)
        rank[slots] = np.arange(len(slots))
        self.order, self._reordered = Order(slots, rank, np.ascontiguousarray(ids)), False
        self.regimes = np.where(columns["talk"], REGIMES.index(Regime.TALK), REGIMES.index(Regime.WORK))

    def _link(self, activities: Sequence[int]) -> None:
        """Works out the links of these anew; those of other links than before, or that are new, are to be decided."""
        if not activities:
            return
        slots = self.table.slots(activities)
        self.marks.todo[slots[self.placed.label[slots] < 0]] = 1
        lacking = np.zeros(len(self.sizes), dtype=np.bool_)
        lacking[slots] = True
        pairs = self._candidates.pairs([self.places[activity] for activity in activities])
        for _, given in link(self.model, self.table, pairs):
            lacking[given.own] = False
            self._linked(given.own[self.edges.put(given, self.unlinked) > 0])
        without = np.flatnonzero(lacking)
        self._linked(without[self.edges.put(nothing(without), self.unlinked) > 0])

    def _linked(self, slots: npt.NDArray[np.int64]) -> None:
        labels = self.placed.label[slots]
        known = labels[labels >= 0]
        self.marks.todo[slots], self.marks.told[known] = 1, 1
        self.marks.moved[known] = np.maximum(self.marks.moved[known], LINKS)

    def _spoken(self, constraints: Constraints) -> Said:
        """What people said, by slot."""
        named = list(constraints.first)
        slots = self.table.slots(named).astype(np.int32)
        row = self.said.row
        row[slots] = np.arange(len(named))
        bundles = [constraints.bundle.get(one, ()) for one in named]
        parts = [sorted(constraints.apart.get(constraints.first[one], ())) for one in named]
        return Said(
            row=row,
            first=self.table.slots(map(constraints.first.__getitem__, named)).astype(np.int32),
            bundled=np.cumsum([0, *map(len, bundles)]).astype(np.int32),
            bundle=self.table.slots(chain.from_iterable(bundles)).astype(np.int32),
            parted=np.cumsum([0, *map(len, parts)]).astype(np.int32),
            apart=self.table.slots(chain.from_iterable(parts)).astype(np.int32),
        )


_SILENCE = Said(*(np.zeros(0, dtype=np.int32) for _ in Said._fields))
