"""Reading the logs of the stack's processes, also while they are written and rotated."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

PAUSE_S = 0.2


def last_lines(file: Path, count: int) -> list[str]:
    """The last `count` lines; none if there is no such log yet."""
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, maxlen=count)]
    except FileNotFoundError:
        return []


def follow(file: Path, count: int, stop: threading.Event) -> Iterator[str]:
    """The last `count` lines, then every new one until `stop` is set. A rotated log is followed into the new file."""
    yield from last_lines(file, count)
    log = file.open(encoding="utf-8", errors="replace") if file.exists() else None
    if log:
        log.seek(0, 2)
    while not stop.wait(PAUSE_S):
        if log:
            yield from (line.rstrip("\n") for line in log)
        if file.exists() and (log is None or log_is_old(log.fileno(), file)):
            if log:
                log.close()
            log = file.open(encoding="utf-8", errors="replace")


def log_is_old(descriptor: int, file: Path) -> bool:
    """True if the open file is no longer the one at that path."""
    now, then = file.stat(), os.fstat(descriptor)
    return (now.st_ino, now.st_dev) != (then.st_ino, then.st_dev)
