"""Whatever happens to a file, it is read or refused with its path: no other exception leaves a reader."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.sources.detect import read
from connectors.sources.event import Event, Notes, ReadOptions
from connectors.sources.local_times import shown_order, when
from connectors.sources.numbering import Once
from schemas.errors import SourceError
from schemas.row_decoders import check_interval, known_zones
from schemas.values import WORDS_MAX_BYTES

GOLDEN = Path(__file__).parents[1] / "golden" / "sources"
FILES = ("events.jsonl", "week.ics", "tracker.csv", "notes.md", "activitywatch.json")
ASKED = ReadOptions(since=datetime(2025, 11, 1, tzinfo=UTC), now=datetime(2026, 5, 1, tzinfo=UTC))

SHARP = (
    b"\0",
    b"\xff",
    b'"',
    b"\n",
    b"{",
    b"]",
    b"9999",
    b"-1",
    b"END:VEVENT\n",
    b"24:61",
    b"NaN",
    b";",
    b"##",
    b"\\u",
    b"T",
)
"""What breaks formats more often than any bytes do."""

hurts = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(SHARP) | st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def hurt(content: bytes, wounds: list[tuple[float, int, bytes]], cut: float) -> bytes:
    """The file with some bytes put in place of others, and perhaps its end missing."""
    for at, gone, put in wounds:
        place = int(at * len(content))
        content = content[:place] + put + content[place + gone :]
    return content[: int(len(content) * cut)]


@pytest.mark.parametrize("name", FILES)
@example([(0.4, 1, b"\x80")], 1.0, False)  # in the middle of a text
@given(hurts, st.floats(0, 1) | st.just(1.0), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_hurt_file_is_read_or_refused_and_nothing_else(
    name: str, wounds: list[tuple[float, int, bytes]], cut: float, packed: bool
) -> None:
    content = hurt((GOLDEN / name).read_bytes(), wounds, cut)
    with TemporaryDirectory() as folder:
        path = Path(folder) / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
        assert refused(path).startswith(str(path))


def refused(path: Path) -> str:
    """What is said of a file that can't be read; of one that can, its path."""
    notes = Notes()
    once = Once(notes)
    try:
        for _, item in read(path, notes, ASKED):
            if isinstance(item, Event):
                once.is_new(item)
                could_be_a_row(item)
    except SourceError as error:
        return str(error)
    return str(path)


TIMES = r"(\d{1,4}[-/.]){2}\d{1,4}[ T]?(\d{1,2}:\d{2}(:\d{2})?)? ?([ap]m)?(Z|[+-]\d{2}:?\d{2})?"


@given(st.from_regex(TIMES, fullmatch=True) | st.text(max_size=20), st.none() | st.booleans())
def test_a_text_is_a_time_or_no_time(text: str, day_first: bool | None) -> None:
    try:
        written = when(text, day_first)
    except ValueError:
        return
    assert written.day or written.clock
    if day_first is None and (order := shown_order(text)) is not None:
        assert when(text, order) == written  # what a date shows by itself is what it is read as


def could_be_a_row(event: Event) -> None:
    """What is read is what the table takes and the workers can read."""
    check_interval(event.at, event.until)
    assert event.zone in known_zones()
    assert event.id
    words = event.words
    texts = [event.app, words.title, words.text, words.url, words.actor, *words.people, *words.files]
    assert sum(len(text.encode()) for text in texts) <= WORDS_MAX_BYTES
