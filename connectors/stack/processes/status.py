"""What each part of a stack is doing, as one value that a person or a program reads."""

from collections.abc import Callable
from typing import Literal

import msgspec
import psutil
import requests

from connectors.stack.processes.supervisor import Process
from connectors.stack.servers.home import LOOPBACK, Remembered
from schemas.checks import Health, decode_health

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


PATIENCE_S = 2
"""A worker whose database is frozen takes one second to say so."""


def ask(address: str, path: str) -> Health | None:
    """What it says at `healthz` or `readyz`; None where nobody answers, or somebody else does."""
    try:
        return decode_health(requests.get(f"{address}/{path}", timeout=PATIENCE_S).content)
    except (requests.RequestException, msgspec.MsgspecError):
        return None


def told(address: str) -> tuple[bool, str]:
    """Whether it is ready; and what it says is wrong with it and what to do, empty where all is well."""
    readiness = ask(address, "readyz")
    if readiness is None:
        return False, "it doesn't answer"
    # What is ready may still not be well.
    health = ask(address, "healthz")
    said = dict.fromkeys(one.problems for one in (health, readiness) if one is not None and one.problems)
    return readiness.well, " ".join(said)


def is_ready(address: str) -> bool:
    """True when it says that it is ready."""
    answer = ask(address, "readyz")
    return answer is not None and answer.well
