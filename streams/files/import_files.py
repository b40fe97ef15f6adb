"""`import`: puts a file, folder, calendar or git history into MariaDB as a timekeeper's activities.

    read ──▶ wanted streams ──▶ once each ──▶ batches ──▶ MariaDB, by source and source id, a transaction a batch

Doing it again changes nothing; what changed in the source is updated; what is gone from the source stays.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from schemas.errors import SourceError
from streams.files.source_options import (
    DatesOption,
    ExcludeOption,
    MapOption,
    PathArgument,
    SinceOption,
    asked_until_now,
    counted,
    events_of,
    excluded,
    exclusions,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.mariadb.source.activities import CollectedActivity
    from connectors.sources.detect import Source
    from connectors.sources.event import Event, Notes, Remark
    from schemas.keys import Scope

BATCH = 500
"""Events a transaction: many enough to be fast, few enough that capture sees the first ones at once."""

SOURCE_ID_CHARS = 191
"""The width of `activity.source_id`."""


class Imported(msgspec.Struct, frozen=True):
    """What an import did, in events; `streams` are the names that were read. What was excluded is only counted."""

    timekeeper: str
    new: int
    changed: int
    same: int
    streams: tuple[str, ...]
    excluded: int = 0
    excluded_minutes: float = 0.0


def import_(
    path: PathArgument,
    timekeeper: Annotated[str, typer.Option(metavar="EMAIL", help="Whose activities they are; made if new.")] = "me",
    firm: Annotated[str, typer.Option(help="The timekeeper's firm; made if new.")] = "local",
    zone: Annotated[str, typer.Option(help="A new timekeeper's zone (IANA), and of times that name none.")] = "UTC",
    stream: Annotated[
        list[str] | None, typer.Option(help="Only this stream (a git author's mail); repeatable.")
    ] = None,
    since: SinceOption = None,
    columns: MapOption = None,
    dates: DatesOption = None,
    exclude: ExcludeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The counts as one JSON object.")] = False,
) -> None:
    """Put what PATH holds into MariaDB, where capture sees it. Again, it changes nothing.

    Example: ./timeloom import ~/calendar.ics --timekeeper ada@example.com --zone Europe/Berlin

    Exit: 0 done; 2 PATH can't be read, with the line that is wrong; 3 the database isn't up.
    """
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.directory import ensure_timekeeper, has_cadence
    from connectors.sources.event import Notes
    from streams.settings import load

    notes, kept_out = Notes(), exclusions(exclude)
    asked = asked_until_now(zone, since, columns, dates)
    events = wanted(events_of(path, asked, notes, kept_out), set(stream or ()), notes)
    begin = list(islice(events, 1))  # a path that is mistyped makes no timekeeper
    engine = connect(load().mariadb().url("collector"))
    with engine.begin() as connection:
        scope = ensure_timekeeper(connection, timekeeper, firm, zone=zone)
        if not has_cadence(connection, scope):
            notes.add(f"no period of {timekeeper} closes: a row in the table cadence says when one does")
    with _progress(f"Importing {path}", silent=as_json) as advance:
        done = write_all(engine, scope, timekeeper, chain(begin, events), notes, advance)
    done = msgspec.structs.replace(done, excluded=kept_out.events, excluded_minutes=kept_out.minutes)
    typer.echo(msgspec.json.encode(done).decode() if as_json else sentence(done))
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)


def sentence(done: Imported) -> str:
    """What an import did, for people."""
    if not done.new and not done.changed:
        said = f"Nothing new: {counted(done.same, 'activity')} of {done.timekeeper} already there"
    else:
        said = f"{done.timekeeper}: {done.new:,} new, {done.changed:,} changed, {done.same:,} as they were"
    return f"{said}; {excluded(done.excluded, done.excluded_minutes)}." if done.excluded else f"{said}."


def write_all(
    engine: "Engine",
    scope: "Scope",
    timekeeper: str,
    events: Iterable[tuple["Source", "Event"]],
    notes: "Notes",
    advance: Callable[[int], None],
) -> Imported:
    """Writes the events; each batch is there whole, or not at all. Returns what it did.

    Raises SourceError where the source can't be read on, saying how much of it was written before.
    """
    from connectors.mariadb.source.activities import upsert_activities
    from connectors.sources.numbering import Once

    once = Once(notes)
    streams: set[str] = set()
    new = changed = same = 0
    unique = ((source, event) for source, event in events if once.is_new(event))
    try:
        while batch := list(islice(unique, BATCH)):
            streams.update(event.stream for _, event in batch)
            with engine.begin() as connection:
                written = upsert_activities(connection, scope, [seen(source, event) for source, event in batch])
            new, changed, same = new + written.new, changed + written.changed, same + written.same
            advance(len(batch))
    except SourceError as error:
        if done := new + changed + same:
            raise SourceError(
                f"{error} The {done:,} events before are imported; import again when it is mended."
            ) from error
        raise
    if len(streams) > 1:
        notes.add(f"{len(streams)} streams are one timekeeper's work now; `--stream NAME` takes one of them only")
    return Imported(timekeeper, new, changed, same, tuple(sorted(streams)))


def wanted(
    items: Iterable[tuple["Source", "Event | Remark"]], streams: set[str], notes: "Notes"
) -> Iterator[tuple["Source", "Event"]]:
    """The events of the streams that were asked for (all, if none was). Raises SourceError if one isn't there."""
    from connectors.sources.event import Remark

    found: set[str] = set()
    for source, item in items:
        if isinstance(item, Remark):
            notes.add("what people said speaks of ids of where they said it, and was not imported", item.stream)
            continue
        if item.matter is not None:
            notes.add(
                "matters have other ids here, and were not imported: `bill` finds them by number, alias or domain"
            )
        found.add(item.stream)
        if not streams or item.stream in streams:
            yield source, item
    if absent := sorted(streams - found):
        raise SourceError(f"there is no stream {', '.join(absent)}. Found: {', '.join(sorted(found)) or 'none'}.")


def seen(source: "Source", event: "Event") -> "CollectedActivity":
    """The event as a collector would write it. A matter's id means nothing in another database, and is left out."""
    from connectors.mariadb.source.activities import CollectedActivity

    return CollectedActivity(
        source=source.value,
        source_id=source_id(event),
        kind=event.kind,
        started_at=event.at,
        ended_at=event.until,
        zone=event.zone,
        words=event.words,
        app=event.app,
        billable=event.billable,
        excluded=event.excluded,
    )


def source_id(event: "Event") -> str:
    """Stream and id, by which the row is found again; where that is longer than the column, its beginning and hash."""
    name = f"{event.stream}/{event.id}"
    if len(name) <= SOURCE_ID_CHARS:
        return name
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: SOURCE_ID_CHARS - len(digest) - 1]}#{digest}"


@contextmanager
def _progress(what: str, silent: bool) -> Iterator[Callable[[int], None]]:
    """Counts on standard error how many events are written; on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,.0f} events"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=silent or not console.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda count: bars.advance(task, count)
