"""Why groups are together: the features that speak most for their strongest links, and for their strongest ties."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Protocol

import numpy as np

from processors.grouping.clustering.cluster_pair_features import TIES
from processors.grouping.clustering.cluster_similarity import mergers
from processors.grouping.clustering.graph_arrays import Ties
from processors.grouping.clustering.micro_clusters import Strands
from processors.grouping.clustering.pair_graph import REGIMES
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import Regime
from processors.grouping.model.trees import Steps
from processors.grouping.outcome.reasons import OF_STRANDS, WORDS
from processors.grouping.similarity.classifier import classifiers
from schemas.groups import FeatureContribution

REASONS = 3
ASKED = 4
"""A group's reasons are those of so many members, and of so many strands, that joined most surely."""

Why = tuple[FeatureContribution, ...]

Asked = tuple[Integers, Steps]
"""Steps to be explained, and which group each is of."""


class Contributing(Protocol):
    """A regime's classifier, of links or of ties."""

    def contributions(self, steps: Steps) -> Integers:
        """What each feature adds to the logit of each row of steps."""


def explain(strands: Strands, members: Slots, starts: Integers, surest: Slots) -> list[Why]:
    """For each group the features that speak most for it, strongest first: the mean of its strongest links, and of its
    strongest ties. Its `members` begin at its start; of its strands `surest` has those that joined most surely, one row
    a group (-1: no more).
    """
    model, count = strands.board.model, len(starts)
    links = _means(_strongest_links(strands, members, starts), classifiers(model), len(FEATURES), count)
    ties = _means(_strongest_ties(strands, surest), mergers(model), len(TIES), count)
    return [_strongest([*link, *tie]) for link, tie in zip(links.tolist(), ties.tolist(), strict=True)]


def _strongest_links(strands: Strands, members: Slots, starts: Integers) -> dict[Regime, Asked]:
    """Of each group, of the members that joined most surely: the steps of the strongest link into its strand."""
    board = strands.board
    placed, edges = board.placed, board.edges
    of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(members)))
    linked = np.flatnonzero(placed.strongest[members] >= 0)
    linked = linked[np.lexsort((-placed.joined[members[linked]], of[linked]))]
    place = np.arange(len(linked)) - np.searchsorted(of[linked], of[linked])
    linked = linked[place < ASKED]
    chosen, of = members[linked], of[linked]
    kept = edges.steps[edges.ends.begin[chosen] + placed.strongest[chosen]]
    found = {}
    for number, regime in enumerate(REGIMES):
        some = board.regimes[chosen] == number
        if not some.any():
            continue
        classifier = classifiers(board.model)[regime]
        found[regime] = of[some], classifier.whole(kept[some, : len(classifier.scale.columns)])
    return found


def _strongest_ties(strands: Strands, surest: Slots) -> dict[Regime, Asked]:
    """Of these strands the steps of the strongest tie of each into the group, of equals the earliest."""
    found = {}
    of, at = np.nonzero(surest >= 0)
    chosen, regimes = surest[of, at], strands.board.regimes
    for regime, merger in mergers(strands.board.model).items():
        some = regimes[chosen] == REGIMES.index(regime)
        if not some.any():
            continue
        lists = strands.pairings(regime, chosen[some])
        rows = _strongest_rows(lists.own, lists.counts, strands.tying.ties, strands.merged.label)
        found[regime] = of[some], merger.steps(lists.rows[rows])
    return found


@compiled
def _strongest_rows(own: Slots, counts: Integers, ties: Ties, groups: Slots) -> Integers:
    """Of lists of strands, where the row of each one's strongest tie into its group is."""
    found, row = np.zeros(len(own), dtype=np.int64), 0
    for number in range(len(own)):
        begin, best = ties.begin[own[number]], -1
        for tie in range(begin, begin + counts[number]):
            inside = groups[ties.other[tie]] == groups[own[number]]
            if inside and (best < 0 or ties.logit[tie] > ties.logit[best]):
                best = tie
        found[number] = row + best - begin
        row += counts[number] + 1
    return found


def _means(every: Mapping[Regime, Asked], trees: Mapping[Regime, Contributing], features: int, groups: int) -> Integers:
    """What each feature adds to these, the mean of each group's."""
    summed, counts = np.zeros((groups, features), dtype=np.int64), np.zeros(groups, dtype=np.int64)
    for regime, (of, steps) in every.items():
        if len(of):
            np.add.at(summed, of, trees[regime].contributions(steps))
            counts += np.bincount(of, minlength=groups)
    mean: Integers = summed // np.maximum(counts, 1)[:, None]
    return mean


def _strongest(reasons: Sequence[int]) -> Why:
    told = [
        (name, value) for name, value in zip((*FEATURES, *TIES), reasons, strict=True) if value > 0 and name in _TOLD
    ]
    return tuple(
        FeatureContribution(name, value) for name, value in sorted(told, key=itemgetter(1), reverse=True)[:REASONS]
    )


_TOLD = WORDS.keys() | OF_STRANDS.keys()
