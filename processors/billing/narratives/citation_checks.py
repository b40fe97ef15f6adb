"""Checks that a narrative is supported by what it cites. An unsupported sentence is dropped; so is a narrative without
any left.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

import msgspec

from processors.billing.narratives.prompts import EntryMaterial, Material, Sentence

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_END = re.compile(r"[.!?:]\s*$")

NUMBER_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000,
}  # fmt: skip

_OPENINGS = """
accepted added addressed adjusted advised agreed amended analysed analyzed answered applied approved arranged
assembled assessed assisted attended audited began briefed built calculated called captured checked chose
clarified coded collated collected commented committed compared compiled completed composed computed conducted
conferred confirmed considered consulted contacted coordinated copied corrected corresponded created debugged
deployed described designed determined developed discussed distributed documented downloaded drafted drew edited
emailed enquired entered established estimated evaluated examined exchanged executed explained exported
extracted filed filled finalised finalized fixed followed formatted forwarded found gathered gave held
identified implemented imported improved indexed informed inserted inspected installed instructed integrated
introduced investigated issued joined left led listed logged looked made managed mapped marked measured merged
met migrated modified monitored moved negotiated noted obtained opened ordered organised organized outlined
participated performed phoned planned posted prepared presented processed produced proofread proposed provided
published put ran read received reconciled recorded redrafted refactored refined registered released removed
renamed replied reported represented requested researched resolved responded restructured revised reviewed
rewrote saved saw scanned scheduled searched sent set shared signed sorted sought specified spoke studied
submitted summarised summarized supervised telephoned tested took traced tracked transferred translated typed
updated uploaded used validated verified viewed visited worked wrote
"""
OPENINGS = frozenset(_OPENINGS.split())
"""The verbs that may open a sentence without being in what it cites. A closed list: going by endings, Fred is one."""


class Reason(StrEnum):
    """Why a sentence was dropped, without a word of it."""

    EMPTY = "empty"
    UNCITED = "uncited"
    STRANGER = "stranger"
    NUMBER = "number"
    NAME = "name"


class Refused(msgspec.Struct, frozen=True):
    """A dropped sentence, and why. `why` quotes it, so only `reason` may be logged."""

    sentence: Sentence
    reason: Reason
    why: str


class Checked(msgspec.Struct, frozen=True):
    """The supported sentences, and the dropped ones."""

    kept: tuple[Sentence, ...]
    refused: tuple[Refused, ...]

    @property
    def text(self) -> str:
        """The narrative; empty if no sentence is supported."""
        return " ".join(sentence.text.strip() for sentence in self.kept)


def check_narrative(sentences: Sequence[Sentence], entry: EntryMaterial, matter: str) -> Checked:
    """Keeps the sentences that cite activities of the entry and whose numbers and names are in what they cite.

    The matter's own name and the entry's day may be named by every sentence.
    """
    known = {activity.id: activity for activity in entry.activities}
    kept: list[Sentence] = []
    refused: list[Refused] = []
    for sentence in sentences:
        if objection := _objection(sentence, known, matter, entry.day):
            refused.append(Refused(sentence, *objection))
        else:
            kept.append(sentence)
    return Checked(tuple(kept), tuple(refused))


def _objection(sentence: Sentence, known: dict[int, Material], matter: str, day: date) -> tuple[Reason, str] | None:
    if not sentence.text.strip():
        return Reason.EMPTY, "it is empty"
    if not sentence.cites:
        return Reason.UNCITED, "it cites no activity"
    if strangers := [id for id in sentence.cites if id not in known]:
        return Reason.STRANGER, f"it cites {strangers[0]}, which is no activity of the entry"
    source = _source((known[id] for id in sentence.cites), matter)
    if invented := _numbers(sentence.text) - _numbers(f"{source} {day} {day.day} {day.year}"):
        return Reason.NUMBER, f"the number {min(invented)} is in nothing that it cites"
    if invented := _names(sentence.text) - _words(source) - _words(f"{day:%A %B}"):
        return Reason.NAME, f"the name {min(invented)} is in nothing that it cites"
    return None


def _source(cited: Iterable[Material], matter: str) -> str:
    parts = [matter]
    for one in cited:
        parts += [one.kind, one.title, one.text, one.app, *one.people, *one.files]
    return " ".join(parts)


def _numbers(text: str) -> set[str]:
    """Every run of digits, and number words as digits; "2026-0102" is itself and both of its parts."""
    found: set[str] = set()
    for run in _NUMBER.findall(text):
        found |= {run, *re.split(r"\D+", run)}
    return found | {str(NUMBER_WORDS[word]) for word in _words(text) if word in NUMBER_WORDS}


def _words(text: str) -> set[str]:
    """Words in lower case, each also without its possessive, and the parts of hyphenated ones."""
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        bare = re.sub(r"['’]s$", "", word)
        found |= {word, bare, *re.split(r"[-'’]", bare)}
    return found


def _names(text: str) -> set[str]:
    """Words that look like names: every word with a capital, except a verb that begins a sentence."""
    found: set[str] = set()
    for match in _WORD.finditer(text):
        word = match.group()
        opens = match.start() == 0 or _END.search(text[: match.start()]) is not None
        if not any(letter.isupper() for letter in word) or (opens and _opening(word)):
            continue
        found.add(re.sub(r"['’]s$", "", word).lower())
    return {name for name in found if name not in {"i", "a"}}


def _opening(word: str) -> bool:
    return word.lower() in OPENINGS
