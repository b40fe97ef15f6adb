"""`ops snapshot`: have capture read tables again while everything runs, and see how far that is.

For rows that capture has never seen, since they were written past the binlog. What was there before its first start it
reads by itself; `status` shows that one too. Capture hears of it by the binlog, so it must run; where its binlog is
gone, see docs/runbook.md#the-binlog-is-gone.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from connectors.debezium.snapshots import Underway
    from connectors.mariadb.snapshots import Asked
    from streams.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Have capture read rows that it never saw. Example: ./timeloom ops snapshot start",
    epilog="Exit: 0 well; 1 one is under way already; 2 wrong usage; 3 a server is not up.",
)
State = Literal["none", "waiting", "running", "done"]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]
EVERY_S = 2.0
TABLES = ("activity", "feedback", "release", "activation", "cadence")
"""Not `mark`: an old one would say again that a period is to be closed."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as it is now. Of an initial one the rows that are read aren't told: it has no `done` until its end.

    `group` and `bill`: by how many offsets they are behind; what is read comes to them like every change.
    """

    state: State
    kind: Literal["initial", "incremental"] = "incremental"
    tables: tuple[str, ...] = ()
    rows: int = 0
    done: int = 0
    seconds: float = 0.0
    group: int = 0
    bill: int = 0

    @property
    def per_s(self) -> float:
        """Rows a second since it was asked for."""
        return self.done / self.seconds if self.seconds and self.state == "running" else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the rest is read, at that rate; None where there is none."""
        return (self.rows - self.done) / self.per_s if self.per_s else None


@app.command("start")
def start_(
    table: Annotated[
        list[str] | None, typer.Option("--table", help=f"One of {', '.join(TABLES)}; may be given again. All of them.")
    ] = None,
) -> None:
    """Ask capture to read these tables again, in chunks, while everything runs. What is known already changes nothing.

    Example: ./timeloom ops snapshot start --table activity

    Exit: 0 it was asked for; 1 one is under way already; 2 there is no such table; 3 a server is not up.
    """
    from streams.settings import load

    for one in table or ():
        if one not in TABLES:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(TABLES)}", param_hint="--table")
    settings = load()
    before = status(settings)
    if before.state in ("waiting", "running"):
        print(f"One is {before.state} already: ./timeloom ops snapshot status")
        raise typer.Exit(1)
    start(settings, tuple(table or TABLES))
    print("Asked for. See how far it is: ./timeloom ops snapshot status --watch")


@app.command("status")
def status_(
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it is read and grouped, or Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show how many rows capture has read, how fast, what is left, and how far `group` and `bill` are behind.

    Example: ./timeloom ops snapshot status --watch

    Exit: 0 shown; 3 a server is not up.
    """
    from streams.settings import load

    settings = load()
    while True:
        seen = status(settings)
        print(msgspec.json.encode(seen).decode() if as_json else "\n".join(_lines(seen)), flush=True)
        if not watch or (seen.state in ("none", "done") and not seen.group and not seen.bill):
            return
        time.sleep(EVERY_S)


def start(settings: "Settings", tables: Sequence[str]) -> None:
    """Asks for it. Raises StackError where the database isn't up."""
    from connectors.mariadb.engine import connect
    from connectors.mariadb.snapshots import ask

    engine = connect(settings.mariadb().url("pipeline"), pool_size=1)
    with engine.begin() as connection:
        ask(connection, settings.mariadb().name, tables)
    engine.dispose()


def status(settings: "Settings") -> Snapshot:
    """How far it is. Raises StackError where a server isn't up."""
    from connectors.debezium.connector import Connect
    from connectors.debezium.snapshots import underway
    from connectors.mariadb.engine import connect
    from connectors.mariadb.snapshots import last_asked
    from streams.ops.consumers import look
    from streams.ops.lag import places

    running = underway(Connect(settings.connect()).offset())
    behind = {one.group: one.lag for one in look(settings.kafka(), places(settings))}
    engine = connect(settings.mariadb().url("pipeline"), pool_size=1)
    try:
        with engine.connect() as connection:
            seen = _seen(connection, running, last_asked(connection))
    finally:
        engine.dispose()
    return msgspec.structs.replace(seen, group=behind.get("group", 0), bill=behind.get("bill", 0))


def _seen(connection: "Connection", running: "Underway | None", asked: "Asked | None") -> Snapshot:
    from connectors.mariadb.snapshots import begun, rows, seconds_since

    if running is not None and running.initial:
        every = sum(rows(connection, table) for table in TABLES)
        return Snapshot(state="running", kind="initial", tables=TABLES, rows=every)
    if asked is None:
        return Snapshot(state="none")
    counts = {table: rows(connection, table) for table in asked.tables}
    every, seconds = sum(counts.values()), seconds_since(connection, asked.at)
    if running is not None and running.asked == asked.id:
        present = running.left[:1]
        read = sum(count for table, count in counts.items() if table not in running.left)
        read += sum(rows(connection, table, running.reached) for table in present)
        return Snapshot(state="running", tables=asked.tables, rows=every, done=read, seconds=seconds)
    if every and not begun(connection, asked):
        return Snapshot(state="waiting", tables=asked.tables, rows=every, seconds=seconds)
    return Snapshot(state="done", tables=asked.tables, rows=every, done=every, seconds=seconds)


def _lines(seen: Snapshot) -> list[str]:
    named = f"{seen.kind} snapshot of {', '.join(seen.tables)}"
    rest = f"  group is {seen.group} behind, bill {seen.bill}"
    match seen.state:
        case "none":
            return ["No snapshot was asked for.", rest]
        case "waiting":
            return [f"{named}: asked for {seen.seconds:.0f} s ago; capture hasn't begun", rest]
        case "done":
            return [f"{named}: all {seen.rows} rows are read", rest]
    if seen.kind == "initial":
        return [f"{named}: reading {seen.rows} rows", rest]
    left = "" if seen.left_s is None else f", {seen.left_s:.0f} s left"
    return [f"{named}: {seen.done} of {seen.rows} rows, {seen.per_s:.0f}/s{left}", rest]
