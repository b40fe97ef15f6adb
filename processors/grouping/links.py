"""An activity's links: the earlier ones that it was compared with and found alike, with the score of each."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt

from processors.grouping.candidates import Candidates, Place
from processors.grouping.features import features
from processors.grouping.model import Model
from processors.grouping.similarity import NAMES, logits, parts, steps
from processors.grouping.table import Table

CHUNK = 8_192
"""Pairs that are scored in one go; bounds memory, and has no part in the result."""

NO_REASONS = np.zeros(len(NAMES), dtype=np.int64)


class Links:
    """`others` in the order of events and their `scores`; `_steps` says compactly what each score is made of."""

    __slots__ = ("_steps", "others", "scores")

    def __init__(self, others: tuple[int, ...], scores: tuple[int, ...], steps: npt.NDArray[np.uint8]) -> None:
        self.others, self.scores, self._steps = others, scores, steps

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Links)
            and self.others == other.others
            and self.scores == other.scores
            and self._steps.tobytes() == other._steps.tobytes()
        )

    def reasons(self, model: Model, chosen: list[int]) -> npt.NDArray[np.int64]:
        """The contributions of the chosen links, summed by name (`similarity.NAMES`)."""
        if not chosen:
            return NO_REASONS
        summed: npt.NDArray[np.int64] = parts(model, self._steps[chosen]).sum(axis=0)
        return summed


NO_LINKS = Links((), (), np.zeros((0, len(NAMES)), dtype=np.uint8))


def link(model: Model, table: Table, candidates: Candidates, places: Iterable[Place]) -> Iterator[tuple[int, Links]]:
    """The links of each of these activities, in any order: what the model scores at its floor or above."""
    batch: list[tuple[int, list[int]]] = []
    gaps: list[int] = []
    for place in places:
        others = candidates.before(place)
        if not others:
            yield place[1], NO_LINKS
            continue
        batch.append((place[1], [other for _, other in others]))
        gaps += candidates.steps(place, others)
        if len(gaps) >= CHUNK:
            yield from _scored(model, table, batch, gaps)
            batch, gaps = [], []
    if batch:
        yield from _scored(model, table, batch, gaps)


def _scored(
    model: Model, table: Table, batch: list[tuple[int, list[int]]], gaps: list[int]
) -> Iterator[tuple[int, Links]]:
    pairs = table.pairs(
        earlier=chain.from_iterable(others for _, others in batch),
        later=(activity for activity, _ in batch),
        repeats=np.array([len(others) for _, others in batch]),
        steps=gaps,
    )
    found = steps(model, features(pairs))
    scores = logits(model, found)
    kept = scores >= model.joining.floor
    found, scored, mask = found[kept], scores[kept].tolist(), kept.tolist()
    at = begin = 0
    for activity, others in batch:
        linked = tuple([other for other, keep in zip(others, mask[at : at + len(others)], strict=True) if keep])
        at += len(others)
        if linked:
            end = begin + len(linked)
            yield activity, Links(linked, tuple(scored[begin:end]), found[begin:end].copy())
            begin = end
        else:
            yield activity, NO_LINKS
