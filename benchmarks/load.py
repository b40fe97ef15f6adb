"""The load: rows of generated weeks of many people, written to MariaDB at a rate; run as a process of its own.

    python -m benchmarks.load RATE ROWS ROWS_A_COMMIT SEED FILE       (TIMELOOM_HOME names the stack)

Writes `first_id count committed_at` lines to FILE: seconds since 1970 at which the commit was acknowledged. A rate of 0
is as fast as can be.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, insert

from connectors.mariadb.server.engine import connect
from connectors.mariadb.tables.column_types import Base
from processors.simulation.dials import Dials
from processors.simulation.values import SimulatedWeek, WriteOperation
from schemas.keys import Scope
from streams.settings import load as settings_of
from streams.simulate.collector import set_up
from streams.simulate.command import generate_week, past_week_start

PEOPLE, ROWS_A_PERSON_AND_DAY = 50, 80
ACTIVITY = Base.metadata.tables["activity"]


def week_of(rows: int, seed: int) -> SimulatedWeek:
    """A week long enough to have so many inserts."""
    days = -(-rows // (PEOPLE * ROWS_A_PERSON_AND_DAY)) + 1
    dials = msgspec.structs.replace(Dials(), people=PEOPLE, days=days)
    return generate_week(dials, past_week_start(datetime.now(UTC).date(), days), seed)


def rows_of(week: SimulatedWeek, scopes: dict[str, Scope]) -> list[dict[str, object]]:
    """Every row that the week inserts, in the order in which collectors would write it."""
    return [
        {
            "firm_id": scopes[write.email].firm,
            "timekeeper_id": scopes[write.email].timekeeper,
            "source": "bench",
            "source_id": write.row.source_id,
            "kind": write.row.kind,
            "app": write.row.app,
            "started_at": write.row.started_at,
            "ended_at": write.row.ended_at,
            "zone": write.row.zone,
            "words": msgspec.json.encode(write.row.words).decode(),
        }
        for write in week.writes
        if write.operation is WriteOperation.INSERT
    ]


def write(connection: Connection, some: list[dict[str, object]]) -> int:
    """One transaction; the id of its first row. A multi-row insert takes consecutive ids."""
    first = connection.execute(insert(ACTIVITY).values(some)).lastrowid
    connection.commit()
    return int(first)


def main(rate: float, count: int, together: int, seed: int, out: Path) -> None:
    """Writes `count` rows, `together` a commit, each commit at its due time."""
    week = week_of(count, seed)
    engine = connect(settings_of().mariadb().url("admin"))
    with engine.begin() as connection:
        scopes, _ = set_up(connection, week, datetime.now(UTC).date())
    rows = rows_of(week, scopes)[:count]
    assert len(rows) == count, f"the generated weeks have only {len(rows)} rows"
    with engine.connect() as connection, out.open("w") as lines:
        began = time.time()
        for first in range(0, count, together):
            if rate and (early := began + first / rate - time.time()) > 0:
                time.sleep(early)
            some = rows[first : first + together]
            lines.write(f"{write(connection, some)} {len(some)} {time.time()}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
