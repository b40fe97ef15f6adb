"""Describes an activity apart from its times, once for each content: a row of numbers, and the tokens it is compared
by.

Texts are hashes of their normal form; 0 means that the activity hasn't got that text. Two texts with one hash count as
equal: at 32 bits, among the few that one person has open, that is rarer than a wrong link, and costs as little.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.describe.cleaning import TEXT_CHARS, TITLE_CHARS, clean_title, compound_parts, normal, words_of
from processors.grouping.describe.embedding import DIMENSIONS, embed
from processors.grouping.model.grouping_model import Channel, Model
from schemas.values import Kind, Words

WORDS, SHARED = 16, 8
"""So many of the rarest words, and of files, folders and people those with the smallest hashes (which samples the same
ones from two long lists), stand for all.
"""

BEGINNINGS = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Of how many characters beginnings of titles are compared."""

CALLED = 4
"""A line's first words but one, and its last, may be names."""

LEAST_RARITY = 700
"""A word that is in more texts (thousandths of `rarity`) isn't taken for a name."""

CONTENT = np.dtype(
    [
        ("talk", np.bool_),  # a line of somebody's in a conversation
        ("machine", np.bool_),  # one that tells of its own speaker, as in "ann has left"
        ("kind", np.uint8),  # 0 where it says nothing (other)
        ("app", np.uint32),
        ("title", np.uint32),
        ("beginnings", np.uint32, len(BEGINNINGS)),  # of the title; 0 where it is shorter
        ("length", np.uint16),  # words in title and text
        ("opening", np.int32),  # how much those speak for something new (`Model.opening`), thousandths of a logit
        ("page", np.uint32),
        ("host", np.uint32),
        ("actor", np.uint32),
        ("asks", np.bool_),  # a line with a question mark
        ("command", np.bool_),  # a line that asks a machine, as in "!help"
        ("addressee", np.uint32),  # who a line speaks to, as in "ann: yes"; of a machine's, the actor's new name
        ("called", np.uint32, CALLED),  # who else it may call by name, as in "thanks ann": its outer words, if rare
        ("names", np.uint32, 2),  # the first words of the actor's name
        ("words", np.uint32, WORDS),
        ("words_rarity", np.uint16, WORDS),  # of each, thousandths
        ("weight", np.int64),  # the rarities' sum
        ("spelled", np.uint32, WORDS),  # the rarest words that names of files are spelled with
        ("spelled_rarity", np.uint16, WORDS),
        ("listed", np.uint16),  # how many files
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
_RENAMED = re.compile(r" is now known as (\S{1,32})$")
_ROUND_NAMES = "@.,:;!?()<>\"'"
_MOST_RARITY = 65_535
_SPELLED_FILES, _HINTS, _OPENING_WORDS = 32, 4, 12
_TOKEN_WORDS, _TOKEN_SPELLED, _TOKEN_FILES, _TOKEN_FOLDERS, _TOKEN_PEOPLE = 6, 2, 4, 2, 3


Content = tuple[Words, str, Kind]
"""What activities say: words, application and kind."""


Row = dict[str, Any]
"""Some columns of CONTENT, by name; those with several elements as lists, from the left. The others are 0."""


class Descriptions(msgspec.Struct, frozen=True, eq=False):
    """`rows` have dtype CONTENT; `tokens` are (channel, shared thing) as numbers for each row, without duplicates."""

    rows: npt.NDArray[np.void]
    tokens: list[tuple[int, ...]]


class ContentWords(msgspec.Struct, frozen=True):
    """An activity's words: those of its cleaned `title`, of title and text, and those in its file names (`spelled`)."""

    title: str
    text: str
    titled: list[str]
    words: list[str]
    spelled: list[str]


def content_words(words: Words, app: str, apps: frozenset[str]) -> ContentWords:
    """The words of an activity, in order."""
    title, text = clean_title(words.title, app, apps), normal(words.text[:TEXT_CHARS])
    titled = compound_parts(words_of(title), words.title[:TITLE_CHARS])
    names = " ".join([file[-400:].replace("\\", "/").rpartition("/")[2] for file in words.files[:_SPELLED_FILES]])
    return ContentWords(
        title=title,
        text=text,
        titled=titled,
        words=titled + compound_parts(words_of(text), words.text[:TEXT_CHARS]),
        spelled=compound_parts(words_of(normal(names)), names) if names else [],
    )


def signs_of(told: ContentWords) -> set[str]:
    """Signs of something new: the first words, the very first (^), and a question (?)."""
    if not told.words:
        return set()
    asks = {"?"} if "?" in told.title or "?" in told.text else set()
    return {*told.words[:_OPENING_WORDS], f"^{told.words[0]}", *asks}


class WordWeights(dict[str, tuple[int, int, str, int]]):
    """Words as they are ranked, the rarest first: rarity (thousandths, negative), length, the word, and its hash.

    Each word is looked up once, because most come again.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, word: str) -> tuple[int, int, str, int]:
        found = self[word] = (-min(rarity(word, self._model), _MOST_RARITY), -len(word), word, _hash(word))
        return found

    def weigh(self, word: str) -> int:
        """How much sharing the word tells, in thousandths."""
        return -self[word][0]


def describe(said: Sequence[Content], model: Model) -> Descriptions:
    """Describes all activities with this content. No time, client, matter or billing field takes part."""
    weighed = WordWeights(model)
    described = [_describe(*one, model, weighed) for one in said]
    rows = _filled([row for row, _ in described])
    vectors = embed([text for _, text in described], model.embedding, weighed.weigh)
    rows["embedding"], wide = vectors, vectors.astype(np.int64)
    rows["square"] = (wide * wide).sum(axis=1)
    return Descriptions(rows, [_tokens(row, model) for row, _ in described])


def _filled(described: list[Row]) -> npt.NDArray[np.void]:
    """Fills column by column: writing to a row of many columns is expensive."""
    rows = np.zeros(len(described), dtype=CONTENT)
    for column in dict.fromkeys(chain.from_iterable(described)):
        if rows[column].ndim == 1:
            rows[column] = [row.get(column, 0) for row in described]
        else:
            lists = [row.get(column, ()) for row in described]
            counts = np.array([len(one) for one in lists])
            of = np.repeat(np.arange(len(lists)), counts)
            rows[column][of, np.arange(len(of)) - (np.cumsum(counts) - counts)[of]] = list(chain.from_iterable(lists))
    return rows


def _describe(words: Words, app: str, kind: Kind, model: Model, weighed: WordWeights) -> tuple[Row, str]:
    """Everything but the embedding, and the text to embed."""
    told, row = content_words(words, app, model.apps), Row()
    row["talk"] = kind is Kind.MESSAGE or bool(words.actor and told.text and not told.title)
    row["kind"], row["app"] = KIND_NUMBERS[kind], _hash(normal(app))
    row["length"] = len(told.words)
    if model.opening:
        opening = model.opening.get
        row["opening"] = sum([opening(sign, 0) for sign in signs_of(told)])
    if any([weighed[word][0] for word in told.titled]):  # "Inbox" is the same everywhere, no sign of the same work
        row["beginnings"], row["title"] = _beginnings(told.title)
    telling = [word for word in told.words + _domains(words) if weighed[word][0]]
    _put_rarest(row, "words", telling, weighed)
    row["weight"] = sum(row["words_rarity"])
    spelled = _put_rarest(row, "spelled", told.spelled, weighed)
    _places(row, words)
    _people(row, words, told.text, weighed)
    return row, " ".join(telling + spelled)


def _beginnings(title: str) -> tuple[list[int], int]:
    """The hashes of a title's beginnings and of all of it; each continues where the one before ended."""
    found, at, so_far = [], 0, 0
    for size in BEGINNINGS:
        if size > len(title):
            break
        so_far = crc32(title[at:size].encode("utf-8", "surrogatepass"), so_far)
        found.append(so_far or 1)
        at = size
    return found, crc32(title[at:].encode("utf-8", "surrogatepass"), so_far) or 1


def channel_of(token: int) -> Channel:
    """The channel that a token belongs to."""
    return _BY_NUMBER[token >> 32]


_BY_NUMBER = tuple(Channel)
RECENT_TOKEN = _CHANNELS[Channel.RECENT]
"""The token that every activity has."""

TALK_TOKEN = _CHANNELS[Channel.TALK]
"""The token that every line of talk has."""


def _hash(text: str) -> int:
    """A number that is never 0 for a text, and 0 for none."""
    return (crc32(text.encode("utf-8", "surrogatepass")) or 1) if text else 0


def _put_rarest(row: Row, column: str, words: list[str], weighed: WordWeights) -> list[str]:
    """Puts the rarest of these words, and how rare they are, and returns them."""
    ranked = sorted([weighed[word] for word in set(words)])[:WORDS]
    rarest = [one for one in ranked if one[0]]
    row[column] = [one[3] for one in rarest]
    row[f"{column}_rarity"] = [-one[0] for one in rarest]
    return [one[2] for one in rarest]


def _domains(words: Words) -> list[str]:
    """What addresses say in words: names of people's organisations."""
    if not words.people:
        return []
    domains = [person.rpartition("@")[2].partition(".")[0] for person in words.people[:_HINTS] if "@" in person]
    return words_of(normal(" ".join(domains)))


def rarity(word: str, model: Model) -> int:
    """How much sharing a word tells, in thousandths. A word with a number ("document2") counts without it."""
    known = model.rarity.get(word)
    if known is None:
        known = model.rarity.get(word.rstrip("0123456789"), model.rarity_else)
    return known


def _places(row: Row, words: Words) -> None:
    if words.url:
        page = _ADDRESS.sub("", normal(words.url[:2_000])).partition("#")[0].rstrip("/")
        row["page"], row["host"] = _hash(page), _hash(page.partition("/")[0])
    if words.files:
        files = {normal(file[-400:]).replace("\\", "/") for file in words.files[:1_000]}
        row["listed"] = len(files)
        row["files"], row["folders"] = _some(files), _some({file.rpartition("/")[0] for file in files})


def _people(row: Row, words: Words, text: str, weighed: WordWeights) -> None:
    if not (words.actor or words.people or row["talk"]):
        row["actor"], row["people"] = 0, []
        return
    actor = normal(words.actor[:200])
    row["actor"] = _hash(actor)
    row["people"] = _some({actor, *(normal(person[:200]) for person in words.people[:1_000])})
    row["names"] = [_hash(word) for word in words_of(actor) if len(word) > 2][:2]
    if not row["talk"]:
        return
    row["machine"] = bool(actor) and text.startswith(f"{actor} ")
    row["command"], row["asks"] = text.startswith("!"), "?" in text
    if spoken_to := (_RENAMED.search(text) if row["machine"] else _ADDRESSEE.match(text)):
        row["addressee"] = _hash(spoken_to.group(1))
    parts = text.split(" ")
    names = [part.strip(_ROUND_NAMES) for part in dict.fromkeys((*parts[: CALLED - 1], parts[-1]))]
    names = [name for name in names if len(name) > 1 and -weighed[name][0] >= LEAST_RARITY]
    row["called"] = [_hash(name) for name in names]


def _some(texts: set[str]) -> list[int]:
    return sorted({_hash(text) for text in texts if text})[:SHARED]


def _tokens(row: Row, model: Model) -> tuple[int, ...]:
    shared: dict[Channel, Iterable[int]] = {
        Channel.TITLE: (row.get("title", 0),),
        Channel.PAGE: (row.get("page", 0),),
        Channel.FILE: row.get("files", ())[:_TOKEN_FILES],
        Channel.FOLDER: row.get("folders", ())[:_TOKEN_FOLDERS],
        Channel.ACTOR: (row["actor"], row.get("addressee", 0)),
        Channel.PERSON: row["people"][:_TOKEN_PEOPLE],
        Channel.WORD: row["words"][:_TOKEN_WORDS] + row["spelled"][:_TOKEN_SPELLED],
    }
    tokens = {_CHANNELS[channel] | text for channel in model.reach for text in shared.get(channel, ()) if text}
    if Channel.RECENT in model.reach:
        tokens.add(RECENT_TOKEN)
    if row["talk"] and Channel.TALK in model.reach:
        tokens.add(TALK_TOKEN)
    return tuple(sorted(tokens))
