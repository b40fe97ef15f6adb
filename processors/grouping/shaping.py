"""From clusters to the values that are said: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from processors.grouping.board import Board
from processors.grouping.confidence import confidence
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
    ids = [activity for label in shaped for activity in board.clusters.get(label, ())]
    if not ids:
        return shaped
    columns = _columns(board, ids)
    pruned = outliers(columns, board.model.pruning)
    # An outlier sorts apart from its cluster, each by itself; else by cluster, and by id within it.
    apart = np.where(pruned, columns.ids, -1)
    order = np.lexsort((columns.ids, apart, columns.group))
    starts = np.flatnonzero((np.diff(columns.group[order], prepend=-1) != 0) | (np.diff(apart[order], prepend=-2) != 0))
    listed = columns.ids[order].tolist()
    sizes = np.diff(starts, append=len(order)).tolist()
    measures = measure(board.table.rows(listed), columns.ids[order], starts)
    tied = np.logical_or.reduceat(columns.tied[order], starts).tolist()
    outlying = pruned[order][starts].tolist()
    for at, (start, size) in enumerate(zip(starts.tolist(), sizes, strict=True)):
        named = tuple([members[activity] for activity in listed[start : start + size]])
        shaped[board.labels[listed[start]]].append(_group(board.model, named, measures, at, tied[at], outlying[at]))
    return shaped


def _columns(board: Board, ids: list[int]) -> Members:
    rows = board.table.rows(ids)
    _, number, sizes = np.unique(rows["label"], return_inverse=True, return_counts=True)
    timed = (rows["kind"] == KIND_NUMBERS[Kind.WINDOW]) & ~rows["point"]
    tied = board.constraints.ties
    return Members(
        ids=np.array(ids, dtype=np.int64),
        group=number,
        size=sizes[number],
        tied=np.fromiter(map(tied, ids), dtype=np.bool_, count=len(ids)),
        window_us=np.where(timed, rows["end"] - rows["start"], np.int64(-1)),
        joined=rows["joined"],
        via=rows["via"],
    )


def _group(model: Model, members: tuple[Member, ...], of: Measures, at: int, tied: bool, outlier: bool) -> Group:
    known = bool(of.joins[at])
    sure = confidence(
        model.confidence,
        size=len(members),
        weakest=int(of.weakest[at]) // MILLI if known else None,
        mean=int(of.mean[at]) // MILLI if known else None,
        margin=int(of.margin[at]) // MILLI,
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
        started_at=int(of.started_at[at]),
        ended_at=int(of.ended_at[at]),
        captured_us=int(of.captured_us[at]),
        model=model.version,
        why=_strongest(of.reasons[at]) if of.links[at] else (),
    )


def _strongest(reasons: npt.NDArray[np.int64]) -> tuple[Because, ...]:
    """The features that speak most for the group, strongest first; the prior is no reason."""
    named = sorted(zip(reasons[1:].tolist(), NAMES[1:], strict=True), key=lambda reason: -reason[0])
    return tuple(Because(name, value) for value, name in named[:REASONS] if value > 0)
