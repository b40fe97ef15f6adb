"""Waiting: for a condition with a deadline, for two things at once; and a way to be called off."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")

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


def both(stop: threading.Event, one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """Does two things at once. A failure of one, or Ctrl-C, calls the other off by `stop` and is raised."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(one), pool.submit(other)
        pair: list[Future[Any]] = [first, second]
        try:
            done, _pending = wait(pair, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return first.result(), second.result()
        except BaseException:
            stop.set()
            wait(pair)
            stop.clear()
            raise
