"""What words tell, counted over labelled activities: how rare each is, and how much it speaks for something new."""

from collections import Counter
from collections.abc import Iterable, Set
from itertools import chain
from math import log

import msgspec

from processors.grouping.describe.description import signs_of, told_in
from processors.training.labelled_streams import Labelled

LEAST_SEEN = 3
"""Activities that a word has to be in; a rarer one weighs as the unknown do."""

LEAST_PEOPLE = 3
"""People who have to have said a word or a sign, or all where there are fewer: a model that many use tells nobody what
one of them alone works on.
"""

MOST_WORDS = 20_000
RAREST = 1_500
"""What a word weighs that is nowhere else, in thousandths."""

LEAST_SIGNS, DOUBT = 10, 20.0
"""A sign has to be seen so often, and counts as if it had been seen that often more with the usual outcome."""


class Vocabulary(msgspec.Struct, frozen=True):
    """See `processors.grouping.model.grouping_model.Model`."""

    rarity: dict[str, int]
    rarity_else: int
    opening: dict[str, int]


def vocabulary(streams: Iterable[Labelled], apps: frozenset[str]) -> Vocabulary:
    """Of streams in the order of events."""
    seen, signs, opened = Counter[str](), Counter[str](), Counter[str]()
    said: dict[str, set[str]] = {}
    total = known = new = 0
    for stream in streams:
        gold, begun = stream.gold, set[object]()
        mine = said.setdefault(stream.person, set())
        for activity in stream.activities:
            told = told_in(activity.words, activity.app, apps)
            seen.update({*told.words, *told.spelled})
            mine.update(told.words, told.spelled)
            total += 1
            if activity.id in gold:
                found = signs_of(told)
                signs.update(found)
                mine.update(found)
                known += 1
                if gold[activity.id] not in begun:
                    begun.add(gold[activity.id])
                    opened.update(found)
                    new += 1
    people = Counter(chain.from_iterable(said.values()))
    many = min(LEAST_PEOPLE, len(said))
    shared = {one for one, count in people.items() if count >= many}
    return Vocabulary(_rarity(seen, total, shared), RAREST, _opening(signs, opened, new / max(known, 1), shared))


def _rarity(seen: Counter[str], total: int, shared: Set[str]) -> dict[str, int]:
    most = log(total + 1) if total else 1.0
    known = ((count, word) for word, count in seen.items() if count >= LEAST_SEEN and word in shared)
    kept = sorted(known, reverse=True)[:MOST_WORDS]
    return {
        word: round(RAREST * log((total + 1) / (count + 1)) / most)
        for count, word in sorted(kept, key=lambda one: one[1])
    }


def _opening(signs: Counter[str], opened: Counter[str], usual: float, shared: Set[str]) -> dict[str, int]:
    if not 0 < usual < 1:
        return {}
    odds = usual / (1 - usual)
    return {
        sign: round(1000 * log((opened[sign] + DOUBT * usual) / (count - opened[sign] + DOUBT * (1 - usual)) / odds))
        for sign, count in sorted(signs.items())
        if count >= LEAST_SIGNS and sign in shared
    }
