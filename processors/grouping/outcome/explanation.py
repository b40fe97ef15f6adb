"""Explains groups: finds the features that contribute most to their strongest links and cluster pairs."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Protocol

import numpy as np

from processors.grouping.clustering.cluster_pair_features import CLUSTER_PAIR_FEATURES
from processors.grouping.clustering.cluster_similarity import cluster_similarities
from processors.grouping.clustering.graph_arrays import ClusterPairs
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.clustering.pair_graph import DOMAINS
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import Domain
from processors.grouping.model.trees import Steps
from processors.grouping.outcome.reasons import OF_CLUSTERS, WORDS
from processors.grouping.similarity.classifier import classifiers
from schemas.groups import FeatureContribution

REASONS = 3
ASKED = 4
"""The number of members, and of micro-clusters, from which a group's reasons are computed: those that joined by the
greatest log-odds.
"""

Why = tuple[FeatureContribution, ...]

Asked = tuple[Integers, Steps]
"""The group of each row, and the steps to be explained."""


class Contributing(Protocol):
    """The classifier of one domain, for links or for cluster pairs."""

    def contributions(self, steps: Steps) -> Integers:
        """Returns what each feature adds to the log-odds of each row of steps."""


def explain(clusters: MicroClusters, members: Slots, starts: Integers, surest: Slots) -> list[Why]:
    """Returns for each group the features that contribute most, strongest first. Contributions are means over the
    group's strongest links, and over its strongest cluster pairs.

    `members` lie side by side, each group's from its start on. `surest` has a row for each group: the micro-clusters
    that joined by the greatest log-odds (-1: no more).
    """
    model, count = clusters.graph.model, len(starts)
    links = _means(_strongest_links(clusters, members, starts), classifiers(model), len(FEATURES), count)
    pairs = _means(_strongest_pairs(clusters, surest), cluster_similarities(model), len(CLUSTER_PAIR_FEATURES), count)
    return [_strongest([*link, *pair]) for link, pair in zip(links.tolist(), pairs.tolist(), strict=True)]


def _strongest_links(clusters: MicroClusters, members: Slots, starts: Integers) -> dict[Domain, Asked]:
    """Returns the steps of the strongest link into its micro-cluster, for the members of each group that joined most
    surely.
    """
    graph = clusters.graph
    assigned, links = graph.assigned, graph.links
    of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(members)))
    linked = np.flatnonzero(assigned.strongest[members] >= 0)
    linked = linked[np.lexsort((-assigned.joined[members[linked]], of[linked]))]
    place = np.arange(len(linked)) - np.searchsorted(of[linked], of[linked])
    linked = linked[place < ASKED]
    chosen, of = members[linked], of[linked]
    kept = links.steps[links.ends.begin[chosen] + assigned.strongest[chosen]]
    found = {}
    for number, domain in enumerate(DOMAINS):
        some = graph.domains[chosen] == number
        if not some.any():
            continue
        classifier = classifiers(graph.model)[domain]
        found[domain] = of[some], classifier.whole(kept[some, : len(classifier.scale.columns)])
    return found


def _strongest_pairs(clusters: MicroClusters, surest: Slots) -> dict[Domain, Asked]:
    """Returns the steps of the strongest pair into its group for each of these micro-clusters; of equals
    the earliest.
    """
    found = {}
    of, at = np.nonzero(surest >= 0)
    chosen, domains = surest[of, at], clusters.graph.domains
    for domain, similarity in cluster_similarities(clusters.graph.model).items():
        some = domains[chosen] == DOMAINS.index(domain)
        if not some.any():
            continue
        lists = clusters.candidate_lists(domain, chosen[some])
        rows = _strongest_rows(lists.own, lists.counts, clusters.pairs.arrays, clusters.merged.label)
        found[domain] = of[some], similarity.steps(lists.rows[rows])
    return found


@compiled
def _strongest_rows(own: Slots, counts: Integers, pairs: ClusterPairs, groups: Slots) -> Integers:
    """Returns for each candidate list the row of the strongest pair with a micro-cluster in the same group."""
    found, row = np.zeros(len(own), dtype=np.int64), 0
    for number in range(len(own)):
        begin, best = pairs.begin[own[number]], -1
        for pair in range(begin, begin + counts[number]):
            inside = groups[pairs.other[pair]] == groups[own[number]]
            if inside and (best < 0 or pairs.logit[pair] > pairs.logit[best]):
                best = pair
        found[number] = row + best - begin
        row += counts[number] + 1
    return found


def _means(every: Mapping[Domain, Asked], trees: Mapping[Domain, Contributing], features: int, groups: int) -> Integers:
    """Returns what each feature adds, as the mean over each group's rows."""
    summed, counts = np.zeros((groups, features), dtype=np.int64), np.zeros(groups, dtype=np.int64)
    for domain, (of, steps) in every.items():
        if len(of):
            np.add.at(summed, of, trees[domain].contributions(steps))
            counts += np.bincount(of, minlength=groups)
    mean: Integers = summed // np.maximum(counts, 1)[:, None]
    return mean


def _strongest(reasons: Sequence[int]) -> Why:
    named = [
        (name, value)
        for name, value in zip((*FEATURES, *CLUSTER_PAIR_FEATURES), reasons, strict=True)
        if value > 0 and name in _TOLD
    ]
    return tuple(
        FeatureContribution(name, value) for name, value in sorted(named, key=itemgetter(1), reverse=True)[:REASONS]
    )


_TOLD = WORDS.keys() | OF_CLUSTERS.keys()
