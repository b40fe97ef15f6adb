"""What there is to learn about strands: from groups that people know, and strands of streams that trees didn't see.

A strand's true group is that of most of its activities. It shall join any earlier strand of the same, or begin.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.evaluation.counting import Sums, count
from processors.grouping.clustering.agglomeration import joined
from processors.grouping.clustering.candidate_lists import Lists
from processors.grouping.clustering.cluster_similarity import Merger
from processors.grouping.clustering.micro_clusters import Strands
from processors.grouping.clustering.pair_graph import REGIMES, Board
from processors.grouping.compiled import Slots
from processors.grouping.model.grouping_model import Model, Regime
from processors.grouping.similarity.log_odds import LEAST, MOST
from processors.training.examples import Examples
from schemas.values import Activity

Gold = Mapping[int, Hashable]


class Strung(msgspec.Struct, frozen=True, eq=False):
    """A stream's strands of one regime: the strand of each activity whose true group is known, the lists of strands
    (`ties.lists`), and how many members each has.
    """

    gold: Gold
    labels: Mapping[int, int]
    lists: Lists
    sizes: Slots


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
        found, ids = {}, [id for id in gold if id in board]
        regimes, labels = (of[board.table.slots(ids)].tolist() for of in (board.regimes, board.placed.label))
        for number, regime in enumerate(REGIMES):
            known = {id: label for id, of, label in zip(ids, regimes, labels, strict=True) if of == number}
            lists = strands.pairings(regime, strands.every())
            found[regime] = Strung({id: gold[id] for id in known}, known, lists, board.sizes.copy())
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
    at, sizes = 0, list[int]()
    for own, others in _pairings(one.lists):
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


def _pairings(lists: Lists) -> Iterator[tuple[int, list[int]]]:
    """Each strand with its list."""
    others, at = lists.others.tolist(), 0
    for own, size in zip(lists.own.tolist(), lists.counts.tolist(), strict=True):
        yield own, others[at : at + size]
        at += size


def sums_of(one: Strung, merger: Merger | None, merging: int) -> Sums:
    """What comes of a stream of one regime by these trees, joined over `merging`."""
    groups = np.arange(len(one.sizes), dtype=np.int32)
    if merger is not None and len(one.lists.own):
        _, scores = merger.score(one.lists)
        logits, lists = np.clip(scores, LEAST, MOST).astype(np.int32), one.lists
        groups = joined(lists.own, lists.counts, lists.others, logits, one.sizes, merging, LEAST)
    return count((true, int(groups[one.labels[id]])) for id, true in one.gold.items())
