"""The stack's programs: who they are, how each is started and asked whether it is ready, in which order they end."""

import hashlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from connectors.stack.processes.status import is_ready
from connectors.stack.processes.supervisor import MARK, Program
from connectors.stack.servers import kafka, mariadb
from connectors.stack.servers.home import Home, Remembered
from connectors.stack.servers.tls import make_truststore
from schemas.checks import PROGRAMS

ROOT = Path(__file__).parents[3]
SERVERS = ("mariadb", "kafka", "connect")
PARTS = (*SERVERS, *PROGRAMS)


def _worker_answers(name: str, memory: Remembered) -> bool:
    return is_ready(memory.telemetry_url(name) or "")


READY: dict[str, Callable[[Remembered], bool]] = {
    "mariadb": mariadb.accepts,
    "kafka": kafka.broker_answers,
    "connect": kafka.connect_answers,
    **{name: partial(_worker_answers, name) for name in PROGRAMS},
}

STAYS_S, TRIES = 20, 20
"""A worker that ends within seconds is started again for some minutes, ever more slowly: a broker or a database may be
away so long, and each change that our own code fails on takes three. After that a person is needed. One that had
worked is started again at once.
"""

STOP_S = {name: 30 for name in PROGRAMS} | {"bill": 90}
"""Seconds to end before a worker is killed. A model's answer that is on its way is paid for, and may take a minute."""

DOWN_IN_ORDER = (PROGRAMS, ("connect",), ("kafka", "mariadb"))
"""Who uses something ends before it: so each can say its last words."""


def write_settings(home: Home, memory: Remembered, java: Path) -> None:
    """Writes every file that the servers read."""
    mariadb.write_administrator(home, memory)
    kafka.write_settings(home, memory)
    if memory.protection:
        make_truststore(java, memory.protection, home.truststore)


def programs(home: Home, memory: Remembered, server: mariadb.Server, java: Path) -> list[Program]:
    """All programs, for the supervisor. The servers' settings must have been written."""
    mark = {MARK: str(home.path)}
    files = (mariadb.SETTINGS, home.run / "kafka/server.properties", home.run / "connect/connect.properties")
    commands = (
        mariadb.command(server, home, memory),
        kafka.broker_command(java, home),
        kafka.connect_command(java, home),
    )
    # The settings' hash is in the environment, so that changed settings show as a changed program.
    servers = [
        Program(name, command, home.run, {**mark, "TIMELOOM_SEAL": _digest(file)}, stop_s=30)
        for name, command, file in zip(SERVERS, commands, files, strict=True)
    ]
    return servers + workers(home, memory)


def workers(home: Home, memory: Remembered | None = None) -> list[Program]:
    """The programs of ours that work for the stack in `home`; without `memory` they listen on any free port."""
    environment = {
        MARK: str(home.path),
        "TIMELOOM_HOME": str(home.path),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    listens = {
        name: {"TIMELOOM_TELEMETRY_PORT": str(getattr(memory.ports, name) if memory else 0)} for name in PROGRAMS
    }
    return [
        Program(
            name,
            [sys.executable, "-m", "streams", name],
            ROOT,
            {**environment, **listens[name]},
            stays_s=STAYS_S,
            tries=TRIES,
            stop_s=STOP_S[name],
        )
        for name in PROGRAMS
    ]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
