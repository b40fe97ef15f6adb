"""From clusters to the values that are said: pruned, measured, with a confidence and the strongest reasons."""

from collections.abc import Iterable, Mapping
from itertools import chain, pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.board import Board
from processors.grouping.confidence import Signs, confidence
from processors.grouping.explaining import Explainer, Rows, Why
from processors.grouping.measuring import Integers, Measures, measure
from processors.grouping.model import Model
from processors.grouping.profile import KIND_NUMBERS
from processors.grouping.pruning import Members, outliers
from processors.grouping.strands import Strands
from schemas.groups import Disposition, Group, Member
from schemas.values import Kind

HOUR_US = 3_600_000_000
MILLI = 1_000
"""Group features are in thousandths of a logit."""


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


def shape(
    strands: Strands, explainer: Explainer, labels: Iterable[int], members: Mapping[int, Member]
) -> dict[int, list[Group]]:
    """What each of these groups comes to: the group itself, and one for each of its outliers."""
    shaped: dict[int, list[Group]] = {label: [] for label in labels}
    for one in shapes(strands, explainer, shaped):
        shaped[one.label].append(_group(strands.board.model, one, tuple([members[activity] for activity in one.ids])))
    return shaped


def shapes(strands: Strands, explainer: Explainer, labels: Iterable[int]) -> list[Shaped]:
    """The same, before anybody says how sure they are."""
    board = strands.board
    named = []
    for label in labels:
        if label in strands.groups:
            named.append(label)
        else:
            explainer.forget(label)
    clusters = [strands.members(label) for label in named]
    if not clusters:
        return []
    rows = board.table.rows(chain.from_iterable(clusters))
    columns = _columns(board, clusters, rows)
    pruned = outliers(columns, board.model.pruning)
    order, starts = _side_by_side(columns, pruned)
    rows, ids = rows.take(order), columns.ids[order]
    of = [named[at] for at in columns.group[order[starts]].tolist()]
    outlying = pruned[order[starts]].tolist()
    measures, why = measure(rows, ids, starts), explainer.explain(rows, starts, of, outlying)
    talk = rows["talk"][starts].astype(np.int64).tolist()
    tied = np.logical_or.reduceat(columns.tied[order], starts).tolist()
    listed = ids.tolist()
    words, told = (
        np.maximum.reduceat(board.table.of_contents(rows, one), starts).tolist() for one in ("length", "weight")
    )
    opening = board.table.of_contents(rows, "opening")[starts].tolist()
    found = []
    for at, (start, end) in enumerate(pairwise([*starts.tolist(), len(listed)])):
        found.append(
            Shaped(
                label=of[at],
                ids=tuple(listed[start:end]),
                signs=_signs(
                    strands, of[at], measures, at, What(talk[at], end - start, words[at], told[at], opening[at])
                ),
                why=why[at],
                times=Times(measures.started_at[at], measures.ended_at[at], measures.captured_us[at]),
                tied=tied[at],
                outlier=outlying[at],
            )
        )
    return found


def _side_by_side(members: Members, pruned: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """The order in which members of a group lie side by side, by id, and each outlier by itself; where each begins."""
    apart = np.where(pruned, members.ids, -1)
    order = np.lexsort((apart, members.group))  # within a cluster they are by id already
    apart, group = apart[order], members.group[order]
    starts = np.concatenate(([0], np.flatnonzero((np.diff(group) != 0) | (np.diff(apart) != 0)) + 1))
    return order, starts


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


def _signs(strands: Strands, label: int, of: Measures, at: int, what: What) -> Signs:
    joined = of.joins[at] > 0
    board, mine = strands.board, strands.groups[label]
    near = {one for strand in mine for one in board.suitors.get(strand, ()) if board.labels[one] not in mine}
    suitors = board.table.rows(sorted(near))
    merged = [strands.placed[strand] for strand in mine if strand != label]
    return Signs(
        talk=what.talk,
        size=what.size,
        hours=(of.ended_at[at] - of.started_at[at]) // HOUR_US,
        weakest=of.weakest[at] // MILLI if joined else None,
        mean=of.mean[at] // MILLI if joined else None,
        margin=of.margin[at] // MILLI,
        began=of.began[at] // MILLI if of.joins[at] < what.size else None,
        outside=int((suitors["joined"] - suitors["rival"]).min()) // MILLI if len(suitors) else None,
        strands=len(mine),
        merged=min(one.joined for one in merged) // MILLI if merged else None,
        preferred=min(one.joined - max(one.rival, 0) for one in merged) // MILLI if merged else None,
        alone=-strands.placed[label].rival // MILLI if strands.ties[label].others else None,
        words=what.words,
        told=what.told,
        opening=what.opening,
    )


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
