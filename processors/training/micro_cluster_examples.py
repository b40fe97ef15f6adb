"""Builds training lists of micro-clusters, from known groups and streams that the trees weren't learned from.

The true group of a micro-cluster is that of most of its activities. Right answers are all earlier micro-clusters of the
same true group; where there is none, to begin a group is right.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.evaluation.measures import SumsArray, contingency_sums
from processors.grouping.clustering.agglomeration import joined_groups
from processors.grouping.clustering.candidate_lists import CandidateLists
from processors.grouping.clustering.cluster_similarity import ClusterSimilarity
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.clustering.pair_graph import DOMAINS, PairGraph
from processors.grouping.compiled import Slots
from processors.grouping.model.grouping_model import Domain, Model
from processors.grouping.similarity.log_odds import LEAST, MOST
from processors.training.examples import Examples
from schemas.values import Activity

Gold = Mapping[int, Hashable]


class ClusteredStream(msgspec.Struct, frozen=True, eq=False):
    """The micro-clusters of a stream in one domain: that of each activity whose true group is known, their candidate
    lists (`candidate_lists.candidate_lists`), and the number of members of each.
    """

    gold: Gold
    labels: Mapping[int, int]
    lists: CandidateLists
    sizes: Slots


def cluster_stream(
    activities: Sequence[Activity], gold: Gold, model: Model, tried: Sequence[int]
) -> Iterator[dict[Domain, ClusteredStream]]:
    """Yields the micro-clusters of a stream for each threshold in `tried` (`ClusteringThresholds.over`)."""
    graph = PairGraph(model)
    graph.add([activity for activity in activities if not activity.excluded])
    for over in tried:
        joining = {domain: msgspec.structs.replace(one, over=over) for domain, one in model.joining.items()}
        graph.decide_by(msgspec.structs.replace(model, joining=joining, merging={}))
        clusters = MicroClusters(graph)
        clusters.settle()
        found, ids = {}, [id for id in gold if id in graph]
        domains, labels = (of[graph.table.slots(ids)].tolist() for of in (graph.domains, graph.assigned.label))
        for number, domain in enumerate(DOMAINS):
            known = {id: label for id, of, label in zip(ids, domains, labels, strict=True) if of == number}
            lists = clusters.candidate_lists(domain, clusters.all_lists())
            found[domain] = ClusteredStream({id: gold[id] for id in known}, known, lists, graph.sizes.copy())
        yield found


def examples_of(one: ClusteredStream) -> tuple[Examples, npt.NDArray[np.float64]]:
    """Returns the lists of micro-clusters whose true group is known, and the number of such activities in each."""
    counted: dict[int, Counter[Hashable]] = {}
    for activity, cluster in sorted(one.labels.items()):  # a tie goes to the true group of the smallest id
        counted.setdefault(cluster, Counter())[one.gold[activity]] += 1
    true = {cluster: counter.most_common(1)[0][0] for cluster, counter in counted.items()}
    taken: list[int] = []
    right: list[bool] = []
    counts: list[int] = []
    at, sizes = 0, list[int]()
    for own, others in _candidate_lists(one.lists):
        end = at + len(others)
        if own in true:
            known = [number for number, other in enumerate(others) if other in true]
            same = [true[others[number]] == true[own] for number in known]
            taken += [at + number for number in known] + [end]
            right += [*same, not any(same)]
            counts.append(len(known) + 1)
            sizes.append(counted[own].total())
        at = end + 1
    nowhere = np.full(len(taken), -1)
    found = Examples(
        rows=one.lists.rows[taken],
        right=np.array(right, dtype=np.bool_),
        stands=np.ones(len(taken), dtype=np.int64),
        counts=np.array(counts, dtype=np.int64),
        later=nowhere,
        earlier=nowhere,
    )
    return found, np.array(sizes, dtype=np.float64)


def _candidate_lists(lists: CandidateLists) -> Iterator[tuple[int, list[int]]]:
    """Yields each micro-cluster with its list."""
    others, at = lists.others.tolist(), 0
    for own, size in zip(lists.own.tolist(), lists.counts.tolist(), strict=True):
        yield own, others[at : at + size]
        at += size


def sums_of(one: ClusteredStream, similarity: ClusterSimilarity | None, merging: int) -> SumsArray:
    """Returns the contingency sums of a stream in one domain, with its micro-clusters joined by these trees over
    `merging`.
    """
    groups = np.arange(len(one.sizes), dtype=np.int32)
    if similarity is not None and len(one.lists.own):
        _, scores = similarity.score(one.lists)
        logits, lists = np.clip(scores, LEAST, MOST).astype(np.int32), one.lists
        groups = joined_groups(lists.own, lists.counts, lists.others, logits, one.sizes, merging, LEAST)
    return contingency_sums((true, int(groups[one.labels[id]])) for id, true in one.gold.items())
