"""Reading the logs of the stack's processes, also while they are written and rotated."""

import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

PAUSE_S = 0.2
LOOKED_AT = 400
FULL = re.compile(r"No space left|out of disk space|File too large|Disk quota exceeded|[Dd]isk (is )?full")
ERROR = re.compile(r"\b(ERROR|FATAL)\b|\"level\": \"error\"|^timeloom: |Exception: |Error: ")
LONGEST = 200


def last_lines(file: Path, count: int) -> list[str]:
    """The last `count` lines; none if there is no such log yet."""
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, maxlen=count)]
    except FileNotFoundError:
        return []


def last_error(file: Path) -> str:
    """The line that best tells why a process ended: that a disk is full, else the last error; empty if none is."""
    lines = last_lines(file, LOOKED_AT)
    for telling in (FULL, ERROR):
        if found := [line for line in lines if telling.search(line)]:
            return found[-1].strip()[:LONGEST]
    return ""


def follow(file: Path, count: int, stop: threading.Event) -> Iterator[str]:
    """The last `count` lines, then every new one until `stop` is set. A rotated log is followed into the new file."""
    most: int | None = count  # of the first file only; of those after it, every line
    while not stop.is_set():
        if not file.exists():
            stop.wait(PAUSE_S)
            continue
        with file.open(encoding="utf-8", errors="replace") as log:
            yield from (line.rstrip("\n") for line in deque(log, maxlen=most))
            most = None
            while not stop.wait(PAUSE_S):
                rotated = _is_another(log.fileno(), file)  # asked before reading: what is written until then is read
                yield from (line.rstrip("\n") for line in log)
                if rotated:
                    break


def _is_another(descriptor: int, file: Path) -> bool:
    """True if the file at that path is no longer the open one."""
    try:
        return not os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return True
