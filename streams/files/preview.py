"""`preview`: groups a file, folder, calendar or git history that the user has, and prints the timesheet.

    read ──▶ number ──▶ group (the same processors as live) ──▶ timesheet, or one line an event

No stack, no database, nothing is written. True labels in a file (group, client, matter, code) are never read.
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

ModelOption = Annotated[Path | None, typer.Option(help="A grouping model's file, instead of the one that ships.")]


class Line(msgspec.Struct, frozen=True):
    """What `--json` says of an event. `group` is the id of the group's first event; an outlier is its own group."""

    stream: str
    id: str
    group: str
    confidence: float
    outlier: bool


class GroupLine(msgspec.Struct, frozen=True):
    """What `--groups` says: the value's own bytes, as they are on the topic for the same set."""

    stream: str
    group: msgspec.Raw


def preview(
    path: PathArgument,
    as_json: Annotated[bool, typer.Option("--json", help="One line an event instead of the timesheet.")] = False,
    groups: Annotated[bool, typer.Option("--groups", help="One line a group: its value as on the topic.")] = False,
    model: ModelOption = None,
    since: SinceOption = None,
    zone: Annotated[str, typer.Option(help="The zone (IANA) of times that name none.")] = "UTC",
    columns: MapOption = None,
    dates: DatesOption = None,
    exclude: ExcludeOption = None,
    days: Annotated[int, typer.Option(help="Show the last so many days of each stream; 0 shows all.", min=0)] = 14,
) -> None:
    """Group what PATH holds and print the timesheet. Needs no stack and writes nothing.

    Example: ./timeloom preview ~/calendar.ics

    Exit: 0 done; 1 the model can't be used; 2 PATH can't be read, with the line that is wrong.
    """
    notes, kept_out = Notes(), exclusions(exclude)
    asked = asked_until_now(zone, since, columns, dates)
    found = streams_of((item for _, item in events_of(path, asked, notes, kept_out)), notes)
    out = typer.get_binary_stream("stdout")
    for stream, grouped in _grouped(found, model):
        if groups:
            _write(out, (GroupLine(stream.name, msgspec.Raw(encode_group(one))) for one in grouped.values()))
        elif as_json:
            _write(out, lines_of(stream, grouped))
        else:
            _show(stream, grouped, days)
    if kept_out.events:
        typer.echo(f"Note: {excluded(kept_out.events, kept_out.minutes)}", err=True)
    for note in notes.lines() or ([] if found else ["there is nothing to group"]):
        typer.echo(f"Note: {note}", err=True)


def _grouped(streams: list[Stream], path: Path | None) -> Iterator[tuple[Stream, Mapping[int, Group]]]:
    """Each stream with its groups in the order of their names, as soon as they are decided."""
    from processors.grouping.batch import group_all  # numpy takes its time, and an error in the file needs none
    from streams.shared.model_store import model_from, shipped_model

    model = shipped_model() if path is None else model_from(path)
    for stream in streams:
        groups = group_all(stream.activities, stream.feedback, model=model)
        yield stream, {name: groups[name] for name in sorted(groups)}


def lines_of(stream: Stream, groups: Mapping[int, Group]) -> Iterator[Line]:
    """A line for each event by its number. What no group may hold (excluded) is an outlier without confidence."""
    of = {member.id: (name, group) for name, group in groups.items() for member in group.members}
    for activity in stream.activities:
        own = stream.names[activity.id]
        if activity.id not in of:
            yield Line(stream.name, own, own, 0.0, True)
            continue
        name, group = of[activity.id]
        outlier = group.disposition is Disposition.OUTLIER
        yield Line(stream.name, own, stream.names[name], group.confidence / SCORE_SCALE, outlier)


def _write(out: BinaryIO, lines: Iterator[Line] | Iterator[GroupLine]) -> None:
    encoder = msgspec.json.Encoder()
    for line in lines:
        out.write(encoder.encode(line) + b"\n")
    out.flush()


def _show(stream: Stream, groups: Mapping[int, Group], days: int) -> None:
    """The timesheet of a stream's last days, as `timesheet` shows it."""
    from processors.billing.timesheet import Owner, timesheet_of
    from streams.shared.terminal import paper
    from streams.views.timesheet import table

    sheet = timesheet_of(Owner(stream.name), stream.activities, groups, Directory(), days or None)
    if sheet is not None:
        paper().print(table(sheet, matters=False))
    typer.echo(f"{stream.name}: {counted(len(stream.activities), 'event')} in {counted(len(groups), 'group')}.\n")
