"""Which matter an activity belongs to: what the row claims, else what its words say without ambiguity, else none."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from schemas.billing import Directory, Matter
from schemas.values import Activity, Words

_TOKEN = re.compile(r"[^\W_]+")
_DOMAIN = re.compile(r"@([\w.-]+\w)")

SHORTEST_NUMBER = 4
"""Letters and digits that a matter number needs to be sought in words; "42" is in too many titles by chance."""

SHORTEST_ALIAS = 3

Phrase = tuple[str, ...]


class MatterBook(msgspec.Struct, frozen=True):
    """A firm's directory, indexed. Phrases are lower-case tokens, listed under their first token."""

    matters: Mapping[int, Matter]
    client_names: Mapping[int, str]
    numbers: Mapping[str, tuple[tuple[Phrase, int], ...]]
    aliases: Mapping[str, tuple[tuple[Phrase, int], ...]]
    domains: Mapping[str, frozenset[int]]

    def billable(self, matter: int | None) -> bool:
        """Unassigned work is billable until a person says otherwise: it must not fall under the table."""
        known = self.matters.get(matter) if matter is not None else None
        return known.billable if known else True


def matter_book(directory: Directory) -> MatterBook:
    """The directory, ready for look-ups. A domain means all matters of the clients that have it."""
    of_client: dict[int, set[int]] = defaultdict(set)
    numbers: list[tuple[Phrase, int]] = []
    aliases: list[tuple[Phrase, int]] = []
    for matter in directory.matters:
        of_client[matter.client].add(matter.id)
        numbers += _phrases([matter.number], matter.id, SHORTEST_NUMBER)
        aliases += _phrases(matter.aliases, matter.id, SHORTEST_ALIAS)
    domains: dict[str, set[int]] = defaultdict(set)
    for client in directory.clients:
        for domain in client.domains:
            domains[domain.lower().lstrip("@")] |= of_client[client.id]
    return MatterBook(
        matters={matter.id: matter for matter in directory.matters},
        client_names={client.id: client.name for client in directory.clients},
        numbers=_by_first(numbers),
        aliases=_by_first(aliases),
        domains={domain: frozenset(matters) for domain, matters in domains.items()},
    )


def matter_of(activity: Activity, book: MatterBook) -> int | None:
    """The matter, or None (unassigned).

    A number beats an alias, an alias beats a domain; where the strongest of them that is there at all points at several
    matters, weaker ones don't decide between them: it is ambiguous, and a person must say.
    """
    if activity.matter is not None:
        return activity.matter
    tokens = _tokens(_said(activity.words))
    for phrases in (book.numbers, book.aliases):
        if found := _found(tokens, phrases):
            return found.pop() if len(found) == 1 else None
    found = _by_domain(activity.words, book.domains)
    return found.pop() if len(found) == 1 else None


def _said(words: Words) -> str:
    return "\n".join((words.title, words.text, words.url, *words.files))


def _tokens(text: str) -> list[str]:
    return [token.lower() for token in _TOKEN.findall(text)]


def _phrases(names: Iterable[str], matter: int, shortest: int) -> list[tuple[Phrase, int]]:
    tokens = [tuple(_tokens(name)) for name in names]
    return [(phrase, matter) for phrase in tokens if sum(map(len, phrase)) >= shortest]


def _by_first(phrases: Iterable[tuple[Phrase, int]]) -> dict[str, tuple[tuple[Phrase, int], ...]]:
    firsts: dict[str, list[tuple[Phrase, int]]] = defaultdict(list)
    for phrase, matter in phrases:
        firsts[phrase[0]].append((phrase, matter))
    return {first: tuple(listed) for first, listed in firsts.items()}


def _found(tokens: list[str], phrases: Mapping[str, tuple[tuple[Phrase, int], ...]]) -> set[int]:
    return {
        matter
        for place, token in enumerate(tokens)
        for phrase, matter in phrases.get(token, ())
        if tuple(tokens[place : place + len(phrase)]) == phrase
    }


def _by_domain(words: Words, domains: Mapping[str, frozenset[int]]) -> set[int]:
    found: set[int] = set()
    for person in (*words.people, words.actor):
        for domain in _DOMAIN.findall(person.lower()):
            labels = domain.split(".")
            # A client's domain covers its subdomains, but "com" alone is nobody's.
            for first in range(len(labels) - 1):
                found |= domains.get(".".join(labels[first:]), frozenset())
    return found
