"""The stack's processes are kept by supervisord: its configuration, its start and end, and talking to it."""

import os
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from connectors.stack.servers.home import Home
from connectors.stack.waiting import wait_until
from schemas.errors import StackError

MARK = "TIMELOOM_STACK"
"""In the environment of every process of a stack, with its home: so they are found when their supervisor was killed."""

STARTS_WITHIN_S = 15
ENDS_WITHIN_S = 100
"""Longer than any program's own `stop_s`, after which it is killed."""


class Program(msgspec.Struct, frozen=True):
    """A process to keep. One that ends before `stays_s` didn't start; after `tries` more starts it is given up."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = {}
    stays_s: int = 10
    tries: int = 3
    stop_s: int = 20


class Process(msgspec.Struct, frozen=True):
    """What the supervisor says of a program: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL."""

    name: str
    state: str
    pid: int | None
    said: str

    @property
    def gave_up(self) -> bool:
        """True when it ended and won't be started again by itself."""
        return self.state in ("EXITED", "FATAL", "UNKNOWN")


class Supervisor:
    """One stack's supervisord, and the way to talk to it: its unix socket."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file = home.run / "supervisord.conf"

    @property
    def alive(self) -> bool:
        """True when it answers."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(os.fspath(self._socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    @property
    def killed(self) -> bool:
        """True when it was there and did not end by itself, so that what it kept may hang around."""
        return (self._home.run / "supervisord.pid").exists() and not self.alive

    def written(self, programs: list[Program]) -> bool:
        """Writes the configuration; True if it isn't what it was."""
        text = configuration(self._home, self._socket, programs)
        before = self._file.read_text() if self._file.exists() else None
        self._file.write_text(text)
        return text != before

    def start(self) -> None:
        """Starts supervisord, which starts nothing by itself. It lives on when we end."""
        command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(self._file)]
        environment = {**os.environ, MARK: str(self._home.path)}
        answer = subprocess.run(command, env=environment, cwd=self._home.run, capture_output=True, text=True)
        if answer.returncode or not wait_until(lambda: self.alive, STARTS_WITHIN_S):
            raise StackError(
                f"supervisord did not start: {answer.stdout}{answer.stderr}See {self._home.logs}/supervisord.log"
            )

    def processes(self) -> dict[str, Process]:
        """All programs by name; empty if the supervisor doesn't answer."""
        if not self.alive:
            return {}
        found: list[dict[str, Any]] = self._ask("getAllProcessInfo")
        return {
            p["name"]: Process(p["name"], p["statename"], p["pid"] or None, p["spawnerr"] or p["description"])
            for p in found
        }

    def run(self, name: str) -> None:
        """Starts a program unless it runs or is being started."""
        if self.processes()[name].pid is None:
            self._ask("startProcess", name, False)

    def halt(self, name: str, within_s: float = ENDS_WITHIN_S) -> None:
        """Stops a program gracefully, by force when its own time is over, and waits until it has ended."""
        process = self.processes().get(name)
        if process is None:
            return  # a supervisor that an older version started, which had no such program
        if process.state not in ("STOPPED", "EXITED", "FATAL", "STOPPING"):
            self._ask("stopProcess", name, False)
        if not wait_until(lambda: self.processes()[name].pid is None, within_s):
            raise StackError(f"{name} does not end. See `./timeloom stack logs {name}`.")

    def end(self) -> None:
        """Ends supervisord and with it whatever it still keeps."""
        if self.alive:
            self._ask("shutdown")
            wait_until(lambda: not self.alive, ENDS_WITHIN_S)

    @property
    def _socket(self) -> Path:
        return self._home.sockets() / "supervisor.sock"

    def _ask(self, method: str, *arguments: object) -> Any:
        # A connection for each question: its connection can't be shared between threads.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server = xmlrpc.client.ServerProxy("http://stack", transport=transport, allow_none=True)
        try:
            return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as error:
            if error.faultCode == Faults.ALREADY_STARTED:
                return None  # it started it again by itself, between our question and this
            raise StackError(
                f"supervisord refused {method} {arguments}: {error.faultString}. See {self._home.logs}/supervisord.log"
            ) from error
        finally:
            transport.close()


def configuration(home: Home, socket_file: Path, programs: list[Program]) -> str:
    """supervisord's configuration. Nothing starts by itself: what depends on what is for the stack to know."""
    user = "user=root\n" if os.geteuid() == 0 else ""  # it warns loudly unless root is meant
    return f"""[unix_http_server]
file={_escaped(socket_file)}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
{user}identifier=timeloom
directory={_escaped(home.run)}
pidfile={_escaped(home.run)}/supervisord.pid
logfile={_escaped(home.logs)}/supervisord.log
logfile_maxbytes=1MB
logfile_backups=1
childlogdir={_escaped(home.logs)}
umask=077
""" + "".join(_section(home, program) for program in programs)


def _section(home: Home, program: Program) -> str:
    environment = ",".join(f'{key}="{_escaped(value)}"' for key, value in program.environment.items())
    return f"""
[program:{program.name}]
command={_escaped(shlex.join(program.command))}
directory={_escaped(program.folder)}
environment={environment}
autostart=false
autorestart=true
startsecs={program.stays_s}
startretries={program.tries}
stopsignal=TERM
stopwaitsecs={program.stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={_escaped(home.logs)}/{program.name}.log
stdout_logfile_maxbytes=9MB
stdout_logfile_backups=4
"""


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def orphans(home: Home) -> list[psutil.Process]:
    """This stack's processes, wherever they hang: also those whose supervisor was killed."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(home.path):
                found.append(process)
        except psutil.Error:
            continue  # somebody else's, or gone by now
    return found


def end_orphans(home: Home) -> int:
    """Ends what a killed supervisor left, gracefully if it lets us; returns how many there were."""
    found = orphans(home)
    for process in found:
        _signal(process.terminate)
    _gone, stubborn = psutil.wait_procs(found, timeout=ENDS_WITHIN_S)
    for process in stubborn:
        _signal(process.kill)
    psutil.wait_procs(stubborn, timeout=5)
    return len(found)


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return
