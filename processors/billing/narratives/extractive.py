"""The extractive narrative: the members' own words, computed on every change. It invents nothing and calls nothing.

An entry whose `narrative_id` is empty has this text; views mark it as extractive.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from processors.billing.narratives.wording import person, phrase
from schemas.billing import Matter, Slice, SlicePart
from schemas.values import Activity

MOST_CHARS = 400
MOST_PEOPLE = 4


def extractive(entry: Slice, activities: Mapping[int, Activity], matter: Matter | None = None) -> str:
    """What was done, strongest by time first, each thing once; then with whom.

    The matter is the entry's own; its number, where titles carry it, is left out.
    """
    members = [(part, activities[part.activity]) for part in entry.parts]
    sentences = [_things(members, f"[{matter.number}]" if matter else "")]
    if people := _people(members):
        sentences.append(f"With {people}.")
    return " ".join(sentences)


def _things(members: Iterable[tuple[SlicePart, Activity]], tag: str) -> str:
    """Each thing once. `tag` is the matter's number as titles carry it."""
    weights: dict[str, int] = defaultdict(int)
    written: dict[str, str] = {}
    for part, activity in sorted(members, key=lambda member: (member[1].started_at, member[1].id)):
        said = phrase(activity, tag)
        weights[said.casefold()] += part.allocated_us
        written.setdefault(said.casefold(), said)
    # sorted() is stable: what took equally long stays in the order in which it happened.
    strongest = [written[said] for said in sorted(weights, key=lambda said: -weights[said])]
    return _within(strongest)


def _within(things: list[str]) -> str:
    text, shown = things[0], 1
    while shown < len(things) and len(text) + len(things[shown]) + 2 <= MOST_CHARS:
        text += "; " + things[shown]
        shown += 1
    left = len(things) - shown
    return f"{text}; and {left} more." if left else _ended(text)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def _people(members: Iterable[tuple[SlicePart, Activity]]) -> str:
    weights: dict[str, int] = defaultdict(int)
    for part, activity in members:
        for name in activity.words.people:
            weights[person(name)] += part.allocated_us
    names = sorted((name for name in weights if name), key=lambda name: (-weights[name], name))
    left = len(names) - MOST_PEOPLE
    return ", ".join(names[:MOST_PEOPLE]) + (f" and {left} more" if left > 0 else "")
