"""What each part of a stack is doing, as one value that a person or a program reads."""

from collections.abc import Callable
from typing import Literal

import msgspec
import psutil

from connectors.stack.processes.supervisor import Process
from connectors.stack.processes.worker_health import told
from connectors.stack.servers.home import LOOPBACK, Remembered

State = Literal["up", "starting", "down", "failed"]


class PartStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One part. `starting`: it runs and doesn't answer (yet). `failed`: it ended and isn't started again by itself."""

    part: str
    state: State
    address: str | None = None
    pid: int | None = None
    memory_mb: int | None = None
    said: str = ""


def look(
    part: str, process: Process | None, memory: Remembered | None, ready: Callable[[Remembered], bool]
) -> PartStatus:
    """The state of one part now. `ready` asks it."""
    where = address(part, memory) if memory else None
    if process is None or process.pid is None or memory is None:
        failed = process is not None and process.gave_up
        return PartStatus(
            part=part,
            state="failed" if failed else "down",
            address=where,
            said=process.said if failed and process else "",
        )
    telemetry = memory.telemetry_url(part)
    answers, said = told(telemetry) if telemetry else (ready(memory), "")
    return PartStatus(
        part=part,
        state="up" if answers else "starting",
        address=where,
        pid=process.pid,
        memory_mb=_memory_mb(process.pid),
        said=said,
    )


def address(part: str, memory: Remembered) -> str | None:
    """Where a part listens; a worker, for questions about itself."""
    return {
        "mariadb": f"{LOOPBACK}:{memory.ports.mariadb}",
        "kafka": memory.kafka_bootstrap,
        "connect": memory.connect_url,
    }.get(part) or memory.telemetry_url(part)


def _memory_mb(pid: int) -> int | None:
    try:
        return round(psutil.Process(pid).memory_info().rss / 1e6)
    except psutil.NoSuchProcess:
        return None
