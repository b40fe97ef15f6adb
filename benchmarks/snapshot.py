"""Rows that were there before capture: how long until they are grouped, at the first start and by `ops snapshot`.

    python -m benchmarks.snapshot --rows 100000 --again 20000

All rows are generated and say so. Writes results/snapshot-ROWS.json.
"""

import os
import platform
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from sqlalchemy import Engine, insert, text

from benchmarks.load import ACTIVITY, rows_of, week_of
from benchmarks.run import RESULTS
from connectors.kafka.progress.unread import unread
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.server.engine import connect
from connectors.mariadb.server.migrate import migrate
from connectors.mariadb.server.users import Passwords
from connectors.stack.stack import Stack
from schemas.keys import RowKey, decode_key
from schemas.topics import CHANGES, PARTITIONS, WORKING_SET
from streams.ops.snapshot import read_progress, request
from streams.settings import ROOT, Settings
from streams.simulate.collector import set_up
from streams.stack.prepare import prepare

TOGETHER = 1_000
FROM_ONE_WEEK = 50_000
PATIENCE_S = 3_600
LOOK_S = 2.0


class Stretch(msgspec.Struct, frozen=True):
    """One way of rows to groups. Seconds are from the start of capture, or of the snapshot; they overlap."""

    rows: int
    timekeepers: int
    captured_s: float
    captured_per_s: int
    grouped_s: float
    grouped_per_s: int


class Results(msgspec.Struct, frozen=True):
    """What a run measured, and on what."""

    at: str
    machine: str
    load_before: float
    data: str
    written_s: float
    initial: Stretch
    incremental: Stretch | None


def main(rows: int = 100_000, again: int = 20_000, home: Path | None = None) -> None:
    """Writes `rows` before capture ever ran and `again` past the binlog, and times how both become groups."""
    load = os.getloadavg()[0]
    home = home or ROOT / ".timeloom" / "tests" / f"{os.getpid()}-snapshot"
    stack = Stack(home, downloads=ROOT / ".timeloom" / "downloads")
    os.environ["TIMELOOM_HOME"] = str(home)
    try:
        stack.up()
        settings = Settings(home=home)
        engine = _migrated(settings)
        began = time.monotonic()
        people = _fill(engine, rows, "there before")
        written = time.monotonic() - began
        print(f"{rows} rows of {people} timekeepers written in {written:.0f} s", flush=True)
        prepared = time.monotonic()
        prepare(settings)
        stack.start("group")
        initial = _timed(settings, rows, people, prepared)
        incremental = None
        if again:
            people = _fill(engine, again, "past the binlog", logged=False)
            began = time.monotonic()
            request(settings, ("activity",))
            # It reads the whole table: what is known already is told apart by its version, and changes nothing.
            incremental = _timed(settings, rows + again, people, began)
    finally:
        stack.reset()
        shutil.rmtree(home)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, one group worker"
    results = Results(
        datetime.now(UTC).isoformat(timespec="seconds"),
        machine,
        load,
        "generated: weeks of simulated people, told apart by their firms",
        round(written, 1),
        initial,
        incremental,
    )
    RESULTS.mkdir(exist_ok=True)
    told = msgspec.json.format(msgspec.json.encode(results), indent=2)
    (RESULTS / f"snapshot-{rows}.json").write_bytes(told + b"\n")
    print(told.decode())


def _migrated(settings: Settings) -> Engine:
    """The tables without the connector: nothing is captured yet."""
    database = settings.mariadb()
    secrets = database.secrets
    migrate(database.url("admin"), Passwords(secrets.collector, secrets.capture, secrets.pipeline), database.name)
    return connect(database.url("admin"))


def _fill(engine: Engine, rows: int, what: str, logged: bool = True) -> int:
    """Writes so many generated activities, as fast as can be; returns of how many timekeepers.

    One generated week is written for one firm after another, until there are enough.
    """
    week = week_of(min(rows, FROM_ONE_WEEK), seed=11)
    people, left = 0, rows
    with engine.connect() as connection:
        connection.execute(text(f"SET SESSION sql_log_bin = {int(logged)}"))
        while left:
            firm = msgspec.structs.replace(week.firm, name=f"{week.firm.name} {what} {left}")
            scopes, _ = set_up(connection, msgspec.structs.replace(week, firm=firm), datetime.now(UTC).date())
            some = rows_of(week, scopes)[:left]
            for first in range(0, len(some), TOGETHER):
                connection.execute(insert(ACTIVITY).values(some[first : first + TOGETHER]))
                connection.commit()
            left, people = left - len(some), people + len(scopes)
        connection.execute(text("SET SESSION sql_log_bin = 1"))
        connection.commit()
    return people


def _timed(settings: Settings, rows: int, people: int, began: float) -> Stretch:
    """Waits until all rows are read and grouped, and prints how far that is; then counts what the workers know."""
    captured = 0.0
    while True:
        seen = read_progress(settings)
        now = time.monotonic() - began
        print(f"{now:6.0f} s: {seen}", flush=True)
        if not captured and seen.state in ("none", "done") and _on_the_topic(settings) >= rows:
            captured = now
        if captured and not seen.group:
            break
        assert now < PATIENCE_S, "the rows don't come through"
        time.sleep(LOOK_S)
    known = _known(settings)
    assert known == rows, f"{known} of {rows} rows are known to the workers"
    return Stretch(rows, people, round(captured, 1), round(rows / captured), round(now, 1), round(rows / now))


def _on_the_topic(settings: Settings) -> int:
    """Offsets of `changes`: at least one for each row."""
    places = {(CHANGES.name, number): None for number in range(PARTITIONS)}
    return sum(one.end for one in unread(settings.kafka(), places).values())


def _known(settings: Settings) -> int:
    """Activities that `working-set` holds."""
    keys = {record.key for record in read_to_end(settings.kafka(), WORKING_SET.name, list(range(PARTITIONS)))}
    return sum(1 for key in keys if key is not None and decode_key(key, RowKey).table == "activity")


if __name__ == "__main__":
    typer.run(main)
