"""The text of a calendar file: whole or not, where its events begin, and as components."""

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import icalendar

from connectors.sources.text_files import text_lines
from schemas.errors import SourceError

LONGEST = 32 << 20
"""Characters of a calendar, which is read whole (some 80,000 events); more would be a mistake, or an attack."""


def calendars(path: Path) -> tuple[Sequence[icalendar.Component], list[int]]:
    """The file's calendars, and the line in which each of their events begins, in order. Raises SourceError."""
    text, begins = _scanned(path)
    try:
        found = list(icalendar.Calendar.from_ical(text, multiple=True))
    except ValueError as error:
        raise SourceError(f"{path}: isn't a calendar: {str(error).strip()[:200]}. Export it again as ICS.") from error
    if not found:
        raise _no_calendar(path)
    return found, begins


def _scanned(path: Path) -> tuple[str, list[int]]:
    """The calendar's text, and the line in which each of its events begins.

    Raises SourceError where a part of it has no end, which is what a file that is cut short looks like.
    """
    text, begins, parts = StringIO(), list[int](), list[tuple[str, int]]()
    for number, line in text_lines(path):
        if text.tell() + len(line) > LONGEST:
            raise SourceError(f"{path}: a calendar over {LONGEST >> 20} MiB. Export it by year, and take each file.")
        text.write(line)
        word, _, part = line.strip().upper().partition(":")
        if word == "BEGIN":
            if not parts and part != "VCALENDAR":
                raise _no_calendar(path)
            if part == "VEVENT" and any(open_part == "VEVENT" for open_part, _ in parts):
                raise _unended(path, parts, f"line {number}, where the next one begins")
            if part == "VEVENT":
                begins.append(number)
            parts.append((part, number))
        elif word == "END" and parts and parts[-1][0] == part:
            parts.pop()
    if parts:
        raise _unended(path, parts, "the end of the file, which is cut short")
    return text.getvalue(), begins


def _unended(path: Path, parts: list[tuple[str, int]], before: str) -> SourceError:
    part, number = next((one for one in parts if one[0] == "VEVENT"), parts[-1])
    what = "event" if part == "VEVENT" else "calendar" if part == "VCALENDAR" else part
    return SourceError(
        f"{path}, line {number}: the {what} that begins here has no end before {before}. Export it again."
    )


def _no_calendar(path: Path) -> SourceError:
    return SourceError(f"{path}: isn't a calendar: it doesn't begin with BEGIN:VCALENDAR. Export it again as ICS.")
