"""Waiting for a condition, with a deadline and a way to be called off."""

import threading
import time
from collections.abc import Callable

PAUSE_S = 0.05


class Cancelled(Exception):
    """The person who waits gave up; whatever is under way ends here. Never shown."""


def wait_until(condition: Callable[[], bool], within_s: float, stop: threading.Event | None = None) -> bool:
    """Looks until `condition` holds; False if it doesn't within `within_s`. Raises Cancelled when `stop` is set."""
    stop = stop or threading.Event()
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        if stop.wait(PAUSE_S):
            raise Cancelled
    return True
