"""Joins micro-clusters into groups, and decides only what changed.

This is the second of two similar steps. `pair_graph` assigns activities to micro-clusters by their links. Here each
micro-cluster, in the order in which they began, joins an earlier group by the evidence of all links between
micro-clusters. Which group it joins depends on its cluster pairs and on the groups of the others in them.
"""

import numpy as np

from processors.grouping.clustering.agglomeration import agglomerate, remove_cluster
from processors.grouping.clustering.candidate_lists import (
    NO_LISTS,
    ActivityColumns,
    CandidateLists,
    GraphView,
    candidate_lists,
    changed_clusters,
    stepper_of,
)
from processors.grouping.clustering.cluster_pair_features import CLUSTER_PAIR_FEATURES
from processors.grouping.clustering.cluster_pairs import ClusterPairStore, GivenPairs
from processors.grouping.clustering.cluster_similarity import cluster_similarities
from processors.grouping.clustering.constraints import NONE
from processors.grouping.clustering.graph_arrays import MEMBERS, ChangeMarks, KeptApart, Merged
from processors.grouping.clustering.pair_graph import DOMAINS, PairGraph
from processors.grouping.compiled import Integers, Slots
from processors.grouping.model.grouping_model import Domain
from processors.grouping.model.trees import Steps
from processors.grouping.similarity.classifier import classifiers
from processors.grouping.similarity.log_odds import LEAST, MOST, TABLE


class MicroClusters:
    """See the module. `merged` has the group of each micro-cluster, by the slot of the activity that began it."""

    def __init__(self, graph: PairGraph) -> None:
        self.graph = graph
        self.merged = Merged(*(np.zeros(0, dtype=np.int32) for _ in Merged._fields))._replace(
            end=np.zeros(0, dtype=np.int64)
        )
        self.pairs = ClusterPairStore()
        self._told = stepper_of([classifiers(graph.model)[domain].scale for domain in DOMAINS])
        self._constraints, self._constrained = NONE, np.zeros((0, 2), dtype=np.int64)
        self._labels, self._apart = self._constrained, KeptApart(*np.zeros((2, 0), dtype=np.int64))
        self._removed: set[int] = set()
        self._marks = ChangeMarks(*(np.zeros(0, dtype=np.uint8) for _ in ChangeMarks._fields))
        graph.marks.moved[graph.assigned.label[graph.order.slots]] = MEMBERS  # all are new to this object

    def remove(self, activity: int) -> None:
        """Removes an activity from the pair graph. Its micro-cluster and its group may lose the activity that began
        them.
        """
        graph, slot = self.graph, self.graph.table.slot(activity)
        self._grow()
        label = graph.assigned.label[slot]
        if label >= 0 and self.merged.label[label] >= 0:
            self._removed.add(int(graph.table.columns["id"][self.merged.label[label]]))
        if label == slot:
            remove_cluster(slot, self.merged, self._marks)
        graph.remove(activity)

    def settle(self) -> set[int]:
        """Decides what changed, in the pair graph too. Returns the labels of groups that may have changed or gone; a
        label is the id of the activity that began the group.
        """
        graph, marks = self.graph, self.graph.marks
        graph.settle()
        self._grow()
        self._score_pairs()
        there = self.merged.size > 0
        gone = np.flatnonzero((marks.moved > 0) & ~there & (self.merged.label >= 0)).astype(np.int32)
        for cluster in gone.tolist():
            remove_cluster(cluster, self.merged, self._marks)
        self._remove_pairs(gone)
        self._marks.todo[(marks.moved > 0) & there] = 1
        self._keep_apart()
        self._merge()
        groups = self._marks.published
        groups[self.merged.label[(marks.published > 0) & there & (self.merged.label >= 0)]] = 1
        dirty = self._removed.union(graph.table.columns["id"][groups > 0].tolist())
        self._removed = set()
        self._marks.todo[:] = 0  # marks of slots without an activity
        for flags in (groups, marks.removed, marks.moved, marks.published, graph.unlinked):
            flags[:] = 0
        return dirty

    def candidate_lists(self, domain: Domain, clusters: Slots) -> CandidateLists:
        """Returns the candidate lists of those of these micro-clusters that are in one domain."""
        graph, columns = self.graph, self.graph.table.columns
        mine = clusters[graph.domains[clusters] == DOMAINS.index(domain)]
        if not len(mine):
            return NO_LISTS
        activities = ActivityColumns(np.ascontiguousarray(columns["start"]), graph.domains)
        links = graph.links
        view = GraphView(
            graph.order,
            graph.assigned,
            self.merged,
            links.ends,
            links.threads,
            links.steps,
            activities,
            self._told,
            TABLE,
        )
        return candidate_lists(mine, view)

    def all_lists(self) -> Slots:
        """Returns the slots of all micro-clusters, in the order in which they began."""
        slots = self.graph.order.slots
        return slots[self.merged.size[slots] > 0]

    def labels(self) -> list[int]:
        """Returns the labels of all groups."""
        clusters = self.all_lists()
        found: list[int] = self.graph.table.columns["id"][clusters[self.merged.label[clusters] == clusters]].tolist()
        return found

    def _grow(self) -> None:
        """Grows the arrays to the size of the pair graph's; the new slots hold no micro-cluster."""
        slots, have = len(self.graph.sizes), len(self.merged.end)
        if slots > have:
            new = np.arange(have, slots, dtype=np.int32)
            more = [np.full_like(new, -1), np.zeros_like(new), np.zeros_like(new), new, new, new]
            parts = [np.concatenate((one, some)) for one, some in zip(self.merged[:6], more, strict=True)]
            end = np.concatenate((self.merged.end, np.zeros(len(new), dtype=np.int64)))
            self.merged = Merged(*(*parts, self.graph.sizes, end))
            self._marks = ChangeMarks(
                *(np.concatenate((one, np.zeros(len(new), dtype=np.uint8))) for one in self._marks)
            )
            self.pairs.grow(slots)

    def _score_pairs(self) -> None:
        """Scores the pairs of micro-clusters whose candidate lists may have changed. Those whose pairs changed are
        marked `todo`.
        """
        graph = self.graph
        ends = np.ascontiguousarray(graph.table.columns["end"])
        some = changed_clusters(graph.linked, self.merged, graph.marks, graph.unlinked, ends)
        lacking = (some > 0) & (self.merged.size > 0)
        clusters = np.flatnonzero(lacking).astype(np.int32)
        for domain, similarity in cluster_similarities(graph.model).items():
            found = self.candidate_lists(domain, clusters)
            if len(found.own):
                steps, scores = similarity.score(found)
                self._scored_pairs(found.own, found.counts, found.others, steps, scores)
                lacking[found.own] = False
        self._remove_pairs(np.flatnonzero(lacking).astype(np.int32))

    def _remove_pairs(self, clusters: Slots) -> None:
        """Removes all pairs of these micro-clusters."""
        nothing = np.zeros((0, len(CLUSTER_PAIR_FEATURES)), dtype=np.uint8)
        self._scored_pairs(clusters, np.zeros(len(clusters), dtype=np.int64), clusters[:0], nothing, clusters[:0])

    def _scored_pairs(self, own: Slots, counts: Integers, others: Slots, steps: Steps, scores: Integers) -> None:
        logits = np.clip(scores, LEAST, MOST).astype(np.int32)
        weights = np.frexp(self.merged.size[others].astype(np.float64))[1].astype(np.int32)  # a size's bits
        changed = own[self.pairs.put(own, counts, GivenPairs(others, logits, weights, steps)) > 0]
        self._marks.todo[changed], self.graph.marks.published[changed] = 1, 1

    def _merge(self) -> None:
        graph = self.graph
        overs = np.array([graph.model.joining[domain].merging for domain in DOMAINS], dtype=np.int64)[graph.domains]
        agglomerate(graph.linked, self.merged, self.pairs.arrays, self._apart, overs, TABLE, self._marks)

    def _keep_apart(self) -> None:
        """Works out which micro-clusters feedback keeps apart, where that may have changed. Marks `todo` those whose
        constraints changed, and those for which either side has moved.
        """
        graph, constraints = self.graph, self.graph.constraints
        if constraints is not self._constraints:
            pairs = [(first, other) for first, others in constraints.apart.items() for other in others]
            slots = graph.table.slots([one for pair in pairs for one in pair])
            self._constraints, self._constrained = constraints, slots.reshape(-1, 2)
        labels = graph.assigned.label[self._constrained].astype(np.int64)
        if not np.array_equal(labels, self._labels):
            before = (self._apart.one.astype(np.int64) << 32) | self._apart.other
            now = np.unique((labels[:, 0] << 32) | labels[:, 1])
            self._labels, self._apart = labels, KeptApart(now >> 32, now & 0xFFFFFFFF)
            self._marks.todo[np.setxor1d(before, now) >> 32] = 1
        moved = graph.marks.moved > 0
        self._marks.todo[self._apart.one[moved[self._apart.one] | moved[self._apart.other]]] = 1
