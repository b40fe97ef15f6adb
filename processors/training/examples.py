"""Turns labelled activities into training lists: each activity with its earlier candidates, and which are right.

Any earlier member of the same true group is a right answer; where there is none, "something new" is. Earlier candidates
without a known group are left out of the lists, but count when features are computed.

A line of talk has a hundred candidates, most of them long before it. Of wrong ones more than NEAR steps back every
fourth is kept, with the weight of four.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.candidates.blocking import Candidates
from processors.grouping.candidates.candidate_pairs import Pairs
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.features.pair_features import FEATURES, MISSING, OWNED, PAIRED, Features, features
from processors.grouping.model.grouping_model import Domain, Model
from schemas.values import Activity

CHUNK = 20_000
NEAR, EVERY = 20, 4

Gold = Mapping[int, object]
Matrix = npt.NDArray[np.int32]


class Examples(msgspec.Struct, frozen=True, eq=False):
    """Training lists side by side, of `counts` rows each: the pairs in the order of events, and last "something new".

    `rows` has the columns FEATURES. `right` marks right answers, `stands` is the number of rows that a row stands for.
    `later` and `earlier` are ids; `earlier` is -1 for "something new".
    """

    rows: Matrix
    right: npt.NDArray[np.bool_]
    stands: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    later: npt.NDArray[np.int64]
    earlier: npt.NDArray[np.int64]

    def some(self, lists: npt.NDArray[np.bool_]) -> "Examples":
        """Returns only these lists."""
        rows = np.repeat(lists, self.counts)
        return Examples(
            rows=self.rows[rows],
            right=self.right[rows],
            stands=self.stands[rows],
            counts=self.counts[lists],
            later=self.later[rows],
            earlier=self.earlier[rows],
        )


def examples(activities: Sequence[Activity], gold: Gold, model: Model, domain: Domain) -> Examples:
    """Returns the training lists of one stream in one domain."""
    table, candidates = ActivityTable(model), Candidates(model)
    for activity, tokens in zip(activities, table.add(activities), strict=True):
        candidates.add((activity.started_at, activity.id), tokens)
    wanted = [(one.started_at, one.id) for one in activities if one.id in gold]
    pairs = candidates.pairs(wanted)
    slots = table.slots(pairs.ids.tolist())
    mine = (table.talks(slots[pairs.own]) == (domain is Domain.TALK)) & (pairs.counts > 0)
    parts = [_part(table, some, slots, gold, domain) for some in pairs.some(mine).chunks(CHUNK)]
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Examples(
            rows=np.zeros((0, len(FEATURES)), np.int32),
            right=nothing.astype(np.bool_),
            stands=nothing,
            counts=nothing,
            later=nothing,
            earlier=nothing,
        )
    return joined(parts)


def joined(parts: Sequence[Examples]) -> Examples:
    """Concatenates these training lists."""
    return Examples(*(np.concatenate([getattr(one, name) for one in parts]) for name in Examples.__struct_fields__))


def _part(table: ActivityTable, pairs: Pairs, slots: npt.NDArray[np.int64], gold: Gold, domain: Domain) -> Examples:
    own, earlier, counts, of = pairs.ids[pairs.own], pairs.ids[pairs.earlier], pairs.counts, pairs.of
    lists = table.lists(pairs, slots)
    known = np.array([other in gold for other in earlier.tolist()])
    same = np.array(
        [
            known and gold[other] == gold[later]
            for known, other, later in zip(known, earlier.tolist(), own[of].tolist(), strict=True)
        ]
    )
    far = ~same & (pairs.steps > NEAR) & (domain is Domain.TALK)
    kept = known & (~far | ((earlier + own[of]) % EVERY == 0))
    columns = _pair_rows(features(lists), lists.which, of)
    rows, order = _with_new(columns[kept], columns, of, kept, counts)
    none_right = np.bincount(of[same], minlength=len(counts)) == 0
    one = np.ones(len(counts), dtype=np.int64)
    return Examples(
        rows=rows,
        right=np.concatenate((same[kept], none_right))[order],
        stands=np.concatenate((np.where(far[kept], EVERY, 1), one))[order],
        counts=np.bincount(of[kept], minlength=len(counts)) + 1,
        later=np.concatenate((own[of[kept]], own))[order],
        earlier=np.concatenate((earlier[kept], -one))[order],
    )


def _pair_rows(found: Features, which: npt.NDArray[np.int64], of: npt.NDArray[np.int64]) -> Matrix:
    return np.concatenate((found.pairs, found.contents[which], found.own[of]), axis=1)


def _with_new(
    rows: Matrix, pairs: Matrix, of: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]
) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Returns the rows with a row for "something new" after each list's pairs. It has the features that all pairs of
    the list share; all others are missing.
    """
    new = np.full((len(counts), len(FEATURES)), MISSING, dtype=np.int32)
    new[:, -len(OWNED) :] = pairs[np.cumsum(counts) - 1, -len(OWNED) :]
    order = np.argsort(np.concatenate((of[kept], np.arange(len(counts)))), kind="stable")
    return np.concatenate((rows, new))[order], order


assert FEATURES[: len(PAIRED)] == PAIRED
