"""`group` with a second model, whose event loop is watched; run as a script by the tests.

Prints `LOOP HELD <milliseconds>` once a second: the longest that the loop was held in it. How long the machine
kept one of its threads waiting meanwhile, or its host kept it waiting, isn't counted: that is the neighbours' doing.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from processors.grouping.model.grouping_model import Model
from streams.group import command
from streams.group.assignment import Assignment
from streams.shared import model_store

TICK_S = 0.01
SECOND = "second"

_assigned = Assignment.assign


class Shelf(model_store.ModelStore):
    """The shipped model, and one that groups otherwise."""

    def models_of(self, firm: int) -> Mapping[str, Model]:
        first = model_store.shipped_model()
        joining = {
            regime: msgspec.structs.replace(one, over=one.over + 500_000) for regime, one in first.joining.items()
        }
        return {**super().models_of(firm), SECOND: msgspec.structs.replace(first, joining=joining, version=SECOND)}


def waited_ns() -> dict[str, int]:
    """By thread of ours, how long it was ready to run and the machine didn't let it."""
    waited = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            waited[task.name] = int((task / "schedstat").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # that thread has ended
    return waited


def stolen_s(before: list[float] | None = None) -> list[float]:
    """By processor of this machine, how long its host let it wait since `before`: no thread's wait has that in it."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    ticks = [int(line[8]) / os.sysconf("SC_CLK_TCK") for line in lines[1:]]  # the first is their sum
    return [now - then for now, then in zip(ticks, before or [0.0] * len(ticks), strict=True)]


async def watch() -> None:
    """Ticks as long as the process lives. Asking how long threads waited takes Python's lock often: never in a tick."""
    while True:
        worst, end = 0.0, time.monotonic() + 1
        while time.monotonic() < end:
            before, stolen = waited_ns(), stolen_s()
            began = time.monotonic()
            await asyncio.sleep(TICK_S)
            late = time.monotonic() - began - TICK_S
            if late > worst:
                # Only one thread runs at a time, so the one that waited longest is what the machine took at least.
                taken = max(ns - before.get(thread, 0) for thread, ns in waited_ns().items())
                worst = max(worst, late - taken / 1e9 - max(stolen_s(stolen)))
        sys.stdout.write(f"LOOP HELD {round(worst * 1e3)}\n")


watching: set[asyncio.Task[None]] = set()


def assigned(self: Assignment, partitions: Any) -> None:
    """The first moment on the loop that is ours."""
    if not watching:
        watching.add(asyncio.get_running_loop().create_task(watch()))
    _assigned(self, partitions)


model_store.ModelStore = Shelf  # type: ignore[misc]
Assignment.assign = assigned  # type: ignore[method-assign]
command.command()
