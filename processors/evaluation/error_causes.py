"""Why a mistake happened: the link by which an event was joined to others, and the strongest link that was missed.

A piece of a mistake lies where its first event was assigned; later events mostly followed it. So the cause is looked
for there.
"""

from collections.abc import Collection, Hashable, Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from processors.evaluation.comparison import Case
from processors.evaluation.mistakes import Mistake
from processors.evaluation.rule_baselines import Grouping
from processors.grouping.candidates.blocking import Candidates
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import Domain, Model
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import classifiers
from processors.grouping.similarity.link_scoring import score_links

MAX_REASONS = 3
NO_FLOOR = -(10**9)
"""A floor below any score."""


class PairContribution(msgspec.Struct, frozen=True):
    """A feature of a pair, where its value lies, and what that added to the logit in millionths (below 0: against)."""

    feature: str
    value: str
    added: int


class Link(msgspec.Struct, frozen=True):
    """The pair that scored most `of` so many that were compared: its logit in millionths, and the strongest reasons for
    and against it, strongest first.
    """

    earlier: int
    compared: int
    score: int
    reasons_for: tuple[PairContribution, ...]
    reasons_against: tuple[PairContribution, ...]


class Cause(msgspec.Struct, frozen=True):
    """Why an event lies where it lies. `joined` is its strongest link to earlier ones of its group (None: it has none,
    and began the group), `missed` that to the earlier ones of its true group that are in other groups: there are `own`
    of those, and None says that it was compared with none of them.
    """

    event: int
    joined_link: Link | None
    same_group_count: int
    missed_link: Link | None


class ErrorCauses:
    """Looks up what a model made of a stream's pairs."""

    def __init__(self, case: Case, grouping: Grouping, model: Model) -> None:
        self._case, self._grouping, self._model = case, grouping, _without_link_floor(model)
        self._table, self._candidates = ActivityTable(self._model), Candidates(self._model)
        self._sort_keys = {one.id: (one.started_at, one.id) for one in case.activities}
        present = [one for one in case.activities if not one.excluded]
        for one, tokens in zip(present, self._table.add(present), strict=True):
            self._candidates.add(self._sort_keys[one.id], tokens)
        self._events_by_true_group: dict[Hashable, list[int]] = {}
        for id, true in case.gold.items():
            self._events_by_true_group.setdefault(true, []).append(id)

    def causes_of(self, mistake: Mistake) -> list[Cause | None]:
        """The cause of each piece, in their order: that of its first event; None for the piece that comes first."""
        events = [min(piece.ids, key=self._sort_keys.__getitem__) for piece in mistake.pieces]
        first = min(events, key=self._sort_keys.__getitem__)
        return [None if event == first else self.cause_of(event) for event in events]

    def cause_of(self, event: int) -> Cause:
        """Of an event that is judged."""
        place, group = self._sort_keys[event], self._group_of(event)
        true = self._events_by_true_group[self._case.gold[event]]
        own = {id for id in true if self._sort_keys[id] < place and self._group_of(id) != group}
        if place not in self._candidates:  # what is excluded is compared with nothing
            return Cause(event, None, len(own), None)
        for regime, links in score_links(self._model, self._table, self._candidates.pairs([place])):
            others: list[int] = self._table.columns["id"][links.others].tolist()
            inside = {id for id in others if self._group_of(id) == group}
            steps = classifiers(self._model)[regime].whole(links.steps)
            joined, missed = (self._strongest(regime, others, steps, some) for some in (inside, own))
            return Cause(event, joined, len(own), missed)
        return Cause(event, None, len(own), None)

    def _group_of(self, event: int) -> int:
        return self._grouping.get(event, event)

    def _strongest(self, regime: Domain, others: Sequence[int], steps: Steps, among: Collection[int]) -> Link | None:
        """The pair that scored most, the latest of several."""
        parts = classifiers(self._model)[regime].contributions(steps)
        scores = [(int(parts[at].sum()), at) for at, other in enumerate(others) if other in among]
        if not scores:
            return None
        score, at = max(scores)
        edges = self._model.similarity[regime].edges
        reasons = [
            PairContribution(name, _bin_label(edges.get(name, ()), int(step)), int(added))
            for name, step, added in zip(FEATURES, steps[at], parts[at], strict=True)
            if added
        ]
        ranked = sorted(reasons, key=lambda one: -abs(one.added))
        why, against = ([one for one in ranked if (one.added > 0) is is_for] for is_for in (True, False))
        return Link(others[at], len(scores), score, tuple(why[:MAX_REASONS]), tuple(against[:MAX_REASONS]))


@lru_cache(maxsize=16)
def _without_link_floor(model: Model) -> Model:
    """The model with links of every score; live keeps only links above a floor."""
    return replace(model, joining={regime: replace(one, floor=NO_FLOOR) for regime, one in model.joining.items()})


def _bin_label(edges: Sequence[int], step: int) -> str:
    """Between which edges a value lies: all that a model knows of it."""
    if step == 0:
        return "unknown"
    if not edges:
        return "any"
    if step == 1:
        return f"below {edges[0]:,}"
    if step > len(edges):
        return f"{edges[-1]:,} or more"
    least, most = edges[step - 2], edges[step - 1] - 1
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"
