"""Seconds until the stack is ready, cold and warm, and what each of its processes holds in memory."""

import time
from pathlib import Path

import msgspec

from connectors.stack.stack import Stack
from streams.settings import Settings
from streams.stack.prepare import prepare


class Startup(msgspec.Struct, frozen=True):
    """Seconds from `stack up` to servers, tables, topics and connector ready. Cold: nothing downloaded yet."""

    cold_s: float
    reset_s: float
    warm_s: float


def startup(folder: Path) -> Startup:
    """Three starts in a new home: with downloads, after a reset, and with data there."""
    stack = Stack(folder / "cold")
    cold = _up(stack)
    stack.reset()
    reset = _up(stack)
    stack.down()
    warm = _up(stack)
    stack.reset()
    return Startup(cold, reset, warm)


def memory(stack: Stack) -> dict[str, int]:
    """Resident megabytes of each part that runs."""
    return {part.part: part.memory_mb for part in stack.status() if part.memory_mb}


def _up(stack: Stack) -> float:
    began = time.monotonic()
    stack.up()
    prepare(Settings(home=stack.home.path))
    return round(time.monotonic() - began, 1)
