"""The most costly mistakes: groups that join what belongs apart, and true groups that were split.

A mistake counts its wrong pairs of events, so the worst come first however many groups they involve.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

import msgspec

from processors.evaluation.comparison import Case
from processors.evaluation.measures import count_pairs
from processors.evaluation.rule_baselines import Grouping
from schemas.values import Activity


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


def wrong_merges(case: Case, grouping: Grouping) -> list[Mistake]:
    """The groups that hold events of several true groups, in no order."""
    ours = {id: grouping.get(id, id) for id in case.gold}
    return _mistakes(case.stream, ours, case.gold)


def wrong_splits(case: Case, grouping: Grouping) -> list[Mistake]:
    """The true groups that are spread over several groups, in no order."""
    ours = {id: grouping.get(id, id) for id in case.gold}
    return _mistakes(case.stream, case.gold, ours)


def worst_mistakes(mistakes: list[Mistake], limit: int) -> list[Mistake]:
    """The mistakes of most wrong pairs; of equals the ones of the first streams."""
    ranked = sorted(mistakes, key=lambda one: (-one.wrong_pairs, one.stream, one.pieces[0].ids))
    return ranked[:limit]


def _mistakes(stream: str, whole: Mapping[int, Hashable], parts: Mapping[int, Hashable]) -> list[Mistake]:
    pieces: dict[Hashable, dict[Hashable, list[int]]] = {}
    for id in sorted(whole):
        pieces.setdefault(whole[id], {}).setdefault(parts[id], []).append(id)
    found = []
    for name, of in pieces.items():
        if len(of) > 1:
            sizes = [len(ids) for ids in of.values()]
            ranked = sorted(of.items(), key=lambda item: (-len(item[1]), item[1]))
            wrong = count_pairs([sum(sizes)]) - count_pairs(sizes)
            found.append(Mistake(stream, name, wrong, tuple(Piece(part, tuple(ids)) for part, ids in ranked)))
    return found


MAX_TITLE_CHARS = 110


def activity_title(activity: Activity) -> str:
    """An activity's title for people: its title, else what else it has, after its actor."""
    words = activity.words
    files = words.files or ("(no words)",)
    said = words.title or words.text or words.url or activity.app or files[0]
    return shorten(f"{words.actor}: {said}" if words.actor else said)


def shorten(text: str) -> str:
    """A text on one line, cut to a bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TITLE_CHARS else f"{line[: MAX_TITLE_CHARS - 1]}…"


def count_titles(activities: Iterable[Activity]) -> tuple[str, ...]:
    """The titles of several activities, the most frequent first, with counts above 1."""
    counted = Counter(map(activity_title, activities))
    return tuple(f"{title} (×{times})" if times > 1 else title for title, times in counted.most_common())
