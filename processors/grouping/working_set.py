"""What one timekeeper has open: the latest version of each row, and the groups that they make.

A function of the set, not of the way there: rows may come in any order, twice, late and after their delete; `decide`
says what is other than at the last time, and looks only at what was touched.
"""

from collections.abc import Mapping

import msgspec

from processors.grouping.clustering.constraints import named_in, resolve
from processors.grouping.clustering.micro_clusters import Strands
from processors.grouping.clustering.pair_graph import Board
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.group_values import shape
from schemas.errors import ModelError
from schemas.groups import Group, Member
from schemas.keys import RowKey, Scope
from schemas.values import Activation, Activity, Apart, Feedback, Release, Together, Value, content_hash


class Decision(msgspec.Struct, frozen=True):
    """What is other than at the last decision: groups by name that are new or changed, and names that are gone."""

    changed: dict[int, Group]
    gone: frozenset[int]


class WorkingSet:
    """See the module. Holds one scope, that of the first row it is given. Not shared between threads."""

    def __init__(self, models: Mapping[str, Model], default: str) -> None:
        """`models` by version; `default` is the version for who has no activation."""
        if default not in models:
            raise ModelError(f"the default model {default!r} isn't among {', '.join(sorted(models)) or 'none'}")
        self._models, self._default = models, default
        self._scope: Scope | None = None
        self._versions: dict[tuple[str, int], int] = {}
        self._activities: dict[int, Activity] = {}
        self._feedback: dict[int, Feedback] = {}
        self._activations: dict[int, str] = {}
        self._releases: dict[int, Release] = {}
        self._begin(models[default])
        self._touched: set[int] = set()
        self._spoken_of: set[int] = set()
        self._feedback_touched = False
        self._shaped: dict[int, list[int]] = {}
        self._groups: dict[int, Group] = {}

    @property
    def _board(self) -> Board:
        return self._strands.board

    @property
    def groups(self) -> Mapping[int, Group]:
        """All groups by name, as of the last decision."""
        return self._groups

    @property
    def activities(self) -> int:
        """How many activities are in it."""
        return len(self._activities)

    @property
    def model(self) -> str:
        """The version that the groups are decided with: the activation with the highest id, else the default."""
        return self._activations[max(self._activations)] if self._activations else self._default

    @property
    def losers(self) -> tuple[int, ...]:
        """Ids of feedback that later feedback contradicts, as of the last decision."""
        return self._board.constraints.losers

    def knows(self, version: str) -> bool:
        """Is there a model of that version here?"""
        return version in self._models

    def version(self, key: RowKey) -> int:
        """The version of a row that is known, also of one that went; -1 of one that isn't."""
        return self._versions.get((key.table, key.id), -1)

    def gone_at(self, key: RowKey) -> int | None:
        """The version at which a row went (deleted, or given up); None where it is there, or was never known."""
        rows: Mapping[str, Mapping[int, object]] = {
            "activity": self._activities,
            "feedback": self._feedback,
            "activation": self._activations,
            "release": self._releases,
        }
        there = key.id in rows.get(key.table, ())
        return None if there else self._versions.get((key.table, key.id))

    def apply(self, key: RowKey, version: int, value: Value | None) -> bool:
        """Takes in a row's value at that version, None for deleted; False where an equal or higher version is known.

        Raises ModelError for the activation of a model that isn't here, and changes nothing then. `decide` is what
        lets it take effect.
        """
        self._own(key)
        row = (key.table, key.id)
        if version <= self._versions.get(row, -1):
            return False
        if isinstance(value, Activation) and not self.knows(value.model):
            raise ModelError(f"activation {value.id} names model {value.model!r}, which isn't here")
        self._versions[row] = version
        self._take_in(key, value)
        return True

    def decide(self) -> Decision:
        """What is other than at the last time, given all that was applied since."""
        before = self._groups
        dirty = self._settle()
        if not dirty:
            return Decision({}, frozenset())
        old = {name: before[name] for label in dirty for name in self._shaped.pop(label, ())}
        new: dict[int, Group] = {}
        for label, groups in shape(self._strands, sorted(dirty), self._members).items():
            if groups:
                self._shaped[label] = [group.members[0].id for group in groups]
                new |= {group.members[0].id: group for group in groups}
        gone = frozenset(old.keys() - new.keys())
        changed = {name: group for name, group in new.items() if old.get(name) != group}
        for name in gone:
            del before[name]
        before |= changed
        return Decision(changed, gone)

    def _own(self, key: RowKey) -> None:
        """A wall: rows of two timekeepers in one set would be a bug of the caller's, so it crashes."""
        scope = Scope(key.firm, key.timekeeper)
        if self._scope is None:
            self._scope = scope
        elif scope != self._scope:
            raise ValueError(f"a row of {scope} given to the working set of {self._scope}")

    def _take_in(self, key: RowKey, value: Value | None) -> None:
        match key.table:
            case "activity":
                self._activities.pop(key.id, None)
                if isinstance(value, Activity):
                    self._activities[key.id] = value
                self._touched.add(key.id)
            case "feedback":
                self._feedback.pop(key.id, None)
                if isinstance(value, Together | Apart):
                    self._feedback[key.id] = value
                self._feedback_touched = True
            case "activation":
                self._activations.pop(key.id, None)
                if isinstance(value, Activation):
                    self._activations[key.id] = value.model
            case "release":
                self._releases.pop(key.id, None)
                if isinstance(value, Release):
                    self._releases[key.id] = value

    def _settle(self) -> set[int]:
        """Brings the board up to date; returns the labels whose groups may be others than before."""
        dirty: set[int] = set()
        if self._board.model.version != self.model:
            dirty |= self._shaped.keys()
            self._begin(self._models[self.model])
            self._touched = set(self._activities)
            self._feedback_touched = True
        for activity in sorted(self._touched & self._board.places.keys()):
            self._strands.take(activity)
            self._members.pop(activity, None)
        self._put(sorted(self._touched & self._activities.keys()))
        if self._feedback_touched:
            self._spoken_of = named_in(self._feedback.values())
        if self._feedback_touched or self._touched & self._spoken_of:
            self._board.constrain(resolve(self._feedback.values(), self._board.places))
        self._touched, self._feedback_touched = set(), False
        return dirty | self._strands.settle()

    def _begin(self, model: Model) -> None:
        """With nothing on the board."""
        self._strands = Strands(Board(model))
        self._members: dict[int, Member] = {}

    def _put(self, touched: list[int]) -> None:
        """Puts those on the board that take part in grouping: all but the excluded."""
        put = [activity for id in touched if not (activity := self._activities[id]).excluded]
        self._members |= {activity.id: Member(activity.id, content_hash(activity)) for activity in put}
        self._board.put(put)
