"""`preview`: groups a file, folder, calendar or git history of the user's, and prints the timesheet.

    read ──▶ number ──▶ group (the same processors as live) ──▶ timesheet, or one line for each event

It needs no servers and writes nothing. True labels in a file (group, client, matter, code) are never read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from connectors.sources.event import Notes
from connectors.sources.numbering import Stream, streams_of
from schemas.billing import Directory
from schemas.groups import SCORE_SCALE, Disposition, Group, encode_group
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

ModelOption = Annotated[
    Path | None, typer.Option(help="The file of a grouping model to use instead of the one that ships.")
]


class PreviewLine(msgspec.Struct, frozen=True):
    """One line of `--json`. `group` is the id of the group's first event; an outlier is its own group."""

    stream: str
    id: str
    group: str
    confidence: float
    outlier: bool


class GroupLine(msgspec.Struct, frozen=True):
    """One line of `--groups`: the value's bytes, as they are on the topic for the same set."""

    stream: str
    group: msgspec.Raw


def preview(
    path: PathArgument,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line for each event instead of the timesheet.")
    ] = False,
    groups: Annotated[
        bool, typer.Option("--groups", help="Print one line for each group: its value as on the topic.")
    ] = False,
    model: ModelOption = None,
    since: SinceOption = None,
    zone: Annotated[str, typer.Option(help="The IANA time zone of times without one.")] = "UTC",
    columns: MapOption = None,
    dates: DatesOption = None,
    exclude: ExcludeOption = None,
    days: Annotated[int, typer.Option(help="Show this many of the last days of each stream; 0 shows all.", min=0)] = 14,
) -> None:
    """Group the activities in PATH and print the timesheet. Needs no servers and writes nothing.

    Example: ./timeloom preview ~/calendar.ics

    Exit: 0 done; 1 the model can't be used; 2 PATH can't be read (the message names the line).
    """
    notes, kept_out = Notes(), exclusions(exclude)
    asked = asked_until_now(zone, since, columns, dates)
    found = streams_of((item for _, item in events_of(path, asked, notes, kept_out)), notes)
    out = typer.get_binary_stream("stdout")
    for stream, grouped in _group_streams(found, model):
        if groups:
            _write_lines(out, (GroupLine(stream.name, msgspec.Raw(encode_group(one))) for one in grouped.values()))
        elif as_json:
            _write_lines(out, preview_lines(stream, grouped))
        else:
            _print_timesheet(stream, grouped, days)
    if kept_out.events:
        typer.echo(f"Note: {excluded(kept_out.events, kept_out.minutes)}", err=True)
    for note in notes.lines() or ([] if found else ["there is nothing to group"]):
        typer.echo(f"Note: {note}", err=True)


def _group_streams(streams: list[Stream], model_file: Path | None) -> Iterator[tuple[Stream, Mapping[int, Group]]]:
    """Yields each stream with its groups, sorted by name, as soon as they are decided."""
    from processors.grouping.batch import group_all  # numpy takes its time, and an error in the file needs none
    from streams.shared.model_store import read_model_file, shipped_model

    model = shipped_model() if model_file is None else read_model_file(model_file)
    for stream in streams:
        groups = group_all(stream.activities, stream.feedback, model=model)
        yield stream, {name: groups[name] for name in sorted(groups)}


def preview_lines(stream: Stream, groups: Mapping[int, Group]) -> Iterator[PreviewLine]:
    """Yields a line for each event. An excluded event is in no group: it is shown as an outlier without confidence."""
    of = {member.id: (name, group) for name, group in groups.items() for member in group.members}
    for activity in stream.activities:
        own = stream.names[activity.id]
        if activity.id not in of:
            yield PreviewLine(stream.name, own, own, 0.0, True)
            continue
        name, group = of[activity.id]
        outlier = group.disposition is Disposition.OUTLIER
        yield PreviewLine(stream.name, own, stream.names[name], group.confidence / SCORE_SCALE, outlier)


def _write_lines(out: BinaryIO, lines: Iterator[PreviewLine] | Iterator[GroupLine]) -> None:
    encoder = msgspec.json.Encoder()
    for line in lines:
        out.write(encoder.encode(line) + b"\n")
    out.flush()


def _print_timesheet(stream: Stream, groups: Mapping[int, Group], days: int) -> None:
    """Prints the timesheet of a stream's last days, as `timesheet` does."""
    from processors.billing.timesheet import SheetOwner, timesheet_of
    from streams.shared.terminal import table_console
    from streams.views.timesheet import timesheet_table

    sheet = timesheet_of(SheetOwner(stream.name), stream.activities, groups, Directory(), days or None)
    if sheet is not None:
        table_console().print(timesheet_table(sheet, with_matters=False))
    typer.echo(f"{stream.name}: {counted(len(stream.activities), 'event')} in {counted(len(groups), 'group')}.\n")
