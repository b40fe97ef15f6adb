"""What a path is: the event form, a calendar, a git repository, or a folder of such files; and the reader for it."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from connectors.sources.event import Event, Notes, Remark, Span
from connectors.sources.events import read_events
from connectors.sources.git import read_commits
from schemas.errors import SourceError

EVENT_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
CALENDAR_ENDINGS = (".ics", ".ical", ".ifb", ".icalendar")


class Source(StrEnum):
    """Kinds of source. The value is what `activity.source` holds after an import."""

    EVENTS = "events"
    GIT = "git"
    CALENDAR = "calendar"


def parts_of(path: Path) -> list[tuple[Source, Path]]:
    """What is to be read of `path`, in a fixed order. Raises SourceError where there is nothing that we can read."""
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder. Check the path.")
    if path.is_file():
        return [(_of_file(path), path)]
    if (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir()):
        return [(Source.GIT, path)]
    files = [(_of_name(file), file) for file in sorted(path.iterdir()) if file.is_file()]
    found = [(source, file) for source, file in files if source is not None]
    return found or [(Source.GIT, path)]  # a folder inside a repository, or git says that it is none


def read(path: Path, notes: Notes, span: Span) -> Iterator[tuple[Source, Event | Remark]]:
    """Every event and remark that `path` holds, with the kind of source it came from. Raises SourceError."""
    for source, part in parts_of(path):
        match source:
            case Source.EVENTS:
                items: Iterator[Event | Remark] = read_events(part, notes)
            case Source.CALENDAR:
                from connectors.sources.calendar import read_calendar  # its libraries take a tenth of a second

                items = read_calendar(part, notes, span)
            case Source.GIT:
                items = read_commits(part, notes)
        for item in items:
            yield source, item


def _of_name(file: Path) -> Source | None:
    name = file.name.lower()
    if name.endswith(EVENT_ENDINGS):
        return Source.EVENTS
    return Source.CALENDAR if name.endswith(CALENDAR_ENDINGS) else None


def _of_file(file: Path) -> Source:
    """By name, else by how it begins: a calendar says so in its first line, anything else must be the event form."""
    if known := _of_name(file):
        return known
    try:
        with file.open("rb") as opened:
            begins = opened.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().upper()
    except OSError as error:
        raise SourceError(f"{file}: can't be read ({error.strerror}). Check its permissions.") from error
    if begins.startswith(b"BEGIN:VCALENDAR"):
        return Source.CALENDAR
    if begins.startswith((b"{", b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")) or not begins:
        return Source.EVENTS
    raise SourceError(
        f"{file}: isn't anything that can be read: JSON Lines (one event a line, gzip allowed), a calendar (.ics), "
        "or the folder of a git repository."
    )
