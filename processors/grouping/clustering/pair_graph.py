"""Holds one timekeeper's activities under one model, with their links and the micro-cluster of each.

It decides only what changed. The graph is a cache of a function of its activities and constraints: in whatever order
they came, `settle` leaves it as if all had been added at once.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from processors.grouping.candidates.blocking import Candidates, Place
from processors.grouping.clustering.assignment import assign, unassign
from processors.grouping.clustering.constraints import NONE, Constraints
from processors.grouping.clustering.graph_arrays import LINKS, Assigned, ChangeMarks, FeedbackArrays, LinkedOrder, Order
from processors.grouping.compiled import Flags, Integers, Slots
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.model.grouping_model import Domain, Model
from processors.grouping.similarity.link_scoring import score_links
from processors.grouping.similarity.links import Links, no_links
from processors.grouping.similarity.log_odds import TABLE
from schemas.values import Activity

DOMAINS = tuple(Domain)


class PairGraph:
    """See the module. Everything is by slot (`ActivityTable.slot`). Read `order`, `assigned`, `sizes` (of
    micro-clusters), `links`, `marks`, `unlinked` (flags of activities that lost a link that led to them), `domains`
    (the position in DOMAINS of the domain whose trees score an activity, or a micro-cluster that it began) and `table`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.positions: dict[int, Place] = {}
        self.table = ActivityTable(model)
        self.links = Links()
        self.constraints, self.feedback_arrays = NONE, _NO_FEEDBACK
        self.assigned = Assigned(*(np.zeros(0, dtype=np.int32) for _ in Assigned._fields))
        self.sizes: Slots = np.zeros(0, dtype=np.int32)
        self.marks = ChangeMarks(*(np.zeros(0, dtype=np.uint8) for _ in ChangeMarks._fields))
        self.unlinked: Flags = np.zeros(0, dtype=np.uint8)
        self.domains: Integers = np.zeros(0, dtype=np.int64)
        self.order = Order(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64))
        self._present = np.zeros(0, dtype=np.bool_)
        self._candidates = Candidates(model)
        self._relink: set[int] = set()
        self._again: set[int] = set()
        self._reordered = False

    def __contains__(self, activity: int) -> bool:
        return activity in self.positions

    def add(self, activities: Sequence[Activity]) -> None:
        """Adds activities that aren't in the graph."""
        # Where most activities are new, finding what each one affects would cost more than linking all of them.
        wholesale = len(activities) > len(self.positions)
        for activity, tokens in zip(activities, self.table.add(activities), strict=True):
            place = (activity.started_at, activity.id)
            self.positions[activity.id] = place
            self._candidates.add(place, tokens)
            if not wholesale:
                self._relink.add(activity.id)
                self._relink.update([other for _, other in self._candidates.after(place)])
        if wholesale:
            self._relink.update(self.positions)
        self._grow()
        self._present[self.table.slots([one.id for one in activities])] = True
        self._reordered = True

    def remove(self, activity: int) -> None:
        """Removes an activity that is in the graph. The other members of a micro-cluster that it began have none until
        `settle`.
        """
        place, slot = self.positions.pop(activity), self.table.slot(activity)
        self._relink.update([other for _, other in self._candidates.after(place)])
        self._again.update(self.constraints.bundle.get(activity, ()))
        self._again.update(self.constraints.apart.get(self.constraints.first.get(activity, activity), ()))
        self._candidates.remove(place)
        unassign(slot, self.assigned, self.sizes, self.marks)
        self.links.drop(slot, self.unlinked)
        self.feedback_arrays.row[slot] = -1
        self.table.remove(activity)
        self._present[slot] = False
        self._reordered = True

    def constrain(self, constraints: Constraints) -> None:
        """Replaces the constraints. Every activity that they name is in the graph."""
        before, self.constraints = self.constraints, constraints
        for activity in before.first.keys() | constraints.first.keys():
            if before.about(activity) != constraints.about(activity):
                self._again.add(activity)
        self.feedback_arrays.row[:] = -1
        self.feedback_arrays = self._feedback_arrays(constraints)

    def decide_by(self, model: Model) -> None:
        """Replaces the model by one that differs only in its clustering thresholds, its trees over cluster pairs, or in
        what follows clustering.
        """
        self.model = model
        self._again.update(self.positions)

    def settle(self) -> None:
        """Decides what changed, and sets `marks`.

        Needs constraints that name no removed activity: call `constrain` first.
        """
        if self._reordered:
            self._sort()
        self._link(sorted(self._relink & self.positions.keys()))
        again = self.table.slots(self._again & self.positions.keys())
        self.marks.todo[again], self.marks.published[self.assigned.label[again]] = 1, 1
        self._relink, self._again = set(), set()
        self._assign()

    @property
    def linked(self) -> LinkedOrder:
        """The activities in order, with their micro-clusters and links, as compiled functions take them."""
        return LinkedOrder(self.order, self.assigned, self.links.ends, self.links.threads)

    def _assign(self) -> None:
        overs = np.array([self.model.joining[domain].over for domain in DOMAINS], dtype=np.int64)[self.domains]
        assign(self.linked, self.sizes, self.feedback_arrays, overs, TABLE, self.marks)

    def _grow(self) -> None:
        """Grows the arrays to the number of the table's slots; the new slots hold no activity."""
        slots, have = len(self.table.columns), len(self.sizes)
        if slots == have:
            return
        self.links.grow(slots)
        new = np.arange(have, slots, dtype=np.int32)
        empty = {"label": np.full_like(new, -1), "second": new, "via": new}
        self.assigned = Assigned(
            **{
                name: np.concatenate((one, empty.get(name, np.zeros_like(new))))
                for name, one in self.assigned._asdict().items()
            }
        )
        self.sizes = np.concatenate((self.sizes, np.zeros_like(new)))
        self.feedback_arrays = self.feedback_arrays._replace(
            row=np.concatenate((self.feedback_arrays.row, empty["label"]))
        )
        flags = np.zeros(len(new), dtype=np.uint8)
        self.marks = ChangeMarks(*(np.concatenate((one, flags)) for one in self.marks))
        self.unlinked = np.concatenate((self.unlinked, flags))
        self._present = np.concatenate((self._present, flags.astype(np.bool_)))

    def _sort(self) -> None:
        slots, columns = np.flatnonzero(self._present), self.table.columns
        ids = columns["id"]
        slots = slots[np.lexsort((ids[slots], columns["start"][slots]))].astype(np.int32)
        rank = np.full(len(columns), -1, dtype=np.int32)
        rank[slots] = np.arange(len(slots))
        self.order, self._reordered = Order(slots, rank, np.ascontiguousarray(ids)), False
        self.domains = np.where(columns["talk"], DOMAINS.index(Domain.TALK), DOMAINS.index(Domain.WORK))

    def _link(self, activities: Sequence[int]) -> None:
        """Scores the links of these activities. Marks `todo` those that are new or whose links changed."""
        if not activities:
            return
        slots = self.table.slots(activities)
        self.marks.todo[slots[self.assigned.label[slots] < 0]] = 1
        lacking = np.zeros(len(self.sizes), dtype=np.bool_)
        lacking[slots] = True
        pairs = self._candidates.pairs([self.positions[activity] for activity in activities])
        for _, given in score_links(self.model, self.table, pairs):
            lacking[given.own] = False
            self._linked(given.own[self.links.put(given, self.unlinked) > 0])
        without = np.flatnonzero(lacking)
        self._linked(without[self.links.put(no_links(without), self.unlinked) > 0])

    def _linked(self, slots: npt.NDArray[np.int64]) -> None:
        labels = self.assigned.label[slots]
        known = labels[labels >= 0]
        self.marks.todo[slots], self.marks.published[known] = 1, 1
        self.marks.moved[known] = np.maximum(self.marks.moved[known], LINKS)

    def _feedback_arrays(self, constraints: Constraints) -> FeedbackArrays:
        """Returns the constraints as arrays by slot."""
        named = list(constraints.first)
        slots = self.table.slots(named).astype(np.int32)
        row = self.feedback_arrays.row
        row[slots] = np.arange(len(named))
        bundles = [constraints.bundle.get(one, ()) for one in named]
        parts = [sorted(constraints.apart.get(constraints.first[one], ())) for one in named]
        return FeedbackArrays(
            row=row,
            first=self.table.slots(map(constraints.first.__getitem__, named)).astype(np.int32),
            bundled=np.cumsum([0, *map(len, bundles)]).astype(np.int32),
            bundle=self.table.slots(chain.from_iterable(bundles)).astype(np.int32),
            parted=np.cumsum([0, *map(len, parts)]).astype(np.int32),
            apart=self.table.slots(chain.from_iterable(parts)).astype(np.int32),
        )


_NO_FEEDBACK = FeedbackArrays(*(np.zeros(0, dtype=np.int32) for _ in FeedbackArrays._fields))
