"""From clusters to the values that are said: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.graph_arrays import Merged, Placed
from processors.grouping.clustering.micro_clusters import Strands
from processors.grouping.compiled import Integers, Slots, compiled
from processors.grouping.describe.description import KIND_NUMBERS
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.confidence import Signs, confidence
from processors.grouping.outcome.explanation import ASKED, Why, explain
from processors.grouping.outcome.group_measures import Measured, Measures, measure
from processors.grouping.outcome.pruning import Members, outliers
from processors.grouping.similarity.links import Ends, Threads
from schemas.groups import Disposition, Group, Member
from schemas.values import Kind

HOUR_US = 3_600_000_000
MILLI = 1_000
"""Group features are in thousandths of a logit."""

UNSAID = 2**62


class Times(msgspec.Struct, frozen=True):
    """From its first start to its last end, and the measure of what its members cover; microseconds."""

    started_at: int
    ended_at: int
    captured_us: int


class What(msgspec.Struct, frozen=True):
    """What a group's members are and say, see `confidence.Signs`."""

    talk: int
    size: int
    words: int
    told: int
    opening: int


class Shaped(msgspec.Struct, frozen=True):
    """A group as it came out of its cluster: its members' ids in order, and what it is judged by."""

    label: int
    ids: tuple[int, ...]
    signs: Signs
    why: Why
    times: Times
    tied: bool
    outlier: bool


class Clusters(NamedTuple):
    """Of some groups, as arrays: all members' slots, each group's by id and side by side, and how many each has; and
    what is known of each group as a whole (`UNSAID` where there is nothing to say), in millionths of a logit.

    `outside` is the least by which a member of another group preferred that to its second best, which is this one;
    `strands` how many strands it has, `merged` the least by which one joined, `preferred` the least by which one
    preferred it to its next best. `surest` are the strands that joined most surely, -1 where there are no more.
    """

    members: Slots
    counts: Integers
    outside: Integers
    strands: Integers
    merged: Integers
    preferred: Integers
    surest: Slots


def shape(strands: Strands, labels: Iterable[int], members: Mapping[int, Member]) -> dict[int, list[Group]]:
    """What each of these groups comes to: the group itself, and one for each of its outliers."""
    shaped: dict[int, list[Group]] = {label: [] for label in labels}
    for one in shapes(strands, shaped):
        shaped[one.label].append(_group(strands.board.model, one, tuple([members[activity] for activity in one.ids])))
    return shaped


def shapes(strands: Strands, labels: Iterable[int]) -> list[Shaped]:
    """The same, before anybody says how sure they are; labels of groups that are gone are passed over."""
    board, merged, placed = strands.board, strands.merged, strands.board.placed
    columns = board.table.columns
    there = [label for label in labels if label in board]
    slots = board.table.slots(there)
    groups = slots[(merged.label[slots] == slots) & (merged.size[slots] > 0)].astype(np.int32)
    if not len(groups):
        return []
    clusters = _clusters(groups, board.order.ids, placed, merged, board.edges.ends, board.edges.threads)
    members = _members(strands, clusters)
    pruned = outliers(members, board.model.pruning)
    order, starts = _side_by_side(members, pruned)
    slots, ids = clusters.members[order], members.ids[order]
    of, outlying = members.group[order[starts]], pruned[order[starts]]
    via = members.via[order]
    measures = measure(
        Measured(
            columns["start"][slots], columns["end"][slots], placed.joined[slots].astype(np.int64),
            placed.rival[slots].astype(np.int64), via != ids,
        ),
        starts,
    )  # fmt: skip
    why = explain(strands, slots, starts, np.where(outlying[:, None], np.int32(-1), clusters.surest[of]))
    tied = np.logical_or.reduceat(members.tied[order], starts).tolist()
    talk = columns["talk"][slots[starts]].astype(np.int64).tolist()
    words, told = (
        np.maximum.reduceat(board.table.of_contents(columns[slots], one), starts).tolist()
        for one in ("length", "weight")
    )
    opening = board.table.of_contents(columns[slots[starts]], "opening").tolist()
    listed, labelled = ids.tolist(), columns["id"][groups].tolist()
    alone = np.where(strands.tying.ties.many[groups] > 0, -merged.rival[groups].astype(np.int64), UNSAID)
    found = []
    for at, (start, end) in enumerate(pairwise([*starts.tolist(), len(listed)])):
        what, cluster = What(talk[at], end - start, words[at], told[at], opening[at]), int(of[at])
        found.append(
            Shaped(
                label=labelled[cluster],
                ids=tuple(listed[start:end]),
                signs=_signs(clusters, cluster, int(alone[cluster]), measures, at, what),
                why=why[at],
                times=Times(measures.started_at[at], measures.ended_at[at], measures.captured_us[at]),
                tied=tied[at],
                outlier=bool(outlying[at]),
            )
        )
    return found


@compiled
def _clusters(groups: Slots, ids: Integers, placed: Placed, merged: Merged, ends: Ends, threads: Threads) -> Clusters:
    members, counts = np.empty(len(placed.label), dtype=np.int32), np.zeros(len(groups), dtype=np.int64)
    outside, strands = np.full(len(groups), UNSAID), np.zeros(len(groups), dtype=np.int64)
    merges, preferred = np.full(len(groups), UNSAID), np.full(len(groups), UNSAID)
    surest = np.full((len(groups), ASKED), -1, dtype=np.int32)
    end = 0
    for number in range(len(groups)):
        group, begin = groups[number], end
        strand = group
        while True:
            strands[number] += 1
            if strand != group:
                joined, rival = int(merged.joined[strand]), int(merged.rival[strand])
                merges[number] = min(merges[number], joined)
                preferred[number] = min(preferred[number], joined - max(rival, 0))
                _keep_surest(surest[number], strand, merged.joined, ids)
            member = strand
            while True:
                members[end] = member
                end += 1
                edge = ends.into[member]
                while edge >= 0:
                    owner = threads.owner[edge]
                    second = placed.second[owner]
                    elsewhere = merged.label[placed.label[owner]] != group
                    if elsewhere and second != owner and merged.label[second] == group:
                        outside[number] = min(outside[number], int(placed.joined[owner]) - placed.rival[owner])
                    edge = threads.next[edge]
                member = placed.next[member]
                if member == strand:
                    break
            strand = merged.next[strand]
            if strand == group:
                break
        counts[number] = end - begin
        mine = members[begin:end].copy()
        members[begin:end] = mine[np.argsort(ids[mine])]
    return Clusters(members[:end].copy(), counts, outside, strands, merges, preferred, surest)


@compiled
def _keep_surest(surest: Slots, strand: int, joined: Slots, ids: Integers) -> None:
    """Puts a strand among those that joined most surely, of equals the one whose id is smaller, if it belongs there."""
    for at in range(len(surest)):
        other = surest[at]
        if (
            other < 0
            or joined[strand] > joined[other]
            or (joined[strand] == joined[other] and ids[strand] < ids[other])
        ):
            surest[at] = strand
            if other < 0:
                return
            strand = other


def _members(strands: Strands, clusters: Clusters) -> Members:
    """Of the members of these clusters."""
    board, placed, columns = strands.board, strands.board.placed, strands.board.table.columns
    slots = clusters.members
    rows, ids = columns[slots], columns["id"]
    timed = (rows["kind"] == KIND_NUMBERS[Kind.WINDOW]) & ~rows["point"]
    tied = np.zeros(len(slots), dtype=np.bool_)
    if board.constraints.first:
        tied = np.fromiter(map(board.constraints.ties, rows["id"].tolist()), dtype=np.bool_, count=len(slots))
    return Members(
        ids=rows["id"],
        group=np.repeat(np.arange(len(clusters.counts)), clusters.counts),
        size=np.repeat(clusters.counts, clusters.counts),
        tied=tied,
        window_us=np.where(timed, rows["end"] - rows["start"], np.int64(-1)),
        joined=placed.joined[slots].astype(np.int64),
        via=ids[placed.via[slots]],
    )


def _side_by_side(members: Members, pruned: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """The order in which members of a group lie side by side, by id, and each outlier by itself; where each begins."""
    apart = np.where(pruned, members.ids, -1)
    order = np.lexsort((apart, members.group))  # within a cluster they are by id already
    apart, group = apart[order], members.group[order]
    starts = np.concatenate(([0], np.flatnonzero((np.diff(group) != 0) | (np.diff(apart) != 0)) + 1))
    return order, starts


def _signs(clusters: Clusters, number: int, alone: int, of: Measures, at: int, what: What) -> Signs:
    joined = of.joins[at] > 0
    return Signs(
        talk=what.talk,
        size=what.size,
        hours=(of.ended_at[at] - of.started_at[at]) // HOUR_US,
        weakest=of.weakest[at] // MILLI if joined else None,
        mean=of.mean[at] // MILLI if joined else None,
        margin=of.margin[at] // MILLI,
        began=of.began[at] // MILLI if of.joins[at] < what.size else None,
        outside=_told(clusters.outside, number),
        strands=int(clusters.strands[number]),
        merged=_told(clusters.merged, number),
        preferred=_told(clusters.preferred, number),
        alone=None if alone == UNSAID else alone // MILLI,
        words=what.words,
        told=what.told,
        opening=what.opening,
    )


def _told(values: Integers, at: int) -> int | None:
    value = int(values[at])
    return None if value == UNSAID else value // MILLI


def _group(model: Model, of: Shaped, members: tuple[Member, ...]) -> Group:
    sure = confidence(model.confidence, of.signs)
    disposition = Disposition.WORK
    if of.outlier:
        disposition = Disposition.OUTLIER
    elif sure < model.confidence.shown_from and not of.tied:
        disposition = Disposition.HELD
    return Group(
        members=members,
        disposition=disposition,
        confidence=sure,
        started_at=of.times.started_at,
        ended_at=of.times.ended_at,
        captured_us=of.times.captured_us,
        model=model.version,
        why=of.why,
    )
