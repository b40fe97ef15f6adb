"""`group` with a second model, whose event loop is watched; run as a script by the tests.

Prints `LOOP HELD <milliseconds>` once a second: the longest that the loop was held in it. What the machine took away
from this process's threads meanwhile isn't counted: that is the neighbours' doing.
"""

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from processors.grouping.model import Model
from streams import group, models
from streams.seats import Seats

TICK_S = 0.01
SECOND = "second"

_known = models.known_models
_assigned = Seats.assigned


def known_models() -> Mapping[str, Model]:
    """The shipped model, and one that groups otherwise."""
    first = models.shipped_model()
    joining = msgspec.structs.replace(first.joining, over=first.joining.over + 500_000)
    return {**_known(), SECOND: msgspec.structs.replace(first, joining=joining, version=SECOND)}


def taken_s() -> float:
    """How long threads of ours were ready to run and the machine didn't let them."""
    waited = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            waited += int((task / "schedstat").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # that thread has ended
    return waited / 1e9


async def watch() -> None:
    """Ticks as long as the process lives."""
    while True:
        worst, end = 0.0, time.monotonic() + 1
        while time.monotonic() < end:
            began, taken = time.monotonic(), taken_s()
            await asyncio.sleep(TICK_S)
            late = time.monotonic() - began - TICK_S
            if late > worst:
                worst = max(worst, late - (taken_s() - taken))
        sys.stdout.write(f"LOOP HELD {round(worst * 1e3)}\n")


watching: set[asyncio.Task[None]] = set()


def assigned(self: Seats, partitions: Any) -> None:
    """The first moment on the loop that is ours."""
    if not watching:
        watching.add(asyncio.get_running_loop().create_task(watch()))
    _assigned(self, partitions)


models.known_models = known_models  # type: ignore[assignment]
Seats.assigned = assigned  # type: ignore[method-assign]
group.command()
