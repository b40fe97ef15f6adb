"""Why groups are together: the features that speak most for their strongest links, and for their strongest ties."""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.features import FEATURES
from processors.grouping.merging import mergers
from processors.grouping.model import Model, Regime
from processors.grouping.reasons import OF_STRANDS, WORDS
from processors.grouping.similarity import classifiers
from processors.grouping.strands import Strands
from processors.grouping.ties import TIES
from processors.grouping.trees import Steps
from schemas.groups import Because

REASONS = 3
ASKED = 4
"""A group's reasons are those of so many members, and of so many strands, that joined most surely."""

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.void]
Why = tuple[Because, ...]


class Contributing(Protocol):
    """A regime's classifier, of links or of ties."""

    def contributions(self, steps: Steps) -> Integers:
        """What each feature adds to the logit of each row of steps."""


class Grounds(msgspec.Struct, frozen=True):
    """What a group's reasons are made of: the steps of its strongest links, and of its strongest ties, by regime."""

    links: tuple[tuple[Regime, bytes], ...]
    ties: tuple[tuple[Regime, bytes], ...]


class Explainer:
    """Tells why groups are together. Remembers it for as long as it is made of the same: most of a group is what it
    was when one of its members is decided anew.
    """

    def __init__(self, strands: Strands) -> None:
        self._strands = strands
        self._told: dict[int, dict[Grounds, Why]] = {}

    def explain(self, rows: Rows, starts: Integers, labels: Sequence[int], outlying: Sequence[bool]) -> list[Why]:
        """For each group the features that speak most for it, strongest first: the mean of its strongest links, and of
        its strongest ties. The rows of its members begin at its start; `outlying` says which are pruned from theirs.
        """
        links = _strongest_links(rows, starts)
        every = [
            Grounds(link, () if pruned else tuple(self._strongest_ties(label)))
            for label, pruned, link in zip(labels, outlying, links, strict=True)
        ]
        new = {grounds for label, grounds in zip(labels, every, strict=True) if grounds not in self._of(label)}
        found = _reasons(self._strands.board.model, list(new))
        told: dict[int, dict[Grounds, Why]] = {label: {} for label in labels}
        for label, grounds in zip(labels, every, strict=True):
            told[label][grounds] = found[grounds] if grounds in new else self._of(label)[grounds]
        self._told |= told
        return [told[label][grounds] for label, grounds in zip(labels, every, strict=True)]

    def forget(self, label: int) -> None:
        """Of a group that is gone."""
        self._told.pop(label, None)

    def _of(self, label: int) -> dict[Grounds, Why]:
        return self._told.get(label, {})

    def _strongest_ties(self, label: int) -> Iterator[tuple[Regime, bytes]]:
        """Of the strands that joined most surely the strongest tie into the group."""
        strands = self._strands
        for _, strand in sorted((-strands.placed[one].joined, one) for one in strands.groups[label] - {label})[:ASKED]:
            ties = strands.ties[strand]
            inside = [at for at, other in enumerate(ties.others) if strands.placed[other].label == label]
            strongest = ties.steps(max(inside, key=ties.logits.__getitem__))
            yield strands.board.table.regime(strand), strongest.tobytes()


def _strongest_links(rows: Rows, starts: Integers) -> list[tuple[tuple[Regime, bytes], ...]]:
    """Of each group's members those that joined most surely: the steps of the strongest link of each into the group."""
    of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    linked = np.flatnonzero(rows["linked"])
    linked = linked[np.lexsort((-rows["joined"][linked], of[linked]))]
    place = np.arange(len(linked)) - np.searchsorted(of[linked], of[linked])
    chosen = linked[place < ASKED]
    found: list[list[tuple[Regime, bytes]]] = [[] for _ in starts]
    raw, talks = rows["steps"][chosen].tobytes(), rows["talk"][chosen].tolist()
    for at, (group, talk) in enumerate(zip(of[chosen].tolist(), talks, strict=True)):
        steps = raw[at * len(FEATURES) : (at + 1) * len(FEATURES)]
        found[group].append((Regime.TALK if talk else Regime.WORK, steps))
    return [tuple(links) for links in found]


def _reasons(model: Model, every: Sequence[Grounds]) -> dict[Grounds, Why]:
    """The reasons that these grounds come to."""
    links = _means([one.links for one in every], classifiers(model), len(FEATURES)).tolist()
    ties = _means([one.ties for one in every], mergers(model), len(TIES)).tolist()
    return {one: _strongest([*link, *tie]) for one, link, tie in zip(every, links, ties, strict=True)}


def _means(
    every: Sequence[Sequence[tuple[Regime, bytes]]], trees: Mapping[Regime, Contributing], features: int
) -> Integers:
    """What each feature adds to these, the mean of each list."""
    summed = np.zeros((len(every), features), dtype=np.int64)
    for regime in Regime:
        some = [(at, steps) for at, one in enumerate(every) for which, steps in one if which is regime]
        if some:
            asked: Steps = np.frombuffer(b"".join([steps for _, steps in some]), dtype=np.uint8)
            parts = trees[regime].contributions(asked.reshape(len(some), features))
            np.add.at(summed, np.array([at for at, _ in some]), parts)
    mean: Integers = summed // np.array([max(len(one), 1) for one in every], dtype=np.int64)[:, None]
    return mean


def _strongest(reasons: Sequence[int]) -> Why:
    told = [
        (name, value) for name, value in zip((*FEATURES, *TIES), reasons, strict=True) if value > 0 and name in _TOLD
    ]
    return tuple(Because(name, value) for name, value in sorted(told, key=itemgetter(1), reverse=True)[:REASONS])


_TOLD = WORDS.keys() | OF_STRANDS.keys()
