"""Counts words over labelled activities: how rare each is, and how much it indicates something new."""

from collections import Counter
from collections.abc import Iterable, Set
from itertools import chain
from math import log

import msgspec

from processors.grouping.describe.description import content_words, signs_of
from processors.training.labelled_streams import Labelled

LEAST_SEEN = 3
"""The number of activities in which a word has to occur; rarer words weigh as unknown ones do."""

LEAST_PEOPLE = 3
"""The number of people who have to use a word or a sign; all of them where there are fewer. A model that many people
use then reveals nothing that only one of them works on.
"""

MOST_WORDS = 20_000
RAREST = 1_500
"""The weight of a word that occurs nowhere else, in thousandths."""

LEAST_SIGNS, DOUBT = 10, 20.0
"""The least number of occurrences of a sign, and the number of occurrences with the usual outcome that are added to
them.
"""


class Vocabulary(msgspec.Struct, frozen=True):
    """See `processors.grouping.model.grouping_model.Model`."""

    rarity: dict[str, int]
    rarity_else: int
    opening: dict[str, int]


def vocabulary(streams: Iterable[Labelled], apps: frozenset[str]) -> Vocabulary:
    """Returns the vocabulary of streams whose activities are in the order of events."""
    view, signs, opened = Counter[str](), Counter[str](), Counter[str]()
    used: dict[str, set[str]] = {}
    total = known = new = 0
    for stream in streams:
        gold, begun = stream.gold, set[object]()
        mine = used.setdefault(stream.person, set())
        for activity in stream.activities:
            content = content_words(activity.words, activity.app, apps)
            view.update({*content.words, *content.spelled})
            mine.update(content.words, content.spelled)
            total += 1
            if activity.id in gold:
                found = signs_of(content)
                signs.update(found)
                mine.update(found)
                known += 1
                if gold[activity.id] not in begun:
                    begun.add(gold[activity.id])
                    opened.update(found)
                    new += 1
    people = Counter(chain.from_iterable(used.values()))
    many = min(LEAST_PEOPLE, len(used))
    shared = {one for one, count in people.items() if count >= many}
    return Vocabulary(_rarity(view, total, shared), RAREST, _opening(signs, opened, new / max(known, 1), shared))


def _rarity(view: Counter[str], total: int, shared: Set[str]) -> dict[str, int]:
    most = log(total + 1) if total else 1.0
    known = ((count, word) for word, count in view.items() if count >= LEAST_SEEN and word in shared)
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
