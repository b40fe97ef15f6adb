"""Computes the values of groups: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.graph_arrays import Assigned, Merged
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.describe.description import KIND_NUMBERS
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.confidence import ConfidenceFeatures, confidence
from processors.grouping.outcome.explanation import ASKED, Why, explain
from processors.grouping.outcome.group_measures import Measured, Measures, measure
from processors.grouping.outcome.pruning import Members, outliers
from processors.grouping.similarity.links import LinkArrays, LinkRows
from schemas.groups import Disposition, Group, Member
from schemas.values import Kind

HOUR_US = 3_600_000_000
MILLI = 1_000
"""Group features are in thousandths of a logit."""

NOT_PUBLISHED = 2**62


class Times(msgspec.Struct, frozen=True):
    """A group's first start, its last end, and the length of the union of its members' intervals; microseconds."""

    started_at: int
    ended_at: int
    captured_us: int


class ContentFigures(msgspec.Struct, frozen=True):
    """Figures of what a group's members are and contain; see `confidence.ConfidenceFeatures`."""

    talk: int
    size: int
    words: int
    told: int
    opening: int


class GroupFigures(msgspec.Struct, frozen=True):
    """A group before its confidence is computed: the ids of its members in order, and all that the published value
    follows from.
    """

    label: int
    ids: tuple[int, ...]
    signs: ConfidenceFeatures
    why: Why
    times: Times
    tied: bool
    outlier: bool


class Clusters(NamedTuple):
    """Groups as arrays. `members` are the slots of all members, side by side and by id within a group; `counts` is the
    number of each group's members. Figures of whole groups are log-odds in millionths, NOT_PUBLISHED where they don't
    apply.

    `outside` is the least by which a member of another group preferred that one to its second best, which is this
    group. `strands` is the number of micro-clusters, `merged` the least log-odds by which one joined, `preferred` the
    least by which one preferred the group to its next best. `surest` are the micro-clusters that joined by the greatest
    log-odds, -1 where there are no more.
    """

    members: Slots
    counts: Integers
    outside: Integers
    strands: Integers
    merged: Integers
    preferred: Integers
    surest: Slots


def values_of(clusters: MicroClusters, labels: Iterable[int], members: Mapping[int, Member]) -> dict[int, list[Group]]:
    """Returns the published values for each of these labels: the group itself, and a group of one for each of its
    outliers.
    """
    shaped: dict[int, list[Group]] = {label: [] for label in labels}
    for one in group_values(clusters, shaped):
        shaped[one.label].append(_group(clusters.graph.model, one, tuple([members[activity] for activity in one.ids])))
    return shaped


def group_values(micro_clusters: MicroClusters, labels: Iterable[int]) -> list[GroupFigures]:
    """Returns the same without confidences. Labels of groups that are gone are skipped."""
    graph, merged, assigned = micro_clusters.graph, micro_clusters.merged, micro_clusters.graph.assigned
    columns = graph.table.columns
    there = [label for label in labels if label in graph]
    slots = graph.table.slots(there)
    groups = slots[(merged.label[slots] == slots) & (merged.size[slots] > 0)].astype(np.int32)
    if not len(groups):
        return []
    clusters = _clusters(groups, graph.order.ids, assigned, merged, graph.links.ends, graph.links.threads)
    members = _members(micro_clusters, clusters)
    pruned = outliers(members, graph.model.pruning)
    order, starts = _side_by_side(members, pruned)
    slots, ids = clusters.members[order], members.ids[order]
    of, outlying = members.group[order[starts]], pruned[order[starts]]
    via = members.via[order]
    measures = measure(
        Measured(
            columns["start"][slots], columns["end"][slots], assigned.joined[slots].astype(np.int64),
            assigned.rival[slots].astype(np.int64), via != ids,
        ),
        starts,
    )  # fmt: skip
    why = explain(micro_clusters, slots, starts, np.where(outlying[:, None], np.int32(-1), clusters.surest[of]))
    tied = np.logical_or.reduceat(members.tied[order], starts).tolist()
    talk = columns["talk"][slots[starts]].astype(np.int64).tolist()
    words, rarities = (
        np.maximum.reduceat(graph.table.of_contents(columns[slots], one), starts).tolist()
        for one in ("length", "weight")
    )
    opening = graph.table.of_contents(columns[slots[starts]], "opening").tolist()
    listed, labelled = ids.tolist(), columns["id"][groups].tolist()
    alone = np.where(
        micro_clusters.pairs.arrays.many[groups] > 0, -merged.rival[groups].astype(np.int64), NOT_PUBLISHED
    )
    found = []
    for at, (start, end) in enumerate(pairwise([*starts.tolist(), len(listed)])):
        contents, cluster = ContentFigures(talk[at], end - start, words[at], rarities[at], opening[at]), int(of[at])
        found.append(
            GroupFigures(
                label=labelled[cluster],
                ids=tuple(listed[start:end]),
                signs=_signs(clusters, cluster, int(alone[cluster]), measures, at, contents),
                why=why[at],
                times=Times(measures.started_at[at], measures.ended_at[at], measures.captured_us[at]),
                tied=tied[at],
                outlier=bool(outlying[at]),
            )
        )
    return found


@compiled
def _clusters(
    groups: Slots, ids: Integers, assigned: Assigned, merged: Merged, ends: LinkRows, threads: LinkArrays
) -> Clusters:
    members, counts = np.empty(len(assigned.label), dtype=np.int32), np.zeros(len(groups), dtype=np.int64)
    outside, clusters = np.full(len(groups), NOT_PUBLISHED), np.zeros(len(groups), dtype=np.int64)
    merges, preferred = np.full(len(groups), NOT_PUBLISHED), np.full(len(groups), NOT_PUBLISHED)
    surest = np.full((len(groups), ASKED), -1, dtype=np.int32)
    end = 0
    for number in range(len(groups)):
        group, begin = groups[number], end
        cluster = group
        while True:
            clusters[number] += 1
            if cluster != group:
                joined, rival = int(merged.joined[cluster]), int(merged.rival[cluster])
                merges[number] = min(merges[number], joined)
                preferred[number] = min(preferred[number], joined - max(rival, 0))
                _keep_surest(surest[number], cluster, merged.joined, ids)
            member = cluster
            while True:
                members[end] = member
                end += 1
                link = ends.into[member]
                while link >= 0:
                    owner = threads.owner[link]
                    second = assigned.second[owner]
                    elsewhere = merged.label[assigned.label[owner]] != group
                    if elsewhere and second != owner and merged.label[second] == group:
                        outside[number] = min(outside[number], int(assigned.joined[owner]) - assigned.rival[owner])
                    link = threads.next[link]
                member = assigned.next[member]
                if member == cluster:
                    break
            cluster = merged.next[cluster]
            if cluster == group:
                break
        counts[number] = end - begin
        mine = members[begin:end].copy()
        members[begin:end] = mine[np.argsort(ids[mine])]
    return Clusters(members[:end].copy(), counts, outside, clusters, merges, preferred, surest)


@compiled
def _keep_surest(surest: Slots, cluster: int, joined: Slots, ids: Integers) -> None:
    """Inserts a micro-cluster into those that joined by the greatest log-odds, if it belongs there; of equals the one
    with the smaller id comes first.
    """
    for at in range(len(surest)):
        other = surest[at]
        if (
            other < 0
            or joined[cluster] > joined[other]
            or (joined[cluster] == joined[other] and ids[cluster] < ids[other])
        ):
            surest[at] = cluster
            if other < 0:
                return
            cluster = other


def _members(micro_clusters: MicroClusters, clusters: Clusters) -> Members:
    """Returns the columns that pruning needs for the members of these groups."""
    graph, assigned, columns = micro_clusters.graph, micro_clusters.graph.assigned, micro_clusters.graph.table.columns
    slots = clusters.members
    rows, ids = columns[slots], columns["id"]
    timed = (rows["kind"] == KIND_NUMBERS[Kind.WINDOW]) & ~rows["point"]
    tied = np.zeros(len(slots), dtype=np.bool_)
    if graph.constraints.first:
        tied = np.fromiter(map(graph.constraints.together_with, rows["id"].tolist()), dtype=np.bool_, count=len(slots))
    return Members(
        ids=rows["id"],
        group=np.repeat(np.arange(len(clusters.counts)), clusters.counts),
        size=np.repeat(clusters.counts, clusters.counts),
        tied=tied,
        window_us=np.where(timed, rows["end"] - rows["start"], np.int64(-1)),
        joined=assigned.joined[slots].astype(np.int64),
        via=ids[assigned.via[slots]],
    )


def _side_by_side(members: Members, pruned: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Returns the order in which the members of a group lie side by side, by id, with each outlier as a group of its
    own; and where each group begins.
    """
    apart = np.where(pruned, members.ids, -1)
    order = np.lexsort((apart, members.group))  # within a cluster they are by id already
    apart, group = apart[order], members.group[order]
    starts = np.concatenate(([0], np.flatnonzero((np.diff(group) != 0) | (np.diff(apart) != 0)) + 1))
    return order, starts


def _signs(
    clusters: Clusters, number: int, alone: int, measures: Measures, at: int, contents: ContentFigures
) -> ConfidenceFeatures:
    joined = measures.joins[at] > 0
    return ConfidenceFeatures(
        talk=contents.talk,
        size=contents.size,
        hours=(measures.ended_at[at] - measures.started_at[at]) // HOUR_US,
        weakest=measures.weakest[at] // MILLI if joined else None,
        mean=measures.mean[at] // MILLI if joined else None,
        margin=measures.margin[at] // MILLI,
        began=measures.began[at] // MILLI if measures.joins[at] < contents.size else None,
        outside=_told(clusters.outside, number),
        strands=int(clusters.strands[number]),
        merged=_told(clusters.merged, number),
        preferred=_told(clusters.preferred, number),
        alone=None if alone == NOT_PUBLISHED else alone // MILLI,
        words=contents.words,
        told=contents.told,
        opening=contents.opening,
    )


def _told(values: Integers, at: int) -> int | None:
    value = int(values[at])
    return None if value == NOT_PUBLISHED else value // MILLI


def _group(model: Model, figures: GroupFigures, members: tuple[Member, ...]) -> Group:
    probability = confidence(model.confidence, figures.signs)
    disposition = Disposition.WORK
    if figures.outlier:
        disposition = Disposition.OUTLIER
    elif probability < model.confidence.shown_from and not figures.tied:
        disposition = Disposition.HELD
    return Group(
        members=members,
        disposition=disposition,
        confidence=probability,
        started_at=figures.times.started_at,
        ended_at=figures.times.ended_at,
        captured_us=figures.times.captured_us,
        model=model.version,
        why=figures.why,
    )
