"""What a person wants kept out, applied before anything is written: applications, titles, addresses, and pauses.

A file of TOML:

    apps = ["KeePass*"]                         # globs, of any case
    titles = ["*private*", '/doctors? visit/']   # or a regular expression between slashes
    urls = ["bank.example", "https://*/health/*"]

    [[pause]]
    from = 2026-03-02T12:00:00+01:00
    until = 2026-03-02T13:00:00+01:00

An event that matches is gone; of one that reaches into a pause only the rest is left. What was there is counted in
events and minutes, never named.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from fnmatch import translate
from pathlib import Path
from typing import Any

import msgspec

from connectors.sources.event import Event
from connectors.sources.instants import iso, microseconds
from connectors.sources.intervals import Interval, joined, without
from schemas.errors import ConfigurationError

Matches = Callable[[str], object]

LISTS = ("apps", "titles", "urls")
LONGEST = 10_000
"""Characters of a text that rules look at: enough for any title, and an end for regular expressions that go astray."""


class Exclusions:
    """The rules and pauses of one person, with a count of what they excluded."""

    def __init__(
        self,
        apps: Sequence[Matches] = (),
        titles: Sequence[Matches] = (),
        urls: Sequence[Matches] = (),
        pauses: Sequence[Interval] = (),
    ) -> None:
        self._apps, self._titles, self._urls = apps, titles, urls
        self._pauses = joined(pauses)
        self.events = 0
        self._microseconds = 0

    def left_of(self, event: Event) -> Iterator[Event]:
        """The event, what is left of it outside pauses, or nothing."""
        until = event.at if event.until is None else event.until
        if self._excluded(event):
            self._count(until - event.at)
            return
        parts = list(without((event.at, until), self._pauses))
        gone = (until - event.at) - sum(end - begin for begin, end in parts)
        if gone or not parts:
            self._count(gone)
        for begin, end in parts:
            name = event.id if begin == event.at else f"{event.id}@{iso(begin)}"
            yield msgspec.structs.replace(event, id=name, at=begin, until=None if event.until is None else end)

    @property
    def minutes(self) -> float:
        """Minutes that were kept out, each event's own, overlaps counted twice."""
        return round(self._microseconds / 60_000_000, 1)

    def _count(self, lasted: int) -> None:
        self.events += 1
        self._microseconds += lasted

    def _excluded(self, event: Event) -> bool:
        words = event.words
        return (
            _any(self._apps, event.app) or _any(self._titles, words.title or words.text) or _any(self._urls, words.url)
        )


def read_exclusions(path: Path) -> Exclusions:
    """Reads the rules of a file. Raises ConfigurationError for a rule that can't be right, before anything is read."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"Exclusions: {path} can't be read ({why}). Nothing was imported.") from error
    if unknown := sorted(said.keys() - {*LISTS, "pause"}):
        raise ConfigurationError(f"Exclusions: {path} has {unknown[0]!r}; known are {', '.join(LISTS)} and [[pause]].")
    apps, titles, urls = ([_rule(path, name, one) for one in _texts(path, name, said)] for name in LISTS)
    pauses = said.get("pause", [])
    if not isinstance(pauses, list):
        raise ConfigurationError(f"Exclusions: {path}: a pause is written below [[pause]], with two brackets.")
    return Exclusions(apps, titles, urls, [_pause(path, one) for one in pauses])


def _texts(path: Path, name: str, said: dict[str, Any]) -> list[str]:
    given = said.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ConfigurationError(f'Exclusions: {path}: {name} must be a list of texts, such as {name} = ["*private*"].')
    return given


def _rule(path: Path, name: str, written: str) -> Matches:
    if len(written) > 2 and written.startswith("/") and written.endswith("/"):
        try:
            return re.compile(written[1:-1], re.IGNORECASE).search
        except re.error as error:
            raise ConfigurationError(
                f"Exclusions: {path}: {written} in {name} is no regular expression: {error}."
            ) from error
    if name == "urls" and not set(written) & set("*?[/"):
        return re.compile(
            rf"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?:[^/]*\.)?{re.escape(written)}(?::\d+)?(?:[/?#].*)?",
            re.IGNORECASE | re.DOTALL,
        ).fullmatch
    return re.compile(translate(written), re.IGNORECASE).match


def _pause(path: Path, said: Any) -> Interval:
    if not isinstance(said, dict) or said.keys() != {"from", "until"}:
        raise ConfigurationError(f"Exclusions: {path}: a [[pause]] has from and until, and nothing else.")
    moments = [said["from"], said["until"]]
    if not all(isinstance(one, datetime) and one.tzinfo for one in moments):
        raise ConfigurationError(
            f"Exclusions: {path}: a pause's from and until are times with an offset and without quotes, such as "
            "2026-03-02T12:00:00+01:00."
        )
    begin, end = map(microseconds, moments)
    if begin >= end:
        raise ConfigurationError(f"Exclusions: {path}: the pause from {said['from']} ends before it begins.")
    return begin, end


def _any(rules: Sequence[Matches], text: str) -> bool:
    return bool(text) and any(rule(text[:LONGEST]) for rule in rules)
