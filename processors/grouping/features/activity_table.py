"""Columns of numbers about a timekeeper's activities: when they were, and what they say.

What several activities say in the same words is described once, and compared once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from processors.billing.entries.billing_day import ONE_DAY, billing_day, day_begins
from processors.grouping.candidates.candidate_pairs import Integers, Pairs
from processors.grouping.describe.description import CONTENT, Content, describe
from processors.grouping.features.content_features import Rows
from processors.grouping.features.context_features import ComparisonLists
from processors.grouping.model.grouping_model import Model
from schemas.values import Activity

ACTIVITY = np.dtype(
    [
        ("id", np.int64),
        ("start", np.int64),  # microseconds since 1970
        ("end", np.int64),  # the start, for a point in time
        ("day", np.int32),  # where it happened (`processors.billing.entries.billing_day`), as days since year 1
        ("point", np.bool_),
        ("talk", np.bool_),
        ("kind", np.uint8),
        ("content", np.int32),  # where its CONTENT is
    ],
    align=True,  # numpy copies what isn't, at each operation
)
"""One activity."""

TOGETHER = 1_024
"""Contents that are described in one go; bounds memory, and has no part in the result."""

DENSE = 16
"""A table of all pairs of contents may be so many times as large as what is asked of it. No part of the result."""

Contents = npt.NDArray[Any]
"""Where contents are, whole numbers."""


class ActivityTable:
    """See the module. Rows of activities that went are used again."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._activities, self._contents = _Rows(ACTIVITY), _Rows(CONTENT)
        self._slots: dict[int, int] = {}
        self._said: dict[int, Content] = {}  # by content
        self._known: dict[Content, tuple[int, tuple[int, ...]]] = {}
        self._users: Counter[int] = Counter()
        self._latest, self._ordinal = (0, 0, ""), 0

    def add(self, activities: Sequence[Activity]) -> list[tuple[int, ...]]:
        """Takes in activities that aren't there; returns the tokens of each (`profile.Profiles`)."""
        every = [(one.words, one.app, one.kind) for one in activities]
        found = [self._known.get(said) for said in every]
        new = list(dict.fromkeys(said for said, known in zip(every, found, strict=True) if known is None))
        for begin in range(0, len(new), TOGETHER):
            some = new[begin : begin + TOGETHER]
            profiles = describe(some, self._model)
            contents = self._contents.put(profiles.rows)
            self._said.update(zip(contents, some, strict=True))
            self._known.update(zip(some, zip(contents, profiles.tokens, strict=True), strict=True))
        known = [self._known[said] if one is None else one for said, one in zip(every, found, strict=True)]
        self._put(activities, [content for content, _ in known])
        return [tokens for _, tokens in known]

    def _put(self, activities: Sequence[Activity], contents: list[int]) -> None:
        rows = np.zeros(len(activities), dtype=ACTIVITY)
        rows["id"] = [one.id for one in activities]
        rows["start"] = starts = [one.started_at for one in activities]
        ends = [one.ended_at for one in activities]
        rows["end"] = [start if end is None else end for start, end in zip(starts, ends, strict=True)]
        rows["point"] = [end is None for end in ends]
        rows["day"] = [self._day(one) for one in activities]
        rows["content"] = contents
        for column in ("talk", "kind"):
            rows[column] = self._contents.rows[column][contents]
        self._users.update(contents)
        self._slots.update(zip([one.id for one in activities], self._activities.put(rows), strict=True))

    def _day(self, activity: Activity) -> int:
        """The billing day, mostly that of the activity before it."""
        begins, ends, zone = self._latest
        if activity.zone != zone or not begins <= activity.started_at < ends:
            day = billing_day(activity.started_at, activity.zone)
            begins, ends = (day_begins(one, activity.zone) for one in (day, day + ONE_DAY))
            self._latest, self._ordinal = (begins, ends, activity.zone), day.toordinal()
        return self._ordinal

    def remove(self, activity: int) -> None:
        """Takes out one that is there."""
        slot = self._slots.pop(activity)
        self._activities.free.append(slot)
        content = int(self._activities.rows["content"][slot])
        self._users[content] -= 1
        if not self._users[content]:
            del self._users[content], self._known[self._said.pop(content)]
            self._contents.free.append(content)

    @property
    def columns(self) -> npt.NDArray[np.void]:
        """The rows (ACTIVITY) of all slots, for reading; what is in slots of nobody means nothing."""
        return self._activities.rows

    def slot(self, activity: int) -> int:
        """Where the row of one that is there is."""
        return self._slots[activity]

    def slots(self, activities: Iterable[int]) -> Integers:
        """Where the rows of these are, for as long as none of them goes."""
        return np.fromiter(map(self._slots.__getitem__, activities), dtype=np.int64)

    def of_contents(self, rows: npt.NDArray[np.void], column: str) -> npt.NDArray[Any]:
        """A column of CONTENT of these rows (ACTIVITY)."""
        found: npt.NDArray[Any] = self._contents.rows[column][rows["content"]]
        return found

    def talks(self, slots: Integers) -> npt.NDArray[np.bool_]:
        """Which of these are lines of talk."""
        talks: npt.NDArray[np.bool_] = self._activities.rows["talk"][slots]
        return talks

    def lists(self, pairs: Pairs, slots: Integers) -> ComparisonLists:
        """What there is to compare of these pairs; `slots` are of `pairs.ids`."""
        activities, contents = self._activities.rows, self._contents.rows
        own, earlier = slots[pairs.own], slots[pairs.earlier]
        later = np.repeat(own, pairs.counts)
        which, left, right = self._distinct(activities["content"][earlier], activities["content"][later])
        return ComparisonLists(
            own=Rows(activities, own),
            what=Rows(contents, activities["content"][own]),
            counts=pairs.counts,
            earlier=Rows(activities, earlier),
            later=Rows(activities, later),
            steps=pairs.steps,
            left=Rows(contents, left),
            right=Rows(contents, right),
            which=which,
        )

    def _distinct(self, left: Contents, right: Contents) -> tuple[Integers, Contents, Contents]:
        """Which of the distinct pairs each is, and those."""
        if len(self._known) * 2 > len(self._slots):  # where most say what nobody else does, few pairs come twice
            return np.arange(len(left)), left, right
        size = len(self._contents.rows)
        keys = left.astype(np.int64) * size + right
        if size * size > DENSE * len(keys):
            distinct, which = np.unique(keys, return_inverse=True)
        else:  # counting is faster than sorting
            there = np.zeros(size * size, dtype=np.bool_)
            there[keys] = True
            distinct = np.flatnonzero(there)
            which = (np.cumsum(there) - 1)[keys]
        return which, *np.divmod(distinct, size)


class _Rows:
    """A growing array of one dtype; `free` are slots that hold nothing."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self.rows = np.zeros(0, dtype=dtype)
        self.free: list[int] = []

    def put(self, rows: npt.NDArray[np.void]) -> list[int]:
        """Returns the slots that these are in from now on."""
        lacking, size = len(rows) - len(self.free), len(self.rows)
        if lacking > 0:
            more = max(64, lacking, size // 8)
            self.rows = np.concatenate((self.rows, np.zeros(more, dtype=self.rows.dtype)))
            self.free += range(size + more - 1, size - 1, -1)
        slots = [self.free.pop() for _ in rows]
        self.rows[slots] = rows
        return slots
