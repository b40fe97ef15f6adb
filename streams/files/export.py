"""`export`: writes activities, feedback, releases and activations from MariaDB as event lines, on standard output.

    one snapshot ──▶ each timekeeper's rows by id ──▶ lines

`preview` of an export groups the same set with the same ids as live, and so gives the same groups to the byte. A row
that live has dead-lettered is left out here too, with a note.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from connectors.mariadb.source.directory import TimekeeperProfile
    from connectors.sources.event import Notes
    from connectors.sources.formats.event_writer import Labels

EXPORTED_TABLES = ("activity", "feedback", "release", "activation")
"""Activities come first: a stream that has only remarks isn't one."""


def export(
    timekeeper: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Export only this timekeeper.", show_default="all")
    ] = None,
    firm: Annotated[str | None, typer.Option(help="Export only this firm.", show_default="all")] = None,
) -> None:
    """Write activities, feedback, releases and activations from MariaDB as event lines to standard output.

    Example: ./timeloom export --timekeeper ada@example.com > ada.jsonl

    Exit: 0 done; 2 there is no such timekeeper; 3 the database isn't up.
    """
    from connectors.mariadb.server.engine import connect
    from connectors.sources.event import Notes
    from streams.settings import load

    notes, out = Notes(), typer.get_binary_stream("stdout")
    engine = connect(load().mariadb().url("pipeline"))
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        for name, person in select_timekeepers(connection, timekeeper, firm):
            for line in export_lines(connection, name, person, notes):
                out.write(line)
    out.flush()
    for note in notes.lines():
        typer.echo(f"Note: {note}", err=True)


def select_timekeepers(
    connection: "Connection", timekeeper: str | None, firm: str | None
) -> list[tuple[str, "TimekeeperProfile"]]:
    """The timekeepers asked for, each with its stream's name: the e-mail address, with the firm if two firms have it.

    Raises ConfigurationError if there is none.
    """
    from connectors.mariadb.source.directory import list_timekeepers

    people = list_timekeepers(connection)
    times = Counter(person.email for person in people)
    found = [
        (person.email if times[person.email] == 1 else f"{person.firm}/{person.email}", person)
        for person in people
        if timekeeper in (None, person.email) and firm in (None, person.firm)
    ]
    if not found and (timekeeper or firm):
        known = ", ".join(f"{person.email} ({person.firm})" for person in people[:20]) or "none yet"
        raise ConfigurationError(f"There is no such timekeeper. Known: {known}.")
    return found


def export_lines(
    connection: "Connection", stream_name: str, person: "TimekeeperProfile", notes: "Notes"
) -> Iterator[bytes]:
    """Yields a line for each row of a timekeeper, by id, activities first."""
    from connectors.mariadb.source.captured_rows import read_all_rows
    from connectors.sources.formats.event_writer import event_line, remark_line
    from schemas.row_decoders import BadRow
    from schemas.values import Activation, Activity, Apart, Release, Together

    labels = _matter_labels(connection, person)
    for table in EXPORTED_TABLES:
        for id_, value in read_all_rows(connection, person.scope, table):
            if isinstance(value, BadRow):
                notes.add(f"rows that are dead letters were left out: {value.reason}", f"{table} {id_}: {value}")
            elif isinstance(value, Activity):
                yield event_line(stream_name, value, labels.get(value.matter, labels[None]))
            else:
                assert isinstance(value, Together | Apart | Release | Activation)
                yield remark_line(stream_name, value)


def _matter_labels(connection: "Connection", person: "TimekeeperProfile") -> Mapping[int | None, "Labels"]:
    """Each matter's number and client by the matter's id, for those who read the export."""
    from connectors.mariadb.source.directory import read_directory
    from connectors.sources.formats.event_writer import NO_LABELS, Labels

    directory = read_directory(connection, person.scope.firm)
    clients = {client.id: client.name for client in directory.clients}
    labels: dict[int | None, Labels] = {None: NO_LABELS}
    for matter in directory.matters:
        labels[matter.id] = Labels(client=clients[matter.client], matter=matter.number)
    return labels
