"""From clusters to the values that are said: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping
from itertools import chain, pairwise

import numpy as np

from processors.grouping.board import Board
from processors.grouping.confidence import confidence
from processors.grouping.contents import Rows
from processors.grouping.measuring import Measures, measure
from processors.grouping.model import Model
from processors.grouping.profile import KIND_NUMBERS
from processors.grouping.pruning import Members, outliers
from processors.grouping.similarity import NAMES
from schemas.groups import Because, Disposition, Group, Member
from schemas.values import Kind

REASONS = 3
MILLI = 1_000
"""Group features are in thousandths of a logit."""


def shape(board: Board, labels: Iterable[int], members: Mapping[int, Member]) -> dict[int, list[Group]]:
    """The groups that each of these clusters makes: the cluster itself, and one for each of its outliers."""
    shaped: dict[int, list[Group]] = {label: [] for label in labels}
    clusters = [sorted(board.clusters[label]) for label in shaped if label in board.clusters]
    if not clusters:
        return shaped
    rows = board.table.rows(chain.from_iterable(clusters))
    columns = _columns(board, clusters, rows)
    pruned = outliers(columns, board.model.pruning)
    # An outlier sorts apart from its cluster, each by itself; within a cluster they are by id already.
    apart = np.where(pruned, columns.ids, -1)
    order = np.lexsort((apart, columns.group))
    ids, apart, group = columns.ids[order], apart[order], columns.group[order]
    starts = np.concatenate(([0], np.flatnonzero((group[1:] != group[:-1]) | (apart[1:] != apart[:-1])) + 1))
    measures = measure(rows.take(order), ids, starts)
    tied = np.logical_or.reduceat(columns.tied[order], starts).tolist()
    outlying = pruned[order[starts]].tolist()
    listed = ids.tolist()
    for at, (start, end) in enumerate(pairwise([*starts.tolist(), len(listed)])):
        named = tuple([members[activity] for activity in listed[start:end]])
        shaped[board.labels[listed[start]]].append(_group(board.model, named, measures, at, tied[at], outlying[at]))
    return shaped


def _columns(board: Board, clusters: list[list[int]], rows: Rows) -> Members:
    """Of the members of these clusters, whose rows are given in the same order."""
    sizes = np.array([len(cluster) for cluster in clusters])
    ids = list(chain.from_iterable(clusters))
    timed = (rows["kind"] == KIND_NUMBERS[Kind.WINDOW]) & ~rows["point"]
    tied = np.zeros(len(ids), dtype=np.bool_)
    if board.constraints.first:
        tied = np.fromiter(map(board.constraints.ties, ids), dtype=np.bool_, count=len(ids))
    return Members(
        ids=np.array(ids, dtype=np.int64),
        group=np.repeat(np.arange(len(sizes)), sizes),
        size=np.repeat(sizes, sizes),
        tied=tied,
        window_us=np.where(timed, rows["end"] - rows["start"], np.int64(-1)),
        joined=rows["joined"],
        via=rows["via"],
    )


def _group(model: Model, members: tuple[Member, ...], of: Measures, at: int, tied: bool, outlier: bool) -> Group:
    known = of.joins[at] > 0
    sure = confidence(
        model.confidence,
        size=len(members),
        weakest=of.weakest[at] // MILLI if known else None,
        mean=of.mean[at] // MILLI if known else None,
        margin=of.margin[at] // MILLI,
    )
    disposition = Disposition.WORK
    if outlier:
        disposition = Disposition.OUTLIER
    elif sure < model.confidence.shown_from and not tied:
        disposition = Disposition.HELD
    return Group(
        members=members,
        disposition=disposition,
        confidence=sure,
        started_at=of.started_at[at],
        ended_at=of.ended_at[at],
        captured_us=of.captured_us[at],
        model=model.version,
        why=_strongest(of.reasons[at]) if of.links[at] else (),
    )


def _strongest(reasons: list[int]) -> tuple[Because, ...]:
    """The features that speak most for the group, strongest first; the prior is no reason."""
    named = sorted(zip(reasons[1:], NAMES[1:], strict=True), key=lambda reason: -reason[0])
    return tuple(Because(name, value) for value, name in named[:REASONS] if value > 0)
