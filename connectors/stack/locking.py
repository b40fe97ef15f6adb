"""One command at a time changes a stack: two that start it at once would start two of everything."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.stack.waiting import wait_until
from schemas.errors import StackError

PATIENCE_S = 180
"""A cold start on a slow line; whoever waits longer is told who is at work."""


@contextmanager
def only_one(lock: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Holds `lock` while the body runs. The kernel drops it when its holder ends, however that happens."""
    with lock.open("a+") as file:
        if not wait_until(lambda: _locked(file.fileno()), patience_s):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise StackError(
                f"Another command (process {holder}) is changing the stack in {lock.parent}; try again later."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
