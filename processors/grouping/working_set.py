"""Holds what grouping needs of one timekeeper: the latest version of each row, and the groups that follow from them.

The result is a function of the set of rows. Rows may come in any order, twice, late, or after their delete. `decide`
returns what changed since the last decision, and works only on what the changed rows affect.
"""

from collections.abc import Mapping

import msgspec

from processors.grouping.clustering.constraints import named_in, resolve
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.clustering.pair_graph import PairGraph
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.group_values import values_of
from schemas.errors import ModelError
from schemas.groups import Group, Member
from schemas.keys import RowKey, Scope
from schemas.values import Activation, Activity, Apart, Feedback, Release, Together, Value, content_hash


class Decision(msgspec.Struct, frozen=True):
    """What changed since the last decision: new or changed groups by name, and the names of groups that are gone."""

    changed: dict[int, Group]
    gone: frozenset[int]


class WorkingSet:
    """See the module. Holds the rows of one scope, that of the first row it is given. Not shared between threads."""

    def __init__(self, models: Mapping[str, Model], default: str) -> None:
        """`models` are by version; `default` is the version for timekeepers without an activation.

        Raises ModelError where the default isn't among the models.
        """
        if default not in models:
            raise ModelError(f"the default model {default!r} isn't among {', '.join(sorted(models)) or 'none'}")
        self._models, self._default = models, default
        self._scope: Scope | None = None
        self._versions: dict[tuple[str, int], int] = {}
        self._activities: dict[int, Activity] = {}
        self._feedback: dict[int, Feedback] = {}
        self._activations: dict[int, str] = {}
        self._releases: dict[int, Release] = {}
        self._use_model(models[default])
        self._touched: set[int] = set()
        self._constrained: set[int] = set()
        self._feedback_touched = False
        self._values: dict[int, list[int]] = {}
        self._groups: dict[int, Group] = {}

    @property
    def _graph(self) -> PairGraph:
        return self._clusters.graph

    @property
    def groups(self) -> Mapping[int, Group]:
        """All groups by name, as of the last decision."""
        return self._groups

    @property
    def activities(self) -> int:
        """The number of activities in the set."""
        return len(self._activities)

    @property
    def model(self) -> str:
        """The version that decides the groups: that of the activation with the highest id, else the default."""
        return self._activations[max(self._activations)] if self._activations else self._default

    @property
    def losers(self) -> tuple[int, ...]:
        """The ids of feedback that later feedback contradicts, as of the last decision."""
        return self._graph.constraints.losers

    def has_version(self, version: str) -> bool:
        """Returns whether the set has a model of that version."""
        return version in self._models

    def version(self, key: RowKey) -> int:
        """Returns the latest known version of a row, deleted rows included; -1 for a row that was never known."""
        return self._versions.get((key.table, key.id), -1)

    def gone_at(self, key: RowKey) -> int | None:
        """Returns the version at which a row went away (deleted or given up); None where it exists or was
        never known.
        """
        rows: Mapping[str, Mapping[int, object]] = {
            "activity": self._activities,
            "feedback": self._feedback,
            "activation": self._activations,
            "release": self._releases,
        }
        there = key.id in rows.get(key.table, ())
        return None if there else self._versions.get((key.table, key.id))

    def apply(self, key: RowKey, version: int, value: Value | None) -> bool:
        """Stores a row's value at that version, None for a deleted row. Returns False where the same or a higher
        version is known.

        It takes effect with the next `decide`. Raises ModelError for the activation of a model that isn't in the set,
        and then changes nothing. Raises ValueError for a row of another timekeeper.
        """
        self._own(key)
        row = (key.table, key.id)
        if version <= self._versions.get(row, -1):
            return False
        if isinstance(value, Activation) and not self.has_version(value.model):
            raise ModelError(f"activation {value.id} names model {value.model!r}, which isn't here")
        self._versions[row] = version
        self._store_value(key, value)
        return True

    def decide(self) -> Decision:
        """Decides what the applied changes affect, and returns what changed since the last decision."""
        before = self._groups
        dirty = self._settle()
        if not dirty:
            return Decision({}, frozenset())
        old = {name: before[name] for label in dirty for name in self._values.pop(label, ())}
        new: dict[int, Group] = {}
        for label, groups in values_of(self._clusters, sorted(dirty), self._members).items():
            if groups:
                self._values[label] = [group.members[0].id for group in groups]
                new |= {group.members[0].id: group for group in groups}
        gone = frozenset(old.keys() - new.keys())
        changed = {name: group for name, group in new.items() if old.get(name) != group}
        for name in gone:
            del before[name]
        before |= changed
        return Decision(changed, gone)

    def _own(self, key: RowKey) -> None:
        """Raises ValueError for a row of another scope. Mixing two timekeepers is a bug of the caller, so the program
        crashes.
        """
        scope = Scope(key.firm, key.timekeeper)
        if self._scope is None:
            self._scope = scope
        elif scope != self._scope:
            raise ValueError(f"a row of {scope} given to the working set of {self._scope}")

    def _store_value(self, key: RowKey, value: Value | None) -> None:
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
        """Brings the pair graph and its groups up to date. Returns the labels of groups that may have changed."""
        dirty: set[int] = set()
        if self._graph.model.version != self.model:
            dirty |= self._values.keys()
            self._use_model(self._models[self.model])
            self._touched = set(self._activities)
            self._feedback_touched = True
        for activity in sorted(self._touched & self._graph.positions.keys()):
            self._clusters.remove(activity)
            self._members.pop(activity, None)
        self._put(sorted(self._touched & self._activities.keys()))
        if self._feedback_touched:
            self._constrained = named_in(self._feedback.values())
        if self._feedback_touched or self._touched & self._constrained:
            self._graph.constrain(resolve(self._feedback.values(), self._graph.positions))
        self._touched, self._feedback_touched = set(), False
        return dirty | self._clusters.settle()

    def _use_model(self, model: Model) -> None:
        """Begins anew with this model and an empty pair graph."""
        self._clusters = MicroClusters(PairGraph(model))
        self._members: dict[int, Member] = {}

    def _put(self, touched: list[int]) -> None:
        """Adds to the pair graph those that take part in grouping: all activities but the excluded ones."""
        put = [activity for id in touched if not (activity := self._activities[id]).excluded]
        self._members |= {activity.id: Member(activity.id, content_hash(activity)) for activity in put}
        self._graph.add(put)
