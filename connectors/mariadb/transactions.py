"""A transaction that is tried again where it met somebody else's lock; nothing else is ever tried again."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

RETRIES = 5
COLLISIONS = frozenset({1205, 1213, 1020, 1452})
"""A lock that waited too long, a deadlock, a row that changed under us, one that was deleted since we read that it is
there: nothing was written, and it may work now.
"""

EXHAUSTED = frozenset({1021, 1026, 1030, 1037, 1038, 1041, 1114, 1290, 1836, 1969})
"""Disk or memory is full, or the server takes no writes: it passes, or a person mends it; no record is to blame."""

T = TypeVar("T")


def in_transaction(engine: Engine, work: Callable[[Connection], T], isolation: str = "REPEATABLE READ") -> T:
    """Runs the work on one consistent reading of the database; a few times, where it meets somebody else's lock."""
    consistent = engine.execution_options(isolation_level=isolation)
    for attempt in Retrying(
        retry=retry_if_exception(_collided),
        stop=stop_after_attempt(RETRIES),
        wait=wait_random_exponential(0.05, max=1),
        reraise=True,
    ):
        with attempt, consistent.begin() as connection:
            return work(connection)
    raise AssertionError("tenacity re-raises the last error")


def is_of_the_server(error: BaseException) -> bool:
    """Is it the server's state that made this fail, whatever was to be written?"""
    return _code(error) in COLLISIONS | EXHAUSTED


def _collided(error: BaseException) -> bool:
    return _code(error) in COLLISIONS


def _code(error: BaseException) -> object:
    return error.orig.args[0] if isinstance(error, DBAPIError) and error.orig is not None else None
