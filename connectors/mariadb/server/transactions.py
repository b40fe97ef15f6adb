"""Repeats transactions after a lock conflict, and work while the database is unavailable."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from schemas.errors import StackError

TRANSACTION_ATTEMPTS = 5
RETRYABLE_CODES = frozenset({1205, 1213, 1020, 1452})
"""A lock timeout, a deadlock, a row that changed since our snapshot, and a key to a row that was deleted since we read
it. Nothing was written, and the next attempt may succeed.
"""

RESOURCE_CODES = frozenset({1021, 1026, 1030, 1037, 1038, 1041, 1114, 1290, 1836, 1969})
"""Disk or memory is full, or the server refuses writes. It passes or a person mends it; no record is the cause."""

T = TypeVar("T")


def in_transaction(engine: Engine, work: Callable[[Connection], T], isolation: str = "REPEATABLE READ") -> T:
    """Runs `work` in one transaction and returns its result; after a lock conflict repeats it, at most 5 attempts.

    With the default isolation all reads of the work see one consistent state of the database.
    """
    consistent = engine.execution_options(isolation_level=isolation)
    for attempt in Retrying(
        retry=retry_if_exception(_is_retryable),
        stop=stop_after_attempt(TRANSACTION_ATTEMPTS),
        wait=wait_random_exponential(0.05, max=1),
        reraise=True,
    ):
        with attempt, consistent.begin() as connection:
            return work(connection)
    raise AssertionError("tenacity re-raises the last error")


def is_server_fault(error: BaseException) -> bool:
    """Returns whether the server's state caused the error, independent of what was to be written."""
    return _error_code(error) in RETRYABLE_CODES | RESOURCE_CODES


def _is_retryable(error: BaseException) -> bool:
    return _error_code(error) in RETRYABLE_CODES


def _error_code(error: BaseException) -> object:
    return error.orig.args[0] if isinstance(error, DBAPIError) and error.orig is not None else None


def retry_while_unavailable(work: Callable[[], object], timeout_s: float) -> None:
    """Repeats idempotent `work` while the database is unavailable; after `timeout_s` seconds raises its last error."""
    Retrying(
        retry=retry_if_exception_type((StackError, OperationalError)),
        stop=stop_after_delay(timeout_s),
        wait=wait_random_exponential(0.1, max=5),
        reraise=True,
    )(work)
