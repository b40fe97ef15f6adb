"""A load that goes on until it is told to stop, whatever happens to the database meanwhile; run as a process.

    python -m benchmarks.steady RATE SEED FILE       (TIMELOOM_HOME names the stack)

Inserts, updates and deletes of generated weeks, as a collector that tries again does. A line in FILE for each commit.
"""

import signal
import sys
import time
from pathlib import Path

import msgspec
from sqlalchemy.exc import DBAPIError

from connectors.mariadb.engine import connect
from processors.simulation.dials import Dials
from schemas.errors import StackError
from streams.collecting import paced, set_up, write_batch
from streams.settings import load as settings_of
from streams.simulate import generated, week_that_is_over

PEOPLE, DAYS = 12, 40


def main(rate: float, seed: int, out: Path) -> None:
    """Ends when the weeks are all written, or on SIGTERM."""
    from datetime import UTC, datetime

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    dials = msgspec.structs.replace(Dials(), people=PEOPLE, days=DAYS, corrected=0.1, deleted=0.05)
    first = week_that_is_over(datetime.now(UTC).date(), DAYS)
    week = generated(dials, first, seed)
    engine = connect(settings_of().mariadb().url("collector"))
    with engine.begin() as connection:
        scopes, matters = set_up(connection, week, first)
    with out.open("w", buffering=1) as lines:
        for batch in paced(week.writes, rate, time.monotonic, time.sleep):
            while True:
                try:
                    # By source and source id, so a batch whose commit was in doubt is written again without harm.
                    write_batch(engine, batch, scopes, matters)
                    break
                except (StackError, DBAPIError) as error:
                    print(f"  the database is away: {type(error).__name__}", flush=True)
                    time.sleep(0.5)
            lines.write(f"{len(batch)}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
