"""A load that goes on until it is told to stop, whatever happens to the database meanwhile; run as a process.

    python -m benchmarks.steady RATE MINUTES SEED FILE       (TIMELOOM_HOME names the stack)

Inserts, updates and deletes of generated weeks, as a collector that tries again does. FILE gets a line for each batch
when all of it is committed: when it was first tried (seconds since 1970), its writes, and whose they were.
"""

import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy.exc import DBAPIError

from connectors.mariadb.server.engine import connect
from processors.simulation.dials import Dials
from processors.simulation.values import RowWrite, SimulatedWeek, WriteOperation
from schemas.errors import StackError
from streams.settings import load as settings_of
from streams.simulate.collector import paced, set_up, write_batch
from streams.simulate.command import generate_week, past_week_start

PEOPLE = (24, 480)
WRITES_A_PERSON = 900
"""Many people with some days each, whose rows are corrected and deleted often: a load of many changes that doesn't grow
groups of thousands of members, each of which is said anew with every change.
"""
WRITES_A_PERSON_AND_DAY = 190

TRY_AGAIN_S = 0.2


class Tried(msgspec.Struct, frozen=True):
    """A batch that is committed: when it was first tried, how many writes, of which timekeepers."""

    at: float
    writes: int
    timekeepers: tuple[int, ...]


def week_of(rate: float, minutes: float, seed: int) -> SimulatedWeek:
    """Weeks of as many days as that load needs; the same for the same arguments on the same day."""
    writes = int(rate * minutes * 60)
    people = min(max(writes // WRITES_A_PERSON, PEOPLE[0]), PEOPLE[1])
    days = writes // (people * WRITES_A_PERSON_AND_DAY) + 2
    dials = msgspec.structs.replace(Dials(), people=people, days=days, corrected=0.8, deleted=0.25)
    return generate_week(dials, past_week_start(datetime.now(UTC).date(), days), seed)


def tried(file: Path) -> list[Tried]:
    """What the load has committed so far."""
    found = []
    for line in file.read_text().splitlines(keepends=True) if file.exists() else []:
        if line.endswith("\n"):
            at, writes, *timekeepers = line.split()
            found.append(Tried(float(at), int(writes), tuple(map(int, timekeepers))))
    return found


def left(writes: tuple[RowWrite, ...]) -> set[tuple[str, str]]:
    """Address and source id of each row that is there after these writes."""
    rows = set()
    for one in writes:
        name = (one.email, one.row.source_id)
        if one.operation is WriteOperation.DELETE:
            rows.discard(name)
        else:
            rows.add(name)
    return rows


def main(rate: float, minutes: float, seed: int, out: Path) -> None:
    """Ends when the weeks are all written, or at the end of a batch after SIGTERM."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    week = week_of(rate, minutes, seed)
    engine = connect(settings_of().mariadb().url("collector"))
    with engine.begin() as connection:
        scopes, matters = set_up(connection, week, datetime.now(UTC).date())
    with out.open("w", buffering=1) as lines:
        for batch in paced(week.writes, rate, time.monotonic, time.sleep):
            began = time.time()
            while True:
                try:
                    # By source and source id, so a batch whose commit was in doubt is written again without harm.
                    write_batch(engine, batch, scopes, matters)
                    break
                except (StackError, DBAPIError):
                    time.sleep(TRY_AGAIN_S)
            whose = sorted({scopes[one.email].timekeeper for one in batch})
            lines.write(f"{began:.3f} {len(batch)} {' '.join(map(str, whose))}\n")
            if told:
                return


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
