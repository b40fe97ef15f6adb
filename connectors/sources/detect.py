"""Recognises what a path is (a file of some kind, a git repository, a folder of files) by its content, then by its
name.
"""

import os
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from connectors.sources.event import Event, Notes, ReadOptions, Remark
from connectors.sources.formats.event_lines import read_events
from connectors.sources.formats.git import read_commits
from connectors.sources.text_files import beginning, lines
from schemas.errors import SourceError

LOOKED_AT = 65_536
"""Bytes of a file that tell what it is."""

KINDS = (
    "JSON Lines (.jsonl, one event a line), a calendar (.ics), a table (.csv), day notes (.md), an export of "
    "ActivityWatch (.json), or the folder of a git repository"
)


class Source(StrEnum):
    """Kinds of source. The value is what `activity.source` holds after an import."""

    EVENTS = "events"
    GIT = "git"
    CALENDAR = "calendar"
    TABLE = "table"
    NOTES = "notes"
    ACTIVITYWATCH = "activitywatch"


ENDINGS = {
    Source.EVENTS: (".jsonl", ".ndjson"),
    Source.CALENDAR: (".ics", ".ical", ".ifb", ".icalendar"),
    Source.TABLE: (".csv", ".tsv"),
    Source.NOTES: (".md", ".markdown"),
}

_TIMED = re.compile(rb"^##\s+\d{1,2}:\d\d", re.MULTILINE)
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def read(path: Path, notes: Notes, asked: ReadOptions) -> Iterator[tuple[Source, Event | Remark]]:
    """Yields every event and remark of `path`, with the kind of source it came from. Raises SourceError."""
    for source, part in parts_of(path, notes):
        for item in _reader(source, part, notes, asked):
            yield source, item


def parts_of(path: Path, notes: Notes) -> list[tuple[Source, Path]]:
    """Lists what to read of `path`, in a fixed order. Raises SourceError if there is nothing that can be read."""
    try:
        os.stat(path)
        if path.is_dir():
            return _of_folder(path, notes)
    except OSError as error:
        if path.is_symlink():
            raise SourceError(f"{path}: is a link that leads nowhere, or in a circle. Check where it leads.") from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise SourceError(f"{path}: there is no such file or folder. Check the path.") from error
        raise SourceError(f"{path}: can't be read ({error.strerror}). Check its permissions.") from error
    if not path.is_file():
        raise SourceError(f"{path}: is neither a file nor a folder. Write what comes out of it to a file first.")
    return _of_one(path, notes)


def _of_one(path: Path, notes: Notes) -> list[tuple[Source, Path]]:
    begins = beginning(path, LOOKED_AT)
    if not begins:
        notes.add("the file is empty", str(path))
        return []
    if found := _recognised(path, begins):
        return [(found, path)]
    if begins.lstrip().startswith(b"["):
        raise SourceError(
            f"{path}: is one JSON list; the event form has one event a line. "
            f"Convert it: jq -c '.[]' {path.name} > events.jsonl"
        )
    next(lines(path))  # says what it is, where that is known
    raise SourceError(f"{path}: isn't anything that can be read: {KINDS}.")


def _of_folder(path: Path, notes: Notes) -> list[tuple[Source, Path]]:
    if (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir()):
        return [(Source.GIT, path)]
    found, others = [], []
    for file in sorted(path.iterdir()):
        if not file.is_file():
            others.append(file)
            continue
        begins = beginning(file, LOOKED_AT)
        if not begins:
            notes.add("the file is empty", str(file))
        elif (source := _recognised(file, begins)) and (source is not Source.NOTES or _TIMED.search(begins)):
            found.append((source, file))
        else:
            others.append(file)
    if not found and any((above / ".git").exists() for above in path.absolute().parents):
        return [(Source.GIT, path)]
    if not found:
        what = f"none of its {len(others)} files is one (the first: {others[0].name})" if others else "it is empty"
        raise SourceError(
            f"{path}: holds nothing that can be read: {what}. Known are {KINDS} "
            "(an unpacked archive has no history: clone it)."
        )
    for other in others:
        notes.add("files of other kinds, and folders inside, were left out", str(other))
    return found


def _recognised(file: Path, begins: bytes) -> Source | None:
    """Recognises a file by its first bytes if they leave no doubt, else by its name, else by how its text looks."""
    from connectors.sources.formats.activitywatch import LOOKS_SO

    start, name = begins.lstrip(), file.name.lower().removesuffix(".gz")
    if start[:15].upper() == b"BEGIN:VCALENDAR":
        return Source.CALENDAR
    if LOOKS_SO.match(start):
        return Source.ACTIVITYWATCH
    for source, endings in ENDINGS.items():
        if name.endswith(endings):
            return source
    if start.startswith(b"{") or begins.startswith(_WIDE):
        return Source.EVENTS
    if _TIMED.search(begins):
        return Source.NOTES
    first = begins.partition(b"\n")[0]
    return Source.TABLE if b"\0" not in begins and re.search(rb"[,;\t]", first) and _is_text(begins) else None


def _is_text(begins: bytes) -> bool:
    return not re.search(rb"[\x00-\x08\x0e-\x1f]", begins)


def _reader(source: Source, part: Path, notes: Notes, asked: ReadOptions) -> Iterator[Event | Remark]:
    """The reader of a kind. It is imported only when needed, because some of their libraries take 0.1 s to import."""
    match source:
        case Source.EVENTS:
            return read_events(part, notes)
        case Source.GIT:
            return read_commits(part, notes)
        case Source.CALENDAR:
            from connectors.sources.formats.calendar import read_calendar

            return read_calendar(part, notes, asked)
        case Source.TABLE:
            from connectors.sources.formats.table import read_table

            return read_table(part, notes, asked)
        case Source.NOTES:
            from connectors.sources.formats.day_notes import read_notes

            return read_notes(part, notes, asked)
        case Source.ACTIVITYWATCH:
            from connectors.sources.formats.activitywatch import read_export

            return read_export(part, notes, asked)
