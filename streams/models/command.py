"""`model`: stores a firm's own grouping models, and activates one of them for its timekeepers.

    a file ──▶ add (a row, content-addressed) ──▶ activate (a row for each timekeeper) ──▶ binlog ──▶ group

An activation passes through capture like every other change. `group` then decides that timekeeper again by that
version.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from schemas.errors import ConfigurationError, ModelError
from schemas.groups import SCORE_SCALE
from streams.files.source_options import counted

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from connectors.mariadb.source.directory import TimekeeperProfile
    from processors.grouping.model.grouping_model import Model
    from schemas.keys import Scope

app = typer.Typer(
    no_args_is_help=True,
    help="Keep firms' own grouping models, and say who is grouped by which. Example: ./timeloom model list",
    epilog="Exit: 0 well; 1 a model can't be used; 2 wrong usage; 3 the database is not up.",
)
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="The version as `list` shows it.")]
FirmOption = Annotated[str | None, typer.Option("--firm", help="The firm; not needed if there is only one.")]
TimekeepersOption = Annotated[
    list[str] | None,
    typer.Option("--timekeeper", metavar="EMAIL", help="Activate it only for this timekeeper; repeatable."),
]


class ModelSummary(msgspec.Struct, frozen=True):
    """A model that a firm can activate. `size` is in bytes; `timekeepers` are those that it groups now."""

    version: str
    ships: bool
    size: int
    added_at: str
    timekeepers: tuple[str, ...]


class FirmModels(msgspec.Struct, frozen=True):
    """A firm: its timekeepers, their activations (the last one counts), and its models."""

    firm_id: int
    name: str
    timekeepers: Sequence["TimekeeperProfile"]
    activations: Mapping["Scope", Sequence[str]]

    def select_timekeepers(self, emails: Sequence[str] | None) -> list["TimekeeperProfile"]:
        """All timekeepers of the firm, or those named. Raises ConfigurationError if one doesn't exist."""
        for email in emails or ():
            if email not in {person.email for person in self.timekeepers}:
                there = ", ".join(person.email for person in self.timekeepers[:12])
                raise ConfigurationError(f"No timekeeper {email} in firm {self.name}. There are: {there}.")
        return [person for person in self.timekeepers if not emails or person.email in emails]

    def active_version(self, person: "TimekeeperProfile") -> str:
        """The version that groups a timekeeper now."""
        from streams.shared.model_store import shipped_model

        return [shipped_model().version, *self.activations.get(person.scope, ())][-1]


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="MODEL", help="The file of a model.", readable=False)],
    firm: FirmOption = None,
) -> None:
    """Store a model for a firm. It is used only after it is activated, and a stored version never changes.

    Example: ./timeloom model add mine.json

    Exit: 0 it is there; 1 the file isn't a model that works here; 2 there is no such firm; 3 the database is not up.
    """
    from connectors.mariadb.source.model_store import add_model
    from connectors.mariadb.tables.source_tables import MODEL_MAX_BYTES
    from streams.shared.model_store import read_model_file

    model, raw = read_model_file(file), file.read_bytes()
    if len(raw) > MODEL_MAX_BYTES:
        raise ModelError(f"{file} has {len(raw):,} bytes; a model has at most {MODEL_MAX_BYTES:,}. Add a smaller one.")
    with _open_connection("collector") as connection:
        known = _read_firm(connection, firm)
        new = add_model(connection, known.firm_id, model.version, raw)
        connection.commit()
    print(f"{model.version} {'is on the shelf' if new else 'was on the shelf already'} of firm {known.name}.")
    print(f"Have it group: ./timeloom model activate {model.version}")


@app.command("list")
def list_(
    firm: FirmOption = None, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False
) -> None:
    """Show the models that a firm can activate, and the number of timekeepers that each one groups now.

    Example: ./timeloom model list

    Exit: 0 shown; 2 there is no such firm; 3 the database is not up.
    """
    with _open_connection("pipeline") as connection:
        found = _list_models(connection, _read_firm(connection, firm))
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    width = max(len(one.version) for one in found)
    for one in found:
        groups = counted(len(one.timekeepers), "timekeeper")
        print(f"{one.version:{width}}  {one.size:>9,} bytes  {one.added_at:16}  {groups}")


@app.command("show")
def show(version: VersionArgument, firm: FirmOption = None) -> None:
    """Show what a model is: where it comes from, what it is made of, and who is grouped by it now.

    Example: ./timeloom model show everybody-0a1b2c3d4e5f

    Exit: 0 shown; 1 it can't be used; 2 the firm has no such model; 3 the database is not up.
    """
    with _open_connection("pipeline") as connection:
        known = _read_firm(connection, firm)
        model = _load_model(connection, known, version)
        (row,) = (one for one in _list_models(connection, known) if one.version == version)
    print(f"{version}: {model.about}")
    print(f"{row.size:,} bytes, {'ships with Timeloom' if row.ships else f'added at {row.added_at}'}")
    if model.manifest is None:
        print("Put together by hand: nothing says what its parts were calibrated with.")
    else:
        parts = msgspec.structs.asdict(model.manifest).items()
        print(f"Calibrated as one set: {', '.join(f'{part} with {digest}' for part, digest in parts)}")
    shown = model.confidence.shown_from / SCORE_SCALE
    print(f"{counted(len(model.rarity), 'word')} weighed; groups are shown from a confidence of {shown:.0%}")
    who = counted(len(row.timekeepers), "timekeeper")
    print(f"Groups {who}: {', '.join(row.timekeepers)}" if row.timekeepers else "Groups nobody now.")


@app.command("activate")
def activate_command(version: VersionArgument, firm: FirmOption = None, timekeepers: TimekeepersOption = None) -> None:
    """Group a firm's timekeepers by this version from now on: one row for each, in one transaction.

    Timekeepers who have it already get no row. Example: ./timeloom model activate mine-0a1b2c3d4e5f

    Exit: 0 activated; 1 it can't be used; 2 the firm has no such model or timekeeper; 3 the database is not up.
    """
    from connectors.mariadb.source.model_store import activate_model

    with _open_connection("collector") as connection:
        known = _read_firm(connection, firm)
        _load_model(connection, known, version)
        some = [person for person in known.select_timekeepers(timekeepers) if known.active_version(person) != version]
        activate_model(connection, [person.scope for person in some], version)
        connection.commit()
    print(f"{version} groups {counted(len(some), 'timekeeper')} of firm {known.name} that it didn't group before.")
    print("Take it back: ./timeloom model rollback")


@app.command("rollback")
def rollback(firm: FirmOption = None, timekeepers: TimekeepersOption = None) -> None:
    """Take back the activation that holds for each of a firm's timekeepers: the one before it holds again.

    Example: ./timeloom model rollback --timekeeper ada@example.com

    Exit: 0 taken back; 1 nobody has an activation; 2 there is no such firm or timekeeper; 3 the database is not up.
    """
    from connectors.mariadb.source.model_store import revert_activations

    with _open_connection("collector") as connection:
        known = _read_firm(connection, firm)
        some = [person for person in known.select_timekeepers(timekeepers) if known.activations.get(person.scope)]
        revert_activations(connection, [person.scope for person in some])
        connection.commit()
        after = _read_firm(connection, known.name)
    for person in after.timekeepers:
        if person.scope in {one.scope for one in some}:
            print(f"{person.email} is grouped by {after.active_version(person)} again.")
    if not some:
        print("Nobody here has an activation: all are grouped by the model that ships.")
        raise typer.Exit(1)


@contextmanager
def _open_connection(database_user: str) -> Iterator["Connection"]:
    from connectors.mariadb.server.engine import connect
    from streams.settings import load

    database = load().mariadb()
    engine = connect(
        database.url("collector") if database_user == "collector" else database.url("pipeline"), pool_size=1
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _read_firm(connection: "Connection", firm_name: str | None) -> FirmModels:
    from connectors.mariadb.source.directory import list_timekeepers
    from connectors.mariadb.source.model_store import read_activations

    people = [person for person in list_timekeepers(connection) if firm_name in (None, person.firm)]
    firms = sorted({person.firm for person in people})
    if len(firms) != 1:
        wanted = f"No firm {firm_name!r} has a timekeeper" if firm_name else f"{len(firms)} firms are here"
        there = sorted({person.firm for person in list_timekeepers(connection)})
        raise ConfigurationError(f"{wanted}. Name one: --firm FIRM. There are: {', '.join(there[:12]) or 'none yet'}.")
    of = people[0].scope.firm
    return FirmModels(of, firms[0], people, read_activations(connection, of))


def _list_models(connection: "Connection", firm_models: FirmModels) -> list[ModelSummary]:
    from connectors.mariadb.source.model_store import list_models
    from streams.shared.model_store import shipped_bytes, shipped_model

    who: dict[str, list[str]] = {}
    for person in firm_models.timekeepers:
        who.setdefault(firm_models.active_version(person), []).append(person.email)
    ships = shipped_model().version
    found = [ModelSummary(ships, True, len(shipped_bytes()), "ships", tuple(who.get(ships, ())))]
    for one in list_models(connection, firm_models.firm_id):
        added = datetime.fromtimestamp(one.created_at / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
        found.append(ModelSummary(one.version, False, one.size, added, tuple(who.get(one.version, ()))))
    return found


def _load_model(connection: "Connection", firm_models: FirmModels, version: str) -> "Model":
    """Loads the model of that version. Raises ConfigurationError if the firm can't activate it."""
    from connectors.mariadb.source.model_store import read_model
    from processors.grouping.model.grouping_model import load_model
    from streams.shared.model_store import shipped_model

    if version == shipped_model().version:
        return shipped_model()
    raw = read_model(connection, firm_models.firm_id, version)
    if raw is None:
        there = ", ".join(one.version for one in _list_models(connection, firm_models))
        raise ConfigurationError(f"Firm {firm_models.name} has no model {version!r}. It has: {there}.")
    return load_model(raw)
