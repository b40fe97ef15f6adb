"""An activity's links: the earlier ones that it was compared with and found alike, with the score of each."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from processors.grouping.features import FEATURES, MISSING, Matrix, features
from processors.grouping.model import Model, Regime
from processors.grouping.odds import odds
from processors.grouping.pairs import Integers, Pairs
from processors.grouping.similarity import Scale, classifiers
from processors.grouping.table import Table
from processors.grouping.trees import Steps

CHUNK = 65_536
"""Pairs that are scored in one go; bounds memory, and has no part in the result."""


class Links:
    """`others` in the order of events and the `odds` of each; `steps` (of FEATURES) say what each score is made of.

    Kept as bytes, and of the steps only those that `scale` has columns of: links are most of what is held of an
    activity.
    """

    __slots__ = ("_odds", "_others", "_steps", "scale")

    def __init__(self, others: bytes, odds: bytes, steps: bytes, scale: Scale) -> None:
        self._others, self._odds, self._steps, self.scale = others, odds, steps, scale

    @property
    def others(self) -> list[int]:
        """Their ids."""
        return memoryview(self._others).cast("q").tolist()

    @property
    def odds(self) -> list[int]:
        """In units of `odds.ONE`."""
        return memoryview(self._odds).cast("q").tolist()

    @property
    def steps(self) -> Steps:
        """One row a link."""
        rows = np.zeros((len(self._others) // 8, len(FEATURES)), dtype=np.uint8)
        columns = self.scale.columns
        rows[:, columns] = np.frombuffer(self._steps, dtype=np.uint8).reshape(len(rows), len(columns))
        return rows

    def packed(self, at: int) -> bytes:
        """The steps of one link that are kept."""
        width = len(self.scale.columns)
        return self._steps[at * width : (at + 1) * width]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Links)
            and self._others == other._others
            and self._odds == other._odds
            and self._steps == other._steps
        )


NO_LINKS = Links(b"", b"", b"", Scale([[] for _ in FEATURES]))


def side_by_side(every: Sequence[Links], features: Sequence[int]) -> tuple[Integers, Integers, Integers, Matrix]:
    """Of links one after the other: how many each has, their other ends, their odds, and what their steps tell of these
    features (`Scale.lows`).
    """
    others = np.frombuffer(b"".join([one._others for one in every]), dtype=np.int64)
    weights = np.frombuffer(b"".join([one._odds for one in every]), dtype=np.int64)
    counts = np.array([len(one._others) // 8 for one in every], dtype=np.int64)
    values = np.full((len(others), len(features)), MISSING, dtype=np.int32)
    kinds = np.array([id(one.scale) for one in every])
    for kind in set(kinds[counts > 0].tolist()):
        some = kinds == kind
        scale = next(one.scale for one in every if id(one.scale) == kind)
        columns = scale.columns.tolist()
        raw = b"".join([one._steps for one, taken in zip(every, some.tolist(), strict=True) if taken])
        steps = np.frombuffer(raw, dtype=np.uint8).reshape(-1, len(columns))
        places = slice(None) if some.all() else np.flatnonzero(np.repeat(some, counts))
        for at, feature in enumerate(features):
            if feature in columns:
                values[places, at] = scale.lows[feature][steps[:, columns.index(feature)]]
    return counts, others, weights, values


def steps_at(places: Sequence[tuple[Links, int]]) -> Steps:
    """The steps of one link of each of these, one row each."""
    found = np.zeros((len(places), len(FEATURES)), dtype=np.uint8)
    alike: dict[int, list[int]] = {}
    for number, (links, _) in enumerate(places):
        alike.setdefault(id(links.scale), []).append(number)
    for numbers in alike.values():
        some = [places[number] for number in numbers]
        raw = b"".join([links.packed(at) for links, at in some])
        found[np.array(numbers)[:, None], some[0][0].scale.columns] = np.frombuffer(raw, dtype=np.uint8).reshape(
            len(some), -1
        )
    return found


def link(model: Model, table: Table, pairs: Pairs) -> Iterator[tuple[int, Links]]:
    """The links of the activities that these lists are of, in any order: what the model scores at its floor or above.

    Who has an empty list has no links, and isn't named.
    """
    slots = table.slots(pairs.ids.tolist())
    talks = table.talks(slots[pairs.own])
    for regime, lists in ((Regime.TALK, talks), (Regime.WORK, ~talks)):
        for some in pairs.some(lists & (pairs.counts > 0)).chunks(CHUNK):
            yield from _scored(model, table, regime, some, slots)


def _scored(model: Model, table: Table, regime: Regime, pairs: Pairs, slots: Integers) -> Iterator[tuple[int, Links]]:
    classifier, floor = classifiers(model)[regime], model.joining[regime].floor
    lists = table.lists(pairs, slots)
    found = classifier.stepped(features(lists, classifier.asked))
    of = pairs.of
    scores = classifier.score(found, lists.which, of, floor)
    kept = np.flatnonzero(scores >= floor)
    ends = np.cumsum(np.bincount(of[kept], minlength=len(pairs.counts))).tolist()
    others, weights = pairs.ids[pairs.earlier[kept]].tobytes(), odds(scores[kept]).tobytes()
    columns = classifier.scale.columns
    steps, width = found.rows(kept, lists.which, of, columns).tobytes(), len(columns)
    for activity, (begin, end) in zip(pairs.ids[pairs.own].tolist(), pairwise([0, *ends]), strict=True):
        whole, rows = slice(8 * begin, 8 * end), slice(width * begin, width * end)
        yield activity, Links(others[whole], weights[whole], steps[rows], classifier.scale) if end > begin else NO_LINKS
