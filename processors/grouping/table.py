"""Columns of numbers about a timekeeper's activities: when they were, what they say, and where each was placed.

What several activities say in the same words is described once, and compared once.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from processors.grouping.clustering import Placement
from processors.grouping.features import Pairs
from processors.grouping.model import Model
from processors.grouping.profile import CONTENT, describe
from processors.grouping.similarity import NAMES
from schemas.values import Activity, Kind, Words

ACTIVITY = np.dtype(
    [
        ("start", np.int64),  # microseconds since 1970
        ("end", np.int64),  # the start, for a point in time
        ("point", np.bool_),
        ("talk", np.bool_),
        ("kind", np.uint8),
        ("content", np.int32),  # where its CONTENT is
        ("label", np.int64),  # from here on see `clustering.Placement`
        ("joined", np.int64),
        ("rival", np.int64),
        ("via", np.int64),
        ("links", np.int64),  # how many links into its own group it has
        ("reasons", np.int64, len(NAMES)),  # and what the scores of those are made of, summed
    ],
    align=True,  # numpy copies what isn't, at each operation
)
"""One activity."""

Said = tuple[Words, str, Kind]


class Table:
    """See the module. Rows of activities that went are used again."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._activities, self._contents = _Rows(ACTIVITY), _Rows(CONTENT)
        self._slots: dict[int, int] = {}
        self._said: dict[int, Said] = {}
        self._known: dict[Said, tuple[int, tuple[int, ...]]] = {}
        self._users: dict[int, int] = {}

    def add(self, activity: Activity) -> tuple[int, ...]:
        """Takes in an activity that isn't there; returns its tokens (`profile.Profile`)."""
        said = (activity.words, activity.app, activity.kind)
        if said not in self._known:
            profile = describe(*said, self._model)
            self._known[said] = self._contents.put(profile.row), profile.tokens
        content, tokens = self._known[said]
        self._users[content] = self._users.get(content, 0) + 1
        point = activity.ended_at is None
        end = activity.started_at if activity.ended_at is None else activity.ended_at
        what = self._contents.rows[content]
        row = (activity.started_at, end, point, what["talk"], what["kind"], content, 0, 0, 0, 0, 0, 0)
        self._slots[activity.id], self._said[activity.id] = self._activities.put(row), said
        return tokens

    def remove(self, activity: int) -> None:
        """Takes out one that is there."""
        said = self._said.pop(activity)
        self._activities.free.append(self._slots.pop(activity))
        content, _ = self._known[said]
        self._users[content] -= 1
        if not self._users[content]:
            del self._users[content], self._known[said]
            self._contents.free.append(content)

    def note(self, activity: int, placed: Placement, reasons: npt.NDArray[np.int64], links: int) -> None:
        """Writes down where one was placed."""
        row = self._activities.rows[self._slots[activity]]
        row["label"], row["joined"], row["rival"], row["via"] = placed.label, placed.joined, placed.rival, placed.via
        row["links"], row["reasons"] = links, reasons

    def rows(self, activities: Iterable[int]) -> npt.NDArray[np.void]:
        """The rows (ACTIVITY) of these, in this order."""
        return self._activities.rows.take(np.fromiter(map(self._slots.__getitem__, activities), dtype=np.int64))

    def pairs(
        self, earlier: Iterable[int], later: Iterable[int], repeats: npt.NDArray[np.int64], steps: list[int]
    ) -> Pairs:
        """Pairs of each of `later`, as often as `repeats` has it, with as many of `earlier`."""
        first, second = self.rows(earlier), np.repeat(self.rows(later), repeats)
        key = (first["content"].astype(np.int64) << 32) | second["content"]
        # A dict rather than np.unique: as fast for many, and for the few pairs of one change much faster.
        known: dict[int, int] = {}
        which = np.array([known.setdefault(both, len(known)) for both in key.tolist()], dtype=np.int64)
        distinct = np.array(list(known), dtype=np.int64)
        contents = self._contents.rows
        left, right = contents.take(distinct >> 32), contents.take(distinct & 0xFFFFFFFF)
        return Pairs(first, second, np.array(steps, dtype=np.int32), left, right, which)


class _Rows:
    """A growing array of one dtype; `free` are slots that hold nothing."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self.rows = np.zeros(0, dtype=dtype)
        self.free: list[int] = []

    def put(self, row: npt.NDArray[np.void] | tuple[object, ...]) -> int:
        if not self.free:
            size = len(self.rows)
            more = max(64, size // 2)
            self.rows = np.concatenate((self.rows, np.zeros(more, dtype=self.rows.dtype)))
            self.free = list(range(size + more - 1, size - 1, -1))
        slot = self.free.pop()
        self.rows[slot] = row
        return slot
