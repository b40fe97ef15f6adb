"""From clusters to the values that are said: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.board import Board
from processors.grouping.confidence import confidence
from processors.grouping.profile import KIND_NUMBERS
from processors.grouping.pruning import Members, outliers
from processors.grouping.similarity import NAMES
from schemas.groups import Because, Disposition, Group, Member
from schemas.values import Kind

REASONS = 3
MILLI = 1_000
"""Group features are in thousandths of a logit."""

Integers = npt.NDArray[np.int64]


class _Columns(msgspec.Struct, frozen=True, eq=False):
    """Members of some clusters side by side, each cluster's together; `parts` are summed over `links` links."""

    members: Members
    rows: npt.NDArray[np.void]
    parts: Integers
    links: Integers
    margin: Integers
    led: npt.NDArray[np.bool_]  # it joined by itself: neither began its group nor was tied into it


def shape(board: Board, labels: Iterable[int], hashes: Mapping[int, Member]) -> dict[int, list[Group]]:
    """The groups that each of these clusters makes: the cluster itself, and one for each of its outliers."""
    shaped: dict[int, list[Group]] = {label: [] for label in labels}
    ids = [activity for label in shaped for activity in board.clusters.get(label, ())]
    if not ids:
        return shaped
    columns = _columns(board, ids)
    pruned = outliers(columns.members, board.model.pruning)
    # An outlier sorts apart from its cluster, each by itself; else by cluster, and by id within it.
    apart = np.where(pruned, columns.members.ids, -1)
    order = np.lexsort((columns.members.ids, apart, columns.members.group))
    starts = np.flatnonzero(
        (np.diff(columns.members.group[order], prepend=-1) != 0) | (np.diff(apart[order], prepend=-2) != 0)
    )
    for label, group in _groups(board, columns, order, starts, pruned, hashes):
        shaped[label].append(group)
    return shaped


def _columns(board: Board, ids: list[int]) -> _Columns:
    placed = [board.placed[activity] for activity in ids]
    rows = board.rows_of(ids)
    _, number, sizes = np.unique([place.label for place in placed], return_inverse=True, return_counts=True)
    joined = np.array([place.joined for place in placed], dtype=np.int64)
    own = np.array(ids, dtype=np.int64)
    via = np.array([place.via for place in placed], dtype=np.int64)
    tied = np.fromiter(
        (len(board.constraints.bundle.get(board.constraints.first.get(i, i), ())) > 1 for i in ids), bool
    )
    windows = np.where(
        (rows["kind"] == KIND_NUMBERS[Kind.WINDOW]) & ~rows["point"], rows["end"] - rows["start"], np.int64(-1)
    )
    parts, links = _reasons(board, ids)
    rival = np.array([place.rival or 0 for place in placed], dtype=np.int64)
    members = Members(own, number, sizes[number], tied, windows, joined, via)
    return _Columns(members, rows, parts, links, joined - np.maximum(rival, 0), via != own)


def _reasons(board: Board, ids: list[int]) -> tuple[Integers, Integers]:
    """For each activity what the links into its own cluster sum up to, feature by feature, and how many they are."""
    parts, links = np.zeros((len(ids), len(NAMES)), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
    for number, activity in enumerate(ids):
        label, linked = board.placed[activity].label, board.links[activity]
        inside = [at for at, (other, _) in enumerate(linked.scores) if board.placed[other].label == label]
        if inside and label != activity:
            parts[number] = linked.parts[inside].sum(axis=0, dtype=np.int64)
            links[number] = len(inside)
    return parts, links


def _groups(
    board: Board,
    columns: _Columns,
    order: Integers,
    starts: Integers,
    pruned: npt.NDArray[np.bool_],
    hashes: Mapping[int, Member],
) -> Iterable[tuple[int, Group]]:
    members = columns.members
    ids, led = members.ids[order], columns.led[order]
    begins, ends = columns.rows["start"][order], columns.rows["end"][order]
    sizes = np.diff(starts, append=len(order))
    number = np.repeat(np.arange(len(starts)), sizes)
    captured = _covered(begins, ends, number, len(starts))
    joins = np.add.reduceat(led.astype(np.int64), starts)
    joined = members.joined[order]
    unsaid = np.int64(2**62)
    weakest = np.minimum.reduceat(np.where(led, joined, unsaid), starts)
    mean = np.add.reduceat(np.where(led, joined, 0), starts) // np.maximum(joins, 1)
    margin = np.minimum.reduceat(columns.margin[order], starts)
    links = np.add.reduceat(columns.links[order], starts)
    parts = np.add.reduceat(columns.parts[order], starts, axis=0) // np.maximum(links, 1)[:, None]
    tied = np.logical_or.reduceat(members.tied[order], starts)
    first, last = np.minimum.reduceat(begins, starts), np.maximum.reduceat(ends, starts)
    for at, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        known = bool(joins[at])
        sure = confidence(
            board.model.confidence,
            size,
            int(weakest[at]) // MILLI if known else None,
            int(mean[at]) // MILLI if known else None,
            int(margin[at]) // MILLI,
        )
        yield (
            board.placed[int(ids[start])].label,
            Group(
                members=tuple(hashes[activity] for activity in ids[start : start + size].tolist()),
                disposition=_disposition(
                    outlier=bool(pruned[order[start]]),
                    held=sure < board.model.confidence.shown_from and not tied[at],
                ),
                confidence=sure,
                started_at=int(first[at]),
                ended_at=int(last[at]),
                captured_us=int(captured[at]),
                model=board.model.version,
                why=_strongest(parts[at]) if links[at] else (),
            ),
        )


def _disposition(*, outlier: bool, held: bool) -> Disposition:
    if outlier:
        return Disposition.OUTLIER
    return Disposition.HELD if held else Disposition.WORK


def _strongest(parts: Integers) -> tuple[Because, ...]:
    """The features that speak most for the group, strongest first; the prior is no reason."""
    order = np.argsort(-parts[1:], kind="stable")[:REASONS] + 1
    return tuple(Because(NAMES[feature], int(parts[feature])) for feature in order.tolist() if parts[feature] > 0)


def _covered(begins: Integers, ends: Integers, number: Integers, groups: int) -> Integers:
    """For each group the measure of the union of its intervals.

    Sweeps all groups at once: within a group, by begin, each interval adds what reaches beyond the latest end so far.
    Ends take part as ranks, so that a running maximum can't leak from one group into the next.
    """
    order = np.lexsort((begins, number))
    begins, ends, number = begins[order], ends[order], number[order]
    sorted_ends, rank = np.unique(ends, return_inverse=True)
    reached = np.maximum.accumulate(number * len(sorted_ends) + rank)
    before = np.concatenate((begins[:1], sorted_ends[reached[:-1] - number[:-1] * len(sorted_ends)]))
    before = np.where(np.diff(number, prepend=-1) != 0, begins, before)
    added = np.maximum(ends - np.maximum(begins, before), 0)
    covered = np.zeros(groups, dtype=np.int64)
    np.add.at(covered, number, added)
    return covered
