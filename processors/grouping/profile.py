"""What grouping reads of an activity but its times, worked out once: a row of numbers, and the tokens that it shares.

Texts are here as hashes of their normal form; 0 means that the activity hasn't got that. Two texts with one hash count
as equal: at 32 bits, and among the few that one person has open, that is rarer than a wrong link, and costs as little.
"""

import re
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.cleaning import TEXT_CHARS, clean_title, normal, words_of
from processors.grouping.embedding import DIMENSIONS, embed
from processors.grouping.model import Channel, Model
from schemas.values import Kind, Words

WORDS, SHARED = 16, 8
"""So many of the rarest words, and of files, folders and people those with the smallest hashes (which samples the same
ones from two long lists), stand for all.
"""

CONTENT = np.dtype(
    [
        ("talk", np.bool_),  # a line of somebody's in a conversation
        ("kind", np.uint8),  # 0 where it says nothing (other)
        ("app", np.uint32),
        ("title", np.uint32),
        ("page", np.uint32),
        ("host", np.uint32),
        ("actor", np.uint32),
        ("addressee", np.uint32),  # who a text speaks to, as in "ann: yes"
        ("names", np.uint32, 2),  # the first words of the actor's name
        ("words", np.uint32, WORDS),
        ("rarity", np.uint16, WORDS),  # of each word, thousandths
        ("weight", np.int64),  # the rarities' sum
        ("files", np.uint32, SHARED),
        ("folders", np.uint32, SHARED),
        ("people", np.uint32, SHARED),
        ("embedding", np.int8, DIMENSIONS),
        ("square", np.int64),  # the embedding's dot product with itself
    ],
    align=True,  # numpy copies what isn't, at each operation
)
"""What one or more activities say, about half a kilobyte."""

KIND_NUMBERS = {kind: number for number, kind in enumerate(Kind, 1)} | {Kind.OTHER: 0}
"""What stands for a kind in `CONTENT`."""

_CHANNELS = {channel: number << 32 for number, channel in enumerate(Channel)}
_ADDRESSEE = re.compile(r"^@?([^\s:,]{2,32})[:,](?=\s|$)")
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://")
_HINTS = 4
_TOKEN_WORDS, _TOKEN_FILES, _TOKEN_FOLDERS, _TOKEN_PEOPLE = 6, 4, 2, 3


class Profile(msgspec.Struct, frozen=True, eq=False):
    """`row` has dtype CONTENT and no dimension; `tokens` are (channel, what is shared) as numbers, without doubles."""

    row: npt.NDArray[np.void]
    tokens: tuple[int, ...]


def describe(words: Words, app: str, kind: Kind, model: Model) -> Profile:
    """The profile of all activities that say this: no time, client, matter or billing field takes part."""
    title = clean_title(words.title, app, model.apps)
    text = normal(words.text[:TEXT_CHARS])
    row = np.zeros((), dtype=CONTENT)
    row["talk"] = kind is Kind.MESSAGE or bool(words.actor and text and not title)
    row["kind"], row["app"] = KIND_NUMBERS[kind], _hash(normal(app))
    spelled = _spelled(row, title, f"{text} {_hints(words)}", model)
    _places(row, words)
    _people(row, words, text)
    vector = embed(spelled).astype(np.int64)
    row["embedding"], row["square"] = vector, vector @ vector
    return Profile(row, _tokens(row, model))


def channel_of(token: int) -> Channel:
    """The channel that a token belongs to."""
    return _BY_NUMBER[token >> 32]


_BY_NUMBER = tuple(Channel)
RECENT_TOKEN = _CHANNELS[Channel.RECENT]
"""The token that every activity has."""


def _hash(text: str) -> int:
    """A number that is never 0 for a text, and 0 for none."""
    return (crc32(text.encode("utf-8", "surrogatepass")) or 1) if text else 0


def _spelled(row: npt.NDArray[np.void], title: str, text: str, model: Model) -> str:
    """Puts the title and the rarest words into the row; returns the text without the words that say nothing."""
    titled = [word for word in words_of(title) if rarity(word, model) > 0]
    row["title"] = _hash(title) if titled else 0  # "Inbox" is the same everywhere, and no sign of the same work
    telling = titled + [word for word in words_of(text) if rarity(word, model) > 0]
    weighed = {word: min(rarity(word, model), 65_535) for word in telling}
    rarest = sorted(weighed, key=lambda word: (-weighed[word], -len(word), word))[:WORDS]
    row["words"][: len(rarest)] = [_hash(word) for word in rarest]
    row["rarity"][: len(rarest)] = [weighed[word] for word in rarest]
    row["weight"] = sum(weighed[word] for word in rarest)
    return " ".join(telling)


def _hints(words: Words) -> str:
    """What files and addresses say in words: names of files and of what they lie in, and of people's organisations."""
    places = ["/".join(file[-400:].replace("\\", "/").split("/")[-2:]) for file in words.files[:_HINTS]]
    domains = [person.rpartition("@")[2].partition(".")[0] for person in words.people[:_HINTS] if "@" in person]
    return normal(" ".join((*places, *domains)))


def rarity(word: str, model: Model) -> int:
    """How much sharing a word says, in thousandths; a counted one ("document2") says what it says uncounted."""
    known = model.rarity.get(word)
    if known is None:
        known = model.rarity.get(word.rstrip("0123456789"), model.rarity_else)
    return known


def _places(row: npt.NDArray[np.void], words: Words) -> None:
    page = _ADDRESS.sub("", normal(words.url[:2_000])).partition("#")[0].rstrip("/")
    row["page"], row["host"] = _hash(page), _hash(page.partition("/")[0])
    files = {normal(file[-400:]).replace("\\", "/") for file in words.files[:1_000]}
    _put(row["files"], files)
    _put(row["folders"], {file.rpartition("/")[0] for file in files})


def _people(row: npt.NDArray[np.void], words: Words, text: str) -> None:
    actor = normal(words.actor[:200])
    row["actor"] = _hash(actor)
    _put(row["people"], {actor, *(normal(person[:200]) for person in words.people[:1_000])})
    names = [word for word in words_of(actor) if len(word) > 2][:2]
    row["names"][: len(names)] = [_hash(name) for name in names]
    if row["talk"] and (spoken_to := _ADDRESSEE.match(text)):
        row["addressee"] = _hash(spoken_to.group(1))


def _put(column: npt.NDArray[np.uint32], texts: set[str]) -> None:
    smallest = sorted({_hash(text) for text in texts if text})[:SHARED]
    column[: len(smallest)] = smallest


def _tokens(row: npt.NDArray[np.void], model: Model) -> tuple[int, ...]:
    shared: dict[Channel, Iterable[Any]] = {
        Channel.TITLE: [row["title"]],
        Channel.PAGE: [row["page"]],
        Channel.FILE: row["files"][:_TOKEN_FILES],
        Channel.FOLDER: row["folders"][:_TOKEN_FOLDERS],
        Channel.ACTOR: [row["actor"], row["addressee"]],
        Channel.PERSON: row["people"][:_TOKEN_PEOPLE],
        Channel.WORD: row["words"][:_TOKEN_WORDS],
    }
    tokens = {
        _CHANNELS[channel] | int(text)
        for channel, texts in shared.items()
        if channel in model.reach
        for text in texts
        if text
    }
    if Channel.RECENT in model.reach:
        tokens.add(RECENT_TOKEN)
    return tuple(sorted(tokens))
