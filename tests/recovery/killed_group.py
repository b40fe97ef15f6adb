"""`group`, killed by itself at one point of a batch's way; run as a script by the recovery tests.

killed_group.py POINT NTH        POINT: before_write, inside_write, after_write, after_ack; NTH: at which batch
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from faust.events import Event
from faust.transport.consumer import Consumer

from connectors.kafka.records.fenced_writer import FencedWriter
from streams.group import command

point, nth = sys.argv[1], int(sys.argv[2])
passed = commits = 0
committed = threading.Condition()
_commit = Consumer.commit

WITHIN_S = 30
"""A commit is due each second; without one for so long there is nothing to see here, and this exits with 3."""


async def commit(self: Consumer, *arguments: Any, **named: Any) -> bool:
    """Counts the times that what was acknowledged has been committed."""
    global commits
    done = await _commit(self, *arguments, **named)
    with committed:
        commits += 1
        committed.notify_all()
    return done


def die() -> None:
    """As a power cut would, at the n-th time that this point is reached."""
    global passed
    passed += 1
    if passed >= nth:
        if point != "after_ack":  # there we are on the loop, which must not commit any more
            # Of two commits that end from now on, the later began from now on: what was acknowledged too early is lost.
            with committed:
                enough = commits + 2
                if not committed.wait_for(lambda: commits >= enough, WITHIN_S):
                    os._exit(3)
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


Consumer.commit = commit  # type: ignore[method-assign]
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

command.command()
