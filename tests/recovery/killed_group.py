"""`group`, killed by itself at one point of a batch's way; run as a script by the recovery tests.

killed_group.py POINT NTH        POINT: before_write, inside_write, after_write, after_ack; NTH: at which batch
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from faust.events import Event

from connectors.kafka.writer import FencedWriter
from streams import group

point, nth = sys.argv[1], int(sys.argv[2])
passed = 0


COMMITTED_S = 2.5
"""Longer than offsets take to be committed: what was acknowledged too early is lost by then."""


def die() -> None:
    """As a power cut would, at the n-th time that this point is reached."""
    global passed
    passed += 1
    if passed >= nth:
        if point != "after_ack":  # there we are on the loop, which must not commit any more
            time.sleep(COMMITTED_S)
        os.kill(os.getpid(), signal.SIGKILL)


def wrapped(original: Callable[..., Any], before: bool) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if before:
            die()
        result = original(*arguments, **named)
        if not before:
            die()
        return result

    return call


match point:
    case "before_write":
        FencedWriter.write = wrapped(FencedWriter.write, before=True)  # type: ignore[method-assign]
    case "inside_write":  # some records are produced, the transaction isn't committed
        FencedWriter._produce = wrapped(FencedWriter._produce, before=False)  # type: ignore[method-assign]
    case "after_write":  # all is on the broker, nothing is acknowledged
        FencedWriter.write = wrapped(FencedWriter.write, before=False)  # type: ignore[method-assign]
    case "after_ack":  # acknowledged in memory, the offset isn't committed
        Event.ack = wrapped(Event.ack, before=False)  # type: ignore[method-assign]
    case _:
        raise SystemExit(f"no such point: {point}")

group.command()
