"""`import`: writes a file, folder, calendar or git history to MariaDB as a timekeeper's activities.

    read ──▶ selected streams ──▶ duplicates dropped ──▶ batches, one transaction each ──▶ MariaDB, by source and id

Repeating an import changes nothing. What changed in the source is updated; what the source no longer has stays.
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

BATCH_EVENTS = 500
"""Events a transaction: many enough to be fast, few enough that capture sees the first ones at once."""

SOURCE_ID_CHARS = 191
"""The width of `activity.source_id`."""


class ImportResult(msgspec.Struct, frozen=True):
    """What an import did, in events. `streams` are the names that were read; excluded events are only counted."""

    timekeeper: str
    new: int
    changed: int
    same: int
    streams: tuple[str, ...]
    excluded: int = 0
    excluded_minutes: float = 0.0


def import_(
    path: PathArgument,
    timekeeper: Annotated[
        str, typer.Option(metavar="EMAIL", help="The timekeeper whose activities they are; created if new.")
    ] = "me",
    firm: Annotated[str, typer.Option(help="The timekeeper's firm; created if new.")] = "local",
    zone: Annotated[
        str, typer.Option(help="The IANA time zone of a new timekeeper, and of times without one.")
    ] = "UTC",
    stream: Annotated[
        list[str] | None, typer.Option(help="Import only this stream (a git author's e-mail address); repeatable.")
    ] = None,
    since: SinceOption = None,
    columns: MapOption = None,
    dates: DatesOption = None,
    exclude: ExcludeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Write the activities in PATH to MariaDB, where capture reads them. Repeating it changes nothing.

    Example: ./timeloom import ~/calendar.ics --timekeeper ada@example.com --zone Europe/Berlin

    Exit: 0 done; 2 PATH can't be read (the message names the line); 3 the database isn't up.
    """
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.directory import ensure_timekeeper, has_cadence
    from connectors.sources.event import Notes
    from streams.settings import load

    notes, kept_out = Notes(), exclusions(exclude)
    asked = asked_until_now(zone, since, columns, dates)
    events = select_streams(events_of(path, asked, notes, kept_out), set(stream or ()), notes)
    begin = list(islice(events, 1))  # a path that is mistyped makes no timekeeper
    engine = connect(load().mariadb().url("collector"))
    with engine.begin() as connection:
        scope = ensure_timekeeper(connection, timekeeper, firm, zone=zone)
        if not has_cadence(connection, scope):
            notes.add(f"no period of {timekeeper} closes: a row in the table cadence says when one does")
    with _progress(f"Importing {path}", silent=as_json) as advance:
        done = write_events(engine, scope, timekeeper, chain(begin, events), notes, advance)
    done = msgspec.structs.replace(done, excluded=kept_out.events, excluded_minutes=kept_out.minutes)
    typer.echo(msgspec.json.encode(done).decode() if as_json else result_sentence(done))
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)


def result_sentence(result: ImportResult) -> str:
    """What an import did, as a sentence."""
    if not result.new and not result.changed:
        said = f"Nothing new: {counted(result.same, 'activity')} of {result.timekeeper} already there"
    else:
        said = f"{result.timekeeper}: {result.new:,} new, {result.changed:,} changed, {result.same:,} as they were"
    return f"{said}; {excluded(result.excluded, result.excluded_minutes)}." if result.excluded else f"{said}."


def write_events(
    engine: "Engine",
    scope: "Scope",
    timekeeper: str,
    events: Iterable[tuple["Source", "Event"]],
    notes: "Notes",
    on_progress: Callable[[int], None],
) -> ImportResult:
    """Writes the events in batches, each a transaction. Returns the counts.

    Raises SourceError if the source can't be read further, with the number of events that were written before.
    """
    from connectors.mariadb.source.activities import upsert_activities
    from connectors.sources.numbering import Once

    once = Once(notes)
    streams: set[str] = set()
    new = changed = same = 0
    unique = ((source, event) for source, event in events if once.is_new(event))
    try:
        while batch := list(islice(unique, BATCH_EVENTS)):
            streams.update(event.stream for _, event in batch)
            with engine.begin() as connection:
                written = upsert_activities(
                    connection, scope, [collected_activity(source, event) for source, event in batch]
                )
            new, changed, same = new + written.new, changed + written.changed, same + written.same
            on_progress(len(batch))
    except SourceError as error:
        if done := new + changed + same:
            raise SourceError(
                f"{error} The {done:,} events before are imported; import again when it is mended."
            ) from error
        raise
    if len(streams) > 1:
        notes.add(f"{len(streams)} streams are one timekeeper's work now; `--stream NAME` takes one of them only")
    return ImportResult(timekeeper, new, changed, same, tuple(sorted(streams)))


def select_streams(
    items: Iterable[tuple["Source", "Event | Remark"]], names: set[str], notes: "Notes"
) -> Iterator[tuple["Source", "Event"]]:
    """Yields the events of the named streams (all if none is named). Raises SourceError if one doesn't exist."""
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
        if not names or item.stream in names:
            yield source, item
    if absent := sorted(names - found):
        raise SourceError(f"there is no stream {', '.join(absent)}. Found: {', '.join(sorted(found)) or 'none'}.")


def collected_activity(source: "Source", event: "Event") -> "CollectedActivity":
    """The event as a collector would write it. A matter's id is left out: it means nothing in another database."""
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
    """Stream and id, by which the row is found again; if that is too long for the column, its beginning and a hash."""
    name = f"{event.stream}/{event.id}"
    if len(name) <= SOURCE_ID_CHARS:
        return name
    digest = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"{name[: SOURCE_ID_CHARS - len(digest) - 1]}#{digest}"


@contextmanager
def _progress(title: str, silent: bool) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how many events have been written, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,.0f} events"), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=silent or not console.is_terminal) as bars:
        task = bars.add_task(title, total=None)
        yield lambda count: bars.advance(task, count)
