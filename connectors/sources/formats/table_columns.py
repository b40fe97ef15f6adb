"""Finds which column of a table means what: by `--map`, else by the names in the header."""

import re
from collections.abc import Mapping, Sequence

from schemas.errors import SourceError

HEADERS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "day", "datum", "start date", "startdatum"),
    "start": ("start", "begin", "started at", "start time", "begin time", "from", "beginn", "von", "started", "at"),
    "end_date": ("end date", "enddatum"),
    "end": ("end", "ended at", "end time", "to", "until", "ende", "bis", "stop", "finish", "finished"),
    "duration": ("duration", "duration h", "time h", "dauer"),
    "minutes": ("minutes", "duration minutes", "min", "minuten"),
    "hours": ("hours", "hours decimal", "duration decimal", "stunden"),
    "title": ("title", "description", "subject", "what", "task", "betreff", "titel", "activity", "summary", "name"),
    "text": ("text", "notes", "note", "comment", "comments", "details", "notiz", "body"),
    "app": ("app", "application", "program", "programm"),
    "url": ("url", "link", "address"),
    "people": ("people", "attendees", "participants", "with", "teilnehmer"),
    "kind": ("kind", "type"),
    "zone": ("zone", "time zone", "timezone", "zeitzone"),
    "id": ("id", "entry id", "uid"),
    "stream": ("stream", "user", "email", "member", "person"),
}
"""What a column can mean, and the headers that say so, the better first (in lower case, signs as spaces)."""

EXAMPLE = "--map start=COLUMN,end=COLUMN,title=COLUMN"


def find_columns(where: str, header: Sequence[str], said: Mapping[str, str]) -> dict[str, int]:
    """Returns the index of each meaning's column. Raises SourceError listing the columns if one is missing."""
    named = [name.strip() for name in header]
    found = {}
    for meaning, name in said.items():
        if meaning not in HEADERS:
            raise SourceError(f"--map: {meaning!r} isn't one of {', '.join(HEADERS)}.")
        if named.count(name) != 1:
            how = "no column" if name not in named else "more than one column"
            raise SourceError(f"{where}: there is {how} {name!r}, which --map says is {meaning}. {_listed(named)}")
        found[meaning] = named.index(name)
    plain = [re.sub(r"\W+", " ", name.casefold()).strip() for name in named]
    for meaning, names in HEADERS.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if meaning not in found and place is not None and place not in found.values():
            found[meaning] = place
    if "start" not in found:
        raise SourceError(
            f"{where}: no column is known to say when something began. {_listed(named)} Say which is which: {EXAMPLE}; "
            "in a table without a header count them: --map start=1,end=2,title=3"
        )
    return found


def numbered(said: Mapping[str, str]) -> dict[str, int] | None:
    """The indexes of `--map start=1,end=2`, for a table without a header; None if names are given."""
    if not said or not all(one.isdecimal() for one in said.values()):
        return None
    if unknown := [meaning for meaning in said if meaning not in HEADERS]:
        raise SourceError(f"--map: {unknown[0]!r} isn't one of {', '.join(HEADERS)}.")
    if "start" not in said or "0" in said.values():
        raise SourceError("--map: columns are counted from 1, and start is needed: --map start=1,end=2,title=3")
    return {meaning: int(place) - 1 for meaning, place in said.items()}


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name[:40]) for name in names[:30]]
    return f"The columns are {', '.join(shown)}{' and more' if len(names) > 30 else ''}."
