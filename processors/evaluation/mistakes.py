"""The mistakes that cost most: groups that put together what belongs apart, and true groups that were taken apart.

A mistake counts the pairs of events that it judges wrongly, so the worst come first however many groups they are of.
"""

from collections.abc import Hashable, Mapping

import msgspec

from processors.evaluation.comparison import Case
from processors.evaluation.counting import pairs_in
from processors.evaluation.rule_baselines import Grouping


class Piece(msgspec.Struct, frozen=True):
    """Events of a mistake that one side has together: what that side calls them, and their ids in order."""

    name: Hashable
    ids: tuple[int, ...]


class Mistake(msgspec.Struct, frozen=True):
    """A group of one side and the pieces that the other side makes of its judged events, the largest first.

    A wrong merge is a group of ours in true pieces, a wrong split a true group in pieces of ours.
    """

    stream: str
    name: Hashable
    wrong_pairs: int
    pieces: tuple[Piece, ...]


def merges(case: Case, grouping: Grouping) -> list[Mistake]:
    """The groups that hold events of several true groups, in no order."""
    ours = {id: grouping.get(id, id) for id in case.gold}
    return _mistakes(case.stream, ours, case.gold)


def splits(case: Case, grouping: Grouping) -> list[Mistake]:
    """The true groups that are spread over several groups, in no order."""
    ours = {id: grouping.get(id, id) for id in case.gold}
    return _mistakes(case.stream, case.gold, ours)


def worst(mistakes: list[Mistake], most: int) -> list[Mistake]:
    """The mistakes of most wrong pairs; of equals the ones of the first streams."""
    ranked = sorted(mistakes, key=lambda one: (-one.wrong_pairs, one.stream, one.pieces[0].ids))
    return ranked[:most]


def _mistakes(stream: str, whole: Mapping[int, Hashable], parts: Mapping[int, Hashable]) -> list[Mistake]:
    pieces: dict[Hashable, dict[Hashable, list[int]]] = {}
    for id in sorted(whole):
        pieces.setdefault(whole[id], {}).setdefault(parts[id], []).append(id)
    found = []
    for name, of in pieces.items():
        if len(of) > 1:
            sizes = [len(ids) for ids in of.values()]
            ranked = sorted(of.items(), key=lambda item: (-len(item[1]), item[1]))
            wrong = pairs_in([sum(sizes)]) - pairs_in(sizes)
            found.append(Mistake(stream, name, wrong, tuple(Piece(part, tuple(ids)) for part, ids in ranked)))
    return found
