"""`ops snapshot`: makes capture read tables again while everything runs, and shows its progress.

It is for rows that capture has never seen, because they were written without the binlog. Capture reads what existed
before its first start by itself; `status` shows that snapshot too. The request reaches capture through the binlog, so
capture must run; if its binlog is gone, see docs/runbook.md#the-binlog-is-gone.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import msgspec
import typer

if TYPE_CHECKING:
    from connectors.mariadb.source.snapshot_requests import SnapshotRequest
    from streams.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Have capture read rows that it never saw. Example: ./timeloom ops snapshot start",
    epilog="Exit: 0 well; 1 one is under way already; 2 wrong usage; 3 a server is not up.",
)
SnapshotState = Literal["none", "waiting", "running", "done"]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]
REFRESH_S = 2.0
SNAPSHOT_TABLES = ("activity", "feedback", "release", "activation", "cadence")
"""Not `mark`: an old one would say again that a period is to be closed."""


class SnapshotProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a snapshot. The rows read by an initial snapshot aren't known: it has no `done` until its end.

    `group` and `bill`: their lag in offsets; what is read reaches them like every change.
    """

    state: SnapshotState
    kind: Literal["initial", "incremental"] = "incremental"
    tables: tuple[str, ...] = ()
    rows: int = 0
    done: int = 0
    seconds: float = 0.0
    group: int = 0
    bill: int = 0

    @property
    def rows_per_s(self) -> float:
        """Rows per second since the request."""
        return self.done / self.seconds if self.seconds and self.state == "running" else 0.0

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the rest is read at that rate; None without a rate."""
        return (self.rows - self.done) / self.rows_per_s if self.rows_per_s else None


@app.command("start")
def start_command(
    table: Annotated[
        list[str] | None,
        typer.Option("--table", help=f"One of {', '.join(SNAPSHOT_TABLES)}; may be given again. All of them."),
    ] = None,
) -> None:
    """Make capture read these tables again, in chunks, while everything runs. Rows that are known already change
    nothing.

    Example: ./timeloom ops snapshot start --table activity

    Exit: 0 requested; 1 one is in progress already; 2 there is no such table; 3 a server is not up.
    """
    from streams.settings import load

    for one in table or ():
        if one not in SNAPSHOT_TABLES:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(SNAPSHOT_TABLES)}", param_hint="--table")
    settings = load()
    before = read_progress(settings)
    if before.state in ("waiting", "running"):
        print(f"One is {before.state} already: ./timeloom ops snapshot status")
        raise typer.Exit(1)
    request(settings, tuple(table or SNAPSHOT_TABLES))
    print("Asked for. See how far it is: ./timeloom ops snapshot status --watch")


@app.command("status")
def status_command(
    watch: Annotated[bool, typer.Option("--watch", help="Go on until it is read and grouped, or Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how many rows capture has read, how fast, what is left, and the lag of `group` and `bill`.

    Example: ./timeloom ops snapshot status --watch

    Exit: 0 shown; 3 a server is not up.
    """
    from streams.settings import load

    settings = load()
    while True:
        seen = read_progress(settings)
        print(msgspec.json.encode(seen).decode() if as_json else "\n".join(_progress_lines(seen)), flush=True)
        if not watch or (seen.state in ("none", "done") and not seen.group and not seen.bill):
            return
        time.sleep(REFRESH_S)


def request(settings: "Settings", tables: Sequence[str]) -> None:
    """Requests it. Raises StackError if the database isn't up."""
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.snapshot_requests import request_snapshot

    engine = connect(settings.mariadb().url("pipeline"), pool_size=1)
    with engine.connect() as connection:
        request_snapshot(connection, settings.mariadb().name, tables)
    engine.dispose()


def read_progress(settings: "Settings") -> SnapshotProgress:
    """The current progress. Raises StackError if a server isn't up."""
    from connectors.debezium.connector import Connect
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.snapshot_requests import (
        count_rows,
        count_windows_since_request,
        read_last_request,
        seconds_since,
    )
    from streams.shared.consumer_state import ledger_offsets, read_consumer_states

    place = Connect(settings.connect()).offset()
    behind = {one.group: one.lag for one in read_consumer_states(settings.kafka(), ledger_offsets(settings))}
    engine = connect(settings.mariadb().url("pipeline"), pool_size=1)
    try:
        with engine.connect() as connection:
            asked = read_last_request(connection)
            seen = progress_of(
                place,
                asked,
                lambda table, upto=None: count_rows(connection, table, upto),
                windows=count_windows_since_request(connection, asked) if asked else 0,
                seconds=seconds_since(connection, asked.at) if asked else 0.0,
            )
    finally:
        engine.dispose()
    return msgspec.structs.replace(seen, group=behind.get("group", 0), bill=behind.get("bill", 0))


class CountRows(Protocol):
    """How many rows a table has, or how many with an id up to that one."""

    def __call__(self, table: str, upto: int | None = None, /) -> int: ...


def progress_of(
    connector_offset: Mapping[str, Any],
    request: "SnapshotRequest | None",
    count: CountRows,
    *,
    windows: int,
    seconds: float,
) -> SnapshotProgress:
    """The progress, from the offset that the connector stores and the windows it has opened since the request.

    The offset is stored some tenths of a second after what it describes, so one that names no snapshot may be from
    before this one as well as from after it. It is from after it if it has passed the transaction of the request.
    """
    from connectors.debezium.snapshots import passed, underway

    running = underway(connector_offset)
    if running is not None and running.initial:
        return SnapshotProgress(
            state="running", kind="initial", tables=SNAPSHOT_TABLES, rows=sum(count(table) for table in SNAPSHOT_TABLES)
        )
    if request is None:
        return SnapshotProgress(state="none")
    counts = {table: count(table) for table in request.tables}
    every = sum(counts.values())
    seen = SnapshotProgress(state="running", tables=request.tables, rows=every, seconds=seconds)
    if running is not None and running.asked == request.id:
        read = sum(of for table, of in counts.items() if table not in running.left)
        read += sum(count(table, running.reached) for table in running.left[:1])
        return msgspec.structs.replace(seen, done=read)
    if every and not windows:
        return msgspec.structs.replace(seen, state="waiting")
    if every and request.transaction and not passed(connector_offset, request.transaction, request.requested_at_s):
        return seen
    return msgspec.structs.replace(seen, state="done", done=every)


def _progress_lines(seen: SnapshotProgress) -> list[str]:
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
    left = "" if seen.remaining_s is None else f", {seen.remaining_s:.0f} s left"
    return [f"{named}: {seen.done} of {seen.rows} rows, {seen.rows_per_s:.0f}/s{left}", rest]
