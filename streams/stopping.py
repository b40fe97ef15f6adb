"""How a program that runs for ever is told to stop."""

import signal
import threading
from types import FrameType


def stopping() -> threading.Event:
    """Set by SIGTERM and SIGINT: what is under way is finished first. For the main thread of a program."""
    stop = threading.Event()

    def told(_: int, __: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return stop
