"""The typed form that every source yields: events, and remarks (feedback, releases, activations) about them."""

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
    """One thing that a person did, before it is stored as an activity.

    `id` is unique in its `stream`; `seq` orders events of one instant. `at` and `until` are microseconds since 1970 in
    UTC, `zone` is an IANA name. `matter`, `billable` and `excluded` are set only by our own export; true labels (group,
    client, matter, code) have no field here, so nothing can read them by mistake.
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
    """Feedback, a release or an activation about events of a stream: `together(left)`, `apart(left, right)`,
    `release(left)`, or `activation` of a model.

    `number` orders remarks of one kind: of contradicting ones the higher wins. `seen` belongs to a release; for an
    activation it is the model's version.
    """

    stream: str
    number: int
    verb: str
    left: tuple[str, ...]
    right: tuple[str, ...] = ()
    seen: str = ""


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader can't find in the file itself.

    `since` and `now` (aware): recurring events without an end are read in `[since, now)`, because future events aren't
    activity. `zone`: the zone of times without one. `columns`: a table's columns by meaning. `day_first`: whether
    3/2/2026 is 3 February; None if that wasn't given.
    """

    since: datetime
    now: datetime
    zone: str = "UTC"
    columns: Mapping[str, str] = {}
    day_first: bool | None = None


class Notes:
    """What a reader left out or cut, counted by sentence, with the first place of each, so that nothing is dropped
    silently.

    `place` is where the last event stands (a file and a line), for errors that are found in it later.
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
        """Notes that times without a zone were read as UTC, unless a zone was given."""
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
    """Raises ValueError, in words for somebody who has a file and no table, if no activity can have these times."""
    try:
        check_interval(at, until)
    except BadRow as bad:
        if until is not None and until < at:
            raise ValueError("it ends before it begins") from bad
        if until is not None and until - at > MAX_DURATION_US:
            raise ValueError("it is longer than 400 days") from bad
        raise ValueError("it lies outside the years 1970 to 9998") from bad


def fit_words(words: Words) -> tuple[Words, bool]:
    """Returns the words cut to what one activity may hold (64 KB as JSON), at character boundaries, and whether it cut
    any.

    The text is cut first, then the last files and people, and at the very last url, actor and title.
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
