"""What `preview` and `import` share: the options that say how to read PATH, and reading it as events.

PATH ──▶ what it is ──▶ its reader ──▶ exclusions ──▶ events
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.sources.event import WINDOW, Event, Notes, ReadOptions, Remark
from schemas.row_decoders import known_zones

if TYPE_CHECKING:
    from connectors.sources.detect import Source
    from connectors.sources.exclusions import Exclusions


class Dates(StrEnum):
    """Whether 3/2/2026 is 3 February or 2 March."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


PathArgument = Annotated[
    Path,
    typer.Argument(
        readable=False,
        help="Lines of JSON, a calendar (.ics), a table (.csv), day notes (.md), an ActivityWatch export, a git "
        "repository, or a folder of files.",
    ),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option(help="Expand a calendar's recurring events from this day (UTC) on.", show_default="400 days ago"),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="MEANING=COLUMN,...", help="The meaning of a table's columns: start=Begin,end=End,title=What."
    ),
]
DatesOption = Annotated[
    Dates | None, typer.Option(help="Whether 3/2/2026 in a table is 3 February or 2 March.", show_default="an error")
]
ExcludeOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A file of what to exclude: applications, titles, addresses, pauses (docs/sources.md).",
        show_default="TIMELOOM_EXCLUSIONS",
    ),
]


def asked_until_now(
    zone: str, since: datetime | None = None, columns: list[str] | None = None, dates: Dates | None = None
) -> ReadOptions:
    """Converts the options to one value. Recurring events are read until now, because future events aren't activity."""
    if zone not in known_zones():
        raise typer.BadParameter(f"{zone!r} isn't an IANA time zone, such as Europe/Berlin", param_hint="--zone")
    now = datetime.now(UTC)
    return ReadOptions(
        since=now - WINDOW if since is None else since.replace(tzinfo=UTC),
        now=now,
        zone=zone,
        columns=_columns(columns or []),
        day_first=None if dates is None else dates is Dates.DAY_FIRST,
    )


def _columns(said: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in [part for text in said for part in re.split(r",(?=\s*\w+=)", text)]:
        meaning, equals, column = one.partition("=")
        if not (equals and meaning.strip() and column.strip()):
            raise typer.BadParameter(f"{one!r} isn't MEANING=COLUMN, such as start=Begin", param_hint="--map")
        found[meaning.strip()] = column.strip()
    return found


def exclusions(path: Path | None) -> "Exclusions":
    """The exclusions of the option's file, else of the setting's, else none. Raises ConfigurationError."""
    from connectors.sources.exclusions import Exclusions, read_exclusions
    from streams.settings import load

    chosen = path or load().exclusions
    return Exclusions() if chosen is None else read_exclusions(chosen)


def events_of(
    path: Path, asked: ReadOptions, notes: Notes, kept_out: "Exclusions"
) -> "Iterator[tuple[Source, Event | Remark]]":
    """Yields everything in PATH that isn't excluded. Raises SourceError."""
    from connectors.sources.detect import read

    for source, item in read(path, notes, asked):
        if isinstance(item, Remark):
            yield source, item
            continue
        for event in kept_out.left_of(item):
            yield source, event


def counted(number: int, what: str) -> str:
    """A count and its noun: 1 group, 2 groups, 3 activities."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def excluded(events: int, minutes: float) -> str:
    """How much was excluded, in words that name nothing of it."""
    return f"{events:,} excluded ({minutes:,.0f} min), written nowhere"
