"""What there is to learn about strands: from groups that people know, and strands of streams that trees didn't see.

A strand's true group is that of most of its activities. It shall join any earlier strand of the same, or begin.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.evaluation.counting import Sums, count
from processors.grouping.board import Board
from processors.grouping.clustering import merge
from processors.grouping.merging import Merger
from processors.grouping.model import Model, Regime
from processors.grouping.odds import LEAST, MOST
from processors.grouping.strands import Strands
from processors.grouping.ties import Matrix, Pairing, features
from processors.training.examples import Examples
from schemas.values import Activity

Gold = Mapping[int, Hashable]


class Strung(msgspec.Struct, frozen=True, eq=False):
    """A stream's strands of one regime: the strand of each activity whose true group is known, the pairs of strands,
    what they have in common (`ties.features`), and the strands' sizes.
    """

    gold: Gold
    labels: Mapping[int, int]
    pairings: Sequence[Pairing]
    rows: Matrix
    sizes: Mapping[int, int]


def strung(
    activities: Sequence[Activity], gold: Gold, model: Model, tried: Sequence[int]
) -> Iterator[dict[Regime, Strung]]:
    """A stream's strands for each of the thresholds that are tried (`Joining.over`)."""
    board = Board(model)
    board.put([activity for activity in activities if not activity.excluded])
    for over in tried:
        joining = {regime: msgspec.structs.replace(one, over=over) for regime, one in model.joining.items()}
        board.decide_by(msgspec.structs.replace(model, joining=joining, merging={}))
        strands = Strands(board)
        strands.settle()
        found, sizes = {}, {strand: len(members) for strand, members in board.clusters.items()}
        for regime in Regime:
            known = {id: board.labels[id] for id in gold if id in board.labels and board.table.regime(id) is regime}
            pairings = strands.pairings(regime, board.clusters)
            rows = features(pairings) if pairings else np.zeros((0, 0), dtype=np.int32)
            found[regime] = Strung({id: gold[id] for id in known}, known, pairings, rows, sizes)
        yield found


def lessons_of(one: Strung) -> tuple[Examples, npt.NDArray[np.float64]]:
    """The lists of strands whose true group is known, and how many such activities each has."""
    counted: dict[int, Counter[Hashable]] = {}
    for activity, strand in sorted(one.labels.items()):  # of equals the true group of the smallest id counts
        counted.setdefault(strand, Counter())[one.gold[activity]] += 1
    true = {strand: counter.most_common(1)[0][0] for strand, counter in counted.items()}
    taken: list[int] = []
    right: list[bool] = []
    counts: list[int] = []
    at = 0
    for pairing in one.pairings:
        end = at + len(pairing.others)
        if pairing.own in true:
            mine = true[pairing.own]
            known = [number for number, other in enumerate(pairing.others) if other in true]
            same = [true[pairing.others[number]] == mine for number in known]
            taken += [at + number for number in known] + [end]
            right += [*same, not any(same)]
            counts.append(len(known) + 1)
        at = end + 1
    sizes = [counted[pairing.own].total() for pairing in one.pairings if pairing.own in true]
    nowhere = np.full(len(taken), -1)
    found = Examples(
        rows=one.rows[taken],
        right=np.array(right, dtype=np.bool_),
        stands=np.ones(len(taken), dtype=np.int64),
        counts=np.array(counts, dtype=np.int64),
        later=nowhere,
        earlier=nowhere,
    )
    return found, np.array(sizes, dtype=np.float64)


def sums_of(one: Strung, merger: Merger | None, merging: int) -> Sums:
    """What comes of a stream of one regime by these trees, joined over `merging`."""
    groups = _joined(one, merger, merging)
    return count((true, groups[one.labels[id]]) for id, true in one.gold.items())


def _joined(one: Strung, merger: Merger | None, merging: int) -> dict[int, int]:
    """The group of each strand."""
    groups = {
        strand: strand
        for strand in (*one.labels.values(), *(other for pairing in one.pairings for other in pairing.others))
    }
    if merger is None or not one.pairings:
        return groups
    _, scores = merger.score(one.rows, one.pairings)
    logits, at = np.clip(scores, LEAST, MOST).tolist(), 0
    for pairing in one.pairings:
        end = at + len(pairing.others)
        labels = [groups[other] for other in pairing.others]
        weights = [one.sizes[other].bit_length() for other in pairing.others]
        groups[pairing.own] = merge(pairing.own, pairing.others, labels, logits[at:end], weights, merging).label
        at = end
    return groups
