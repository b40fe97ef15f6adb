"""Bad files, each as a person might hand it to `preview`: one clear line, the right exit code, never a trace.

docs/bad-input.md has a row for each, held to this list.
"""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from schemas.errors import TimeloomError
from streams.cli import app
from tests.bad_input import told

ROOT = Path(__file__).parents[2]
GOOD = b'{"stream":"s","id":"1","at":"2026-03-02T09:00:00Z"}\n'
CALENDAR = (ROOT / "tests/golden/sources/week.ics").read_bytes()
LIBRARY_WORDS = ("$.", "Expected `", "started_at", "ended_at", "vRecur", "vDDD", "vBroken", "Traceback", "msgspec")


class Case(msgspec.Struct, frozen=True):
    """A bad input: its name on the page, what is handed in, the exit code and a part of what is said."""

    name: str
    make: Callable[[Path], Path]
    said: str
    code: int = 2


def file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def lines(*more: bytes) -> Callable[[Path], Path]:
    return file("events.jsonl", GOOD + b"".join(line + b"\n" for line in more))


def events(count: int) -> bytes:
    return b"".join(GOOD.replace(b'"1"', f'"{n}"'.encode()) for n in range(count))


def folder_of(**files: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "inside").mkdir()
        for name, content in files.items():
            (folder / "inside" / name.replace("_", ".")).write_bytes(content)
        return folder / "inside"

    return make


def circle(folder: Path) -> Path:
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    return folder / "one"


def nowhere(folder: Path) -> Path:
    return folder / "nowhere.jsonl"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def calendar(find: bytes, put: bytes) -> Callable[[Path], Path]:
    assert find in CALENDAR
    return file("broken.ics", CALENDAR.replace(find, put, 1))


PACKED = gzip.compress(events(5000))
ZONED = b"DTSTART;TZID=Europe/Berlin:20260316T090000"

CASES = [
    Case("a path that isn't there", nowhere, "there is no such file or folder. Check the path."),
    Case("a link in a circle", circle, "is a link that leads nowhere, or in a circle"),
    Case("a pipe", pipe, "is neither a file nor a folder. Write what comes out of it to a file first."),
    Case("an empty file", file("empty.jsonl", b""), "the file is empty", 0),
    Case("an empty folder", folder_of(), "holds nothing that can be read: it is empty"),
    Case("a folder of other files", folder_of(a_txt=b"words"), "none of its 1 files is one (the first: a.txt)"),
    Case("a folder with mixed files", folder_of(a_jsonl=GOOD, b_txt=b"words"), "files of other kinds", 0),
    Case("a gzip file that is cut short", file("cut.jsonl.gz", PACKED[: len(PACKED) // 2]), "cut short after line"),
    Case("a damaged gzip file", file("bad.jsonl.gz", PACKED[:99] + b"\xff" * 9 + PACKED[108:]), "gzip file is damaged"),
    Case("gzip with garbage after it", file("more.jsonl.gz", PACKED + b"garbage"), "something follows that isn't gzip"),
    Case(
        "UTF-16", file("wide.jsonl", GOOD.decode().encode("utf-16")), "is UTF-16, and must be UTF-8. Convert it: iconv"
    ),
    Case("Latin-1", lines('{"stream":"s","id":"2","title":"Prüfung"}'.encode("latin-1")), "line 2: isn't UTF-8"),
    Case("a byte order mark", file("mark.jsonl", b"\xef\xbb\xbf" + GOOD), "s: 1 event in 1 group.", 0),
    Case("a picture (PNG)", file("events.jsonl", b"\x89PNG\r\n\x1a\n" + bytes(99)), "isn't text but a picture (PNG)"),
    Case("a spreadsheet (XLSX)", file("table.csv", b"PK\x03\x04" + bytes(99)), "Save a spreadsheet as CSV"),
    Case("a PDF", file("report.pdf", b"%PDF-1.7\n"), "isn't text but a PDF"),
    Case("prose", file("prose.txt", b"Just words.\n"), "isn't anything that can be read: JSON Lines (.jsonl"),
    Case(
        "a JSON list instead of lines", file("all.json", b"[\n" + GOOD + b"]"), "is one JSON list; the event form has"
    ),
    Case("a line of 100 MB", file("long.jsonl", b"{" + b" " * 100_000_000), "line 1: is over 16 MiB"),
    Case("a line that isn't JSON", lines(b"nonsense"), "line 2: isn't one JSON object"),
    Case("a line that is cut short", lines(GOOD[:-9]), "line 2: isn't one JSON object"),
    Case("JSON nested 100,000 deep", lines(b'{"x":' + b"[" * 100_000), "line 2: is nested too deeply"),
    Case("a zero byte in a line", lines(b'{"stream":"s","id":"2\0"}'), "line 2: holds a zero byte"),
    Case("half of a surrogate pair", lines(GOOD[:-2] + b',"title":"\\ud83d"}'), "line 2: holds half of a surrogate"),
    Case("NaN", lines(GOOD[:-2] + b',"seq":NaN}'), "line 2: has NaN, which is no number in JSON"),
    Case("a field of the wrong type", lines(GOOD[:-2] + b',"people":"a"}'), "line 2: `people` must be a list of texts"),
    Case("a missing field", lines(b'{"id":"2","at":"2026-03-02"}'), "line 2: has no `stream`"),
    Case(
        "a field that nobody knows", lines(GOOD.replace(b'"1"', b'"2"')[:-2] + b',"titel":"x"}'), "'titel' is none", 0
    ),
    Case("a time that is none", lines(b'{"stream":"s","id":"2","at":"soon"}'), "line 2: `at` 'soon' isn't a time"),
    Case(
        "an end before its start",
        lines(b'{"stream":"s","id":"2","at":"2026-03-02T09:00Z","until":"2026-03-02T08:00Z"}'),
        "line 2: it ends before it begins. Correct `at` and `until`.",
    ),
    Case("the year 9999", lines(b'{"stream":"s","id":"2","at":"9999-03-02"}'), "line 2: it lies outside the years"),
    Case("the year 1960", lines(b'{"stream":"s","id":"2","at":"1960-03-02"}'), "line 2: it lies outside the years"),
    Case(
        "an activity of more than 400 days",
        lines(b'{"stream":"s","id":"2","at":"2024-01-01","until":"2026-03-02"}'),
        "line 2: it is longer than 400 days",
    ),
    Case("a zone that nobody knows", lines(GOOD[:-2] + b',"zone":"Mars/Olympus"}'), "isn't an IANA time zone"),
    Case(
        "two events with one id",
        lines(b"", GOOD.replace(b"09:00", b"10:00").strip()),
        "line 3: stream 's' has two different events with the id '1', the first in",
    ),
    Case("the same line twice", lines(GOOD.strip()), "events that are there twice were counted once", 0),
    Case(
        "words over 64 KB",
        lines(b'{"stream":"s","id":"2","at":"2026-03-02","text":"' + b"x" * 70_000 + b'"}'),
        "cut",
        0,
    ),
    Case("a calendar that is cut short", file("cut.ics", CALENDAR[:300]), "which is cut short. Export it again."),
    Case("a calendar with an event without end", calendar(b"END:VEVENT\n", b""), "where the next one begins"),
    Case("a calendar with a broken zone", calendar(ZONED, b"DTSTART;TZID=No/Land:20260316T090000"), "'No/Land'"),
    Case(
        "a calendar with a time that is none",
        calendar(ZONED, b"DTSTART:soon"),
        "DTSTART (when it begins) can't be read",
    ),
    Case("a calendar that repeats each second", calendar(b"FREQ=WEEKLY", b"FREQ=SECONDLY"), "FREQ SECONDLY"),
    Case("a calendar in Latin-1", calendar(b"Jour fixe", "Prüfung".encode("latin-1")), "isn't UTF-8"),
    Case("a table without headers", file("t.csv", b"2026-03-02 9:00,x\n"), "in a table without a header count them"),
    Case("a table with other headers", file("t.csv", b"a,b\n1,2\n"), "The columns are 'a', 'b'. Say which is which"),
    Case("a table with a date of two meanings", file("t.csv", b"start\n3/2/2026 9:00\n"), "is 3 February or 2 March"),
    Case(
        "a table with a quote left open", file("t.csv", b'start,b\n2026-03-02 9:00,"x\n'), "line 2: a quote is opened"
    ),
    Case("a table with a cell too many", file("t.csv", b"start,b\n2026-03-02 9:00,x,y\n"), "line 2: has 3 cells"),
    Case("day notes without a day", file("day.md", b"## 9:15-9:30: Call\n"), "line 1: no day is known here"),
    Case(
        "day notes with a bad time", file("day.md", b"# 2026-03-02\n## 9.15-9.30: Call\n"), "line 2: '9.15-9.30: Call'"
    ),
    Case(
        "an ActivityWatch export that is cut short",
        file("aw.json", b'{"buckets": {"a": {"type": "currentwindow", "events": [{"timest'),
        "isn't whole JSON: it is cut short. Export it again.",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_file_is_told_in_one_line(case: Case, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["preview", str(case.make(tmp_path))])
    if case.code:
        assert isinstance(done.exception, TimeloomError), done.output
        assert done.exception.exit_code == case.code
        message = str(done.exception)
        assert message.startswith(str(tmp_path))
        assert "\n" not in message
    else:
        assert done.exit_code == 0, done.exception
        message = done.output
    assert case.said in message
    assert not any(words in message for words in LIBRARY_WORDS)


def test_the_page_has_each_of_them() -> None:
    shown = {name: one.happens for name, one in told("To import and preview").items()}
    assert shown == {case.name: f"{'refused, exit 2' if case.code else 'read'}: *{case.said}*" for case in CASES}


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Root may read everything: for as long as the block lasts this process is nobody, if it was root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_read_is_said_to_be_so(tmp_path: Path, what: str) -> None:
    path = tmp_path / "mine"
    path.mkdir() if what == "folder" else path.write_bytes(GOOD)
    for above in [tmp_path, *tmp_path.parents]:
        if above.stat().st_mode & 0o005 != 0o005:
            above.chmod(above.stat().st_mode | 0o055)
    path.chmod(0)
    with an_ordinary_user():
        done = CliRunner().invoke(app, ["preview", str(path)])
    path.chmod(0o700)
    assert str(done.exception).startswith(f"{path}: can't be read (Permission denied). Check")


def test_the_command_itself_ends_with_that_line_and_code(tmp_path: Path) -> None:
    path = lines(b"nonsense")(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "streams", "preview", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"timeloom: {path}, line 2: isn't one JSON object")
    assert done.stderr.count("\n") == 1


READING = """
import resource, sys
from pathlib import Path
from connectors.sources.detect import read
from connectors.sources.event import Notes
from connectors.sources.numbering import Once
from streams.files.source_options import asked_until_now
notes = Notes()
once = Once(notes)
count = sum(once.is_new(item) for _, item in read(Path(sys.argv[1]), notes, asked_until_now("UTC")))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """What `import` does with a file before it writes: 60 times the file takes the memory of 1.5 MB more."""
    used = []
    for count in (100, 6000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("wb") as out:
            for n in range(count):
                out.write(GOOD.replace(b'"1"', f'"{n}"'.encode())[:-2] + b',"text":"' + b"x" * 15_000 + b'"}\n')
        done = subprocess.run(
            [sys.executable, "-c", READING, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        read, rss = map(int, done.stdout.split())
        assert read == count
        used.append(rss)
    assert used[1] - used[0] < 15_000_000  # of 90 MB more to read


ONCE = """
import resource
from connectors.sources.event import Event, Notes
from connectors.sources.numbering import Once
from schemas.values import Kind, Words
rss = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
once, before = Once(Notes()), rss()
assert all(once.is_new(Event("s", str(n), 0, n, None, "UTC", Kind.OTHER, "", Words())) for n in range(400_000))
print(rss() - before)
"""


def test_what_tells_duplicates_takes_no_memory_for_each() -> None:
    done = subprocess.run([sys.executable, "-c", ONCE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30_000_000  # its cache is 16 MB; a dict of the same takes 100 MB
