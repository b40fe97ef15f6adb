"""Titles and words as grouping reads them: without what an application adds, and cut to a bounded length."""

import re
import unicodedata
from collections.abc import Set

TITLE_CHARS = 512
TEXT_CHARS = 2_000
WORDS_READ = 256
"""Most characters and words that are read of an activity: 64 KB of text cost no more than a page of it."""

_COUNTER = re.compile(r"^\s*[\(\[]\d{1,4}\+?[\)\]]\s*|\s*[\(\[]\d{1,4}\+?( unread| ungelesen)?[\)\]]\s*$")
_MARKS = re.compile(r"^[\s*●•◦·✱✳]+|[\s*●•◦·✱✳]+$")
_REPLY = re.compile(r"^\s*(re|aw|wg|fw|fwd|sv|antw|rif|tr)\s*(\[\d+\])?\s*:\s*", re.IGNORECASE)
_PARTS = re.compile(r"\s+[-–—|·]\s+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]*[^\W_A-Z][A-Z][^\W_]*")
_JOINTS = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINT = re.compile(r"[^\W_A-Z][A-Z]")


def normal(text: str) -> str:
    """One form for texts that look the same: compatibility characters folded, lower case, single spaces."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def clean_title(title: str, app: str, apps: Set[str]) -> str:
    """The title's own words, normal: no application's name, counter, unread mark, or "Re:" in front."""
    return _without_app(_without_marks(normal(title[:TITLE_CHARS])), normal(app), apps)


def _without_marks(title: str) -> str:
    if title[:1].isalnum() and title[-1:].isalnum() and ":" not in title:  # most have none of these
        return title
    before = None
    while before != title:
        before = title
        title = _REPLY.sub("", _COUNTER.sub("", _MARKS.sub("", title)))
    return title


def _without_app(title: str, app: str, apps: Set[str]) -> str:
    """A title that is nothing but the application's name says nothing, and becomes empty."""
    parts = _PARTS.split(title)
    while parts and _names_app(parts[-1], app, apps):
        parts.pop()
    return " - ".join(parts)


def _names_app(part: str, app: str, apps: Set[str]) -> bool:
    if part == app or part in apps:
        return True
    words = part.split(" ")
    return len(words) > 1 and any(letter.isdigit() for letter in words[-1]) and " ".join(words[:-1]) in apps


def words_of(text: str) -> list[str]:
    """The words of a normal text, in order, at most WORDS_READ; a lone letter is none."""
    return [word for word in _WORD.findall(text, 0, TEXT_CHARS)[:WORDS_READ] if len(word) > 1 or not word.isascii()]


def compound_parts(words: list[str], text: str) -> list[str]:
    """The words with those of them in parts that the text writes in parts: `entityLoader` are entity and loader."""
    if not _JOINT.search(text):
        return words
    compounds = {normal(one): words_of(normal(_JOINTS.sub(" ", one))) for one in _COMPOUND.findall(text)}
    return [part for word in words for part in compounds.get(word, (word,))]
