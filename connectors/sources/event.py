"""The one typed form that every source gives: an event, and what a person said about events of the same source."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from schemas.row_decoders import MAX_DURATION_US, BadRow, check_interval
from schemas.values import WORDS_MAX_BYTES, Kind, Words

APP_MAX = 255
"""Most characters of an application's name; the column `activity.app` is as wide."""


WINDOW = timedelta(days=400)
"""How far back recurring events are expanded by default: a year and a bit, so that last year's month is whole."""


class Event(msgspec.Struct, frozen=True):
    """One thing that somebody did, before it is anybody's activity.

    `id` is unique in its `stream`; `seq` orders events of one instant. `at` and `until` are microseconds since 1970 in
    UTC, `zone` is an IANA name. `matter`, `billable` and `excluded` are set only by an export of our own; true labels
    (group, client, matter, code) have no field here, so nothing can read them by mistake.
    """

    stream: str
    id: str
    seq: float
    at: int
    until: int | None
    zone: str
    kind: Kind
    app: str
    words: Words
    matter: int | None = None
    billable: bool | None = None
    excluded: bool = False


class Remark(msgspec.Struct, frozen=True):
    """What a person said about events of a stream: `together(left)`, `apart(left, right)`, `release(left)`, or
    `activation` of a model.

    `number` orders remarks of one kind: of contradicting ones the higher wins. `seen` belongs to a release; of an
    activation it is the model's version.
    """

    stream: str
    number: int
    verb: str
    left: tuple[str, ...]
    right: tuple[str, ...] = ()
    seen: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is told besides the path: what only a person can know of a file.

    `since` and `now` (aware): what has no end of its own (recurring events) is read in `[since, now)`; what is to come
    isn't activity. `zone`: that of times that name none. `columns`: of a table, by what they mean here. `day_first`:
    what 3/2/2026 means; None where that wasn't said.
    """

    since: datetime
    now: datetime
    zone: str = "UTC"
    columns: Mapping[str, str] = {}
    day_first: bool | None = None


class Notes:
    """What a reader left out or cut, counted by sentence, with the first place of each: said once, never silently.

    `place` is where the event stands that a reader gave last (a file and a line), for whoever finds fault with it.
    """

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self.place = ""

    def add(self, sentence: str, where: str = "") -> None:
        """Counts one case of `sentence`."""
        self._count[sentence] += 1
        self._first.setdefault(sentence, where)

    def read_as(self, zone: str, where: str) -> None:
        """Times that name no zone were read as UTC, because nobody said otherwise; who did knows it."""
        if zone == "UTC":
            self.add("times without a zone were read as UTC (--zone names another)", where)

    def lines(self) -> list[str]:
        """A line for each sentence, in order of first appearance: the sentence, how often, and where first."""
        return [self._line(sentence, count) for sentence, count in self._count.items()]

    def _line(self, sentence: str, count: int) -> str:
        first = self._first[sentence]
        if count == 1:
            return f"{sentence} ({first})" if first else sentence
        return f"{sentence} ({count} times{f', first: {first}' if first else ''})"


def check_times(at: int, until: int | None) -> None:
    """Raises ValueError, in the words of somebody who has a file and no table, where no activity can lie there."""
    try:
        check_interval(at, until)
    except BadRow as bad:
        if until is not None and until < at:
            raise ValueError("it ends before it begins") from bad
        if until is not None and until - at > MAX_DURATION_US:
            raise ValueError("it is longer than 400 days") from bad
        raise ValueError("it lies outside the years 1970 to 9998") from bad


def fit_words(words: Words) -> tuple[Words, bool]:
    """The words cut to what one activity may hold (64 KB as JSON), at character boundaries, and whether any was cut.

    The text goes first, then the last files, people, and at the very last url, actor and title.
    """
    if _size(words) <= WORDS_MAX_BYTES:
        return words, False
    for part in ("text", "files", "people", "url", "actor", "title"):
        words = _shortened(words, part)
        if _size(words) <= WORDS_MAX_BYTES:
            break
    return words, True


def _size(words: Words) -> int:
    return len(msgspec.json.encode(words))


def _shortened(words: Words, part: str) -> Words:
    """`words` with the longest prefix of one part that fits (by bisection), or without that part if none does."""
    whole = getattr(words, part)
    fits, too_long = 0, len(whole)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _size(msgspec.structs.replace(words, **{part: whole[:middle]})) <= WORDS_MAX_BYTES:
            fits = middle
        else:
            too_long = middle
    return msgspec.structs.replace(words, **{part: whole[:fits]})
