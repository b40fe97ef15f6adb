"""Reads day notes in Markdown: a heading with times is an activity, the text below it is its text.

    # 2026-03-02
    ## 9:15-9:30: Call with the client
    They want the lease by Friday.

The day stands in a heading of the first level or in the file's name. An end that isn't after its start is on the next
day. Headings without a time, and the text below them, are ignored.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from connectors.sources.event import Event, Notes, ReadOptions, check_times, fit_words
from connectors.sources.local_times import Written, instant_in, when
from connectors.sources.text_files import text_lines
from schemas.errors import SourceError
from schemas.values import Kind, Words

STREAM = "notes"

_CLOCK = r"\d{1,2}:\d{2}(?:\s*[AaPp]\.?[Mm]\.?)?"
TIMED = re.compile(
    rf"##\s+(?P<start>{_CLOCK})(?:\s*(?:-|–|—|to|bis)\s*(?P<end>{_CLOCK}))?"
    r"(?:\s*:\s*|\s+[-–—]\s+|\s+)(?P<title>.*)"
)
_MEANT = re.compile(r"##\s+\d{1,2}\s*[:.h-]\s*\d")
_DAY = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
_FORM = "Write it as `## 9:15-9:30: title`"


class _Noted(msgspec.Struct):
    """An activity while it is being read; its text goes on until the next heading."""

    where: str
    day: date
    start: str
    end: str | None
    title: str
    text: list[str] = []


def read_notes(path: Path, notes: Notes, asked: ReadOptions) -> Iterator[Event]:
    """Every activity of the notes. Raises SourceError that names the line."""
    found = False
    starts: dict[tuple[date, str], int] = {}
    for noted in _noted(path, notes):
        found = True
        event = _event(noted, asked, starts, notes)
        notes.place = noted.where
        yield event
    if not found:
        notes.add(f"no heading has times. {_FORM}", str(path))


def _noted(path: Path, notes: Notes) -> Iterator[_Noted]:
    day, now, fenced = _day_of_name(path), None, False
    for number, line in text_lines(path):
        where, line = f"{path}, line {number}", line.rstrip("\r\n")
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if fenced or not re.match(r"#{1,2}\s", line):
            if now is not None:
                now.text.append(line)
            continue
        if now is not None:
            yield now
        now = None
        if line.startswith("# "):
            day = _day_of_heading(where, line) or day
        else:
            now = _heading(where, line, day, notes)
    if now is not None:
        yield now


def _day_of_name(path: Path) -> date | None:
    found = _DAY.search(path.stem)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None  # digits that are no date; a heading may still say the day


def _day_of_heading(where: str, line: str) -> date | None:
    """The day; None if the heading has none."""
    if not (found := _DAY.search(line)):
        if re.match(r"#\s+\d", line):
            raise SourceError(f"{where}: {line[2:40].strip()!r} isn't a day. Write it as `# 2026-03-02`.")
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError as error:
        raise SourceError(f"{where}: there is no such day ({error}). Write it as `# 2026-03-02`.") from error


def _heading(where: str, line: str, day: date | None, notes: Notes) -> _Noted | None:
    if not (found := TIMED.fullmatch(line.strip())):
        if _MEANT.match(line):
            raise SourceError(f"{where}: {line[3:60].strip()!r} can't be read as times and a title. {_FORM}.")
        notes.add("headings without times were left out, with what stands below them", where)
        return None
    if day is None:
        raise SourceError(
            f"{where}: no day is known here. Write one above, as `# 2026-03-02`, or into the file's name."
        )
    return _Noted(where, day, found["start"], found["end"], found["title"].strip())


def _event(noted: _Noted, asked: ReadOptions, starts: dict[tuple[date, str], int], notes: Notes) -> Event:
    try:
        began = when(noted.start)
        at, zone = instant_in(asked.zone, began, noted.day)
        until = None if noted.end is None else _end(asked.zone, when(noted.end), noted.day, at)
        check_times(at, until)
    except OverflowError as error:
        raise SourceError(f"{noted.where}: it lies outside the years 1970 to 9998. Correct the day.") from error
    except ValueError as error:
        raise SourceError(f"{noted.where}: {error}. {_FORM}.") from error
    notes.read_as(asked.zone, noted.where)
    words, cut = fit_words(Words(title=noted.title, text="\n".join(noted.text).strip()))
    if cut:
        notes.add("words over 64 KB were cut", noted.where)
    name = f"{noted.day}T{began.clock:%H:%M}"
    count = starts[noted.day, name] = starts.get((noted.day, name), 0) + 1
    return Event(STREAM, name if count == 1 else f"{name}/{count}", 0, at, until, zone, Kind.ENTRY, "", words)


def _end(zone: str, ended: Written, day: date, at: int) -> int:
    until = instant_in(zone, ended, day)[0]
    return until if until > at else instant_in(zone, ended, day + timedelta(days=1))[0]
