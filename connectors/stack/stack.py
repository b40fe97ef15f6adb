"""The native stack as one value: up, down, reset, status, logs. The command line and the tests drive it through this.

with the stack to ourselves ─▶ bring parts ─▶ end what a killed session left ─▶ ports ─▶ supervisor ─▶ start, wait
"""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from connectors.stack.install.archives import Fetcher
from connectors.stack.install.java import ensure_java
from connectors.stack.locking import only_one
from connectors.stack.processes.log_files import follow, last_error, last_lines
from connectors.stack.processes.programs import DOWN_IN_ORDER, PARTS, READY, SERVERS, programs, write_settings
from connectors.stack.processes.status import PartStatus, look
from connectors.stack.processes.supervisor import Process, Supervisor, end_orphans
from connectors.stack.progress import Progress, Silent
from connectors.stack.servers import kafka, mariadb
from connectors.stack.servers.home import Home, Remembered, first_memory, free_ports, protected, taken
from connectors.stack.servers.tls import check
from connectors.stack.waiting import both, wait_until
from schemas.errors import StackError

READY_WITHIN_S = 90
"""Ten times what it takes on two shared cores: after that something is wrong."""


class Stack:
    """The stack in one home folder. Several may share `downloads`; `repository` is a mirror for Java archives.

    With `certificates` (`connectors.stack.servers.tls`) its servers are reached by TLS only, now and in future starts.
    """

    def __init__(
        self,
        home: Path,
        *,
        downloads: Path | None = None,
        progress: Progress | None = None,
        repository: str | None = None,
        java_home: Path | None = None,
        certificates: Path | None = None,
    ) -> None:
        self.home = Home(home, downloads)
        self._supervisor = Supervisor(self.home)
        self._progress = progress or Silent()
        self._repository, self._java_home, self._certificates = repository, java_home, certificates
        self._stop = threading.Event()

    def up(self) -> Remembered:
        """Brings MariaDB, Kafka and Connect up and returns when each answers; what is up already stays as it is.

        Raises StackError with the last lines of a part that isn't ready in time. Interrupted, it stops what it started.
        """
        with self._alone():
            server, java = self._bring()
            running = {name for name, process in self._supervisor.processes().items() if process.pid}
            memory = self._settle(running)
            if self._write(memory, server, java) and self._supervisor.alive:
                if running:
                    self._progress.say("The settings have changed: everything is started anew.")
                self._halt()
            if not self._supervisor.alive:
                self._supervisor.start()
            try:
                self._raise_servers(memory, server, java)
            except KeyboardInterrupt:
                self._progress.say("Interrupted: stopping what was started.")
                if running:
                    for name in set(SERVERS) - running:
                        self._supervisor.halt(name)
                else:
                    self._halt()
                raise
        return memory

    def down(self) -> None:
        """Stops everything gracefully, users before what they use. What is down already is fine."""
        if not self.home.known:
            return
        with self._alone():
            self._halt()

    def reset(self) -> None:
        """Stops everything and deletes its data, logs, ports and passwords. Downloads stay."""
        if not self.home.known:
            return
        with self._alone():
            self._halt()
            for folder in {self.home.run, self.home.logs, self.home.sockets()}:
                shutil.rmtree(folder)
            self.home.memory.unlink(missing_ok=True)

    def status(self) -> list[PartStatus]:
        """Each part's state, address, process and memory now."""
        memory = self.home.recall() if self.home.known else None
        processes = self._supervisor.processes() if memory else {}
        if self._supervisor.killed:
            lost = "its supervisor was killed; mend it: ./timeloom stack up"
            processes = {part: Process(part, "UNKNOWN", None, lost) for part in SERVERS}
        with ThreadPoolExecutor(len(PARTS)) as pool:
            parts = pool.map(lambda part: look(part, processes.get(part), memory, READY[part]), PARTS)
            return [self._with_why(part) for part in parts]

    def addresses(self) -> Remembered:
        """Where the stack's parts are and the users' passwords. Raises StackError if it was never up."""
        return self.home.recall()

    def logs(self, part: str, lines: int = 50) -> list[str]:
        """The last lines that a part wrote."""
        return last_lines(self._log(part), lines)

    def follow(self, part: str, lines: int, stop: threading.Event) -> Iterator[str]:
        """The last lines, then each new one until `stop` is set."""
        return follow(self._log(part), lines, stop)

    def start(self, *parts: str) -> None:
        """Starts these parts at once, and waits until each answers. The stack must be up."""
        for part in parts:
            self._known(part)
            self._supervisor.run(part)
        for part in parts:
            self._await(part, self.home.recall())

    def stop(self, part: str) -> None:
        """Stops one part gracefully and waits until it has ended; the others stay."""
        self._known(part)
        self._supervisor.halt(part)

    def pid(self, part: str) -> int | None:
        """The process of a part; None while it has none."""
        process = self._supervisor.processes().get(part)
        return process.pid if process else None

    def _bring(self) -> tuple[mariadb.Server, Path]:
        """Sees that all programs are here, at once since two come from different places."""
        fetcher, downloads = Fetcher(self._stop, self._repository), self.home.downloads

        def jars_and_java() -> Path:
            kafka.ensure_jars(downloads, fetcher, self._progress)
            return ensure_java(downloads, self._progress, self._java_home)

        return both(self._stop, lambda: mariadb.ensure_server(downloads, fetcher, self._progress), jars_and_java)

    def _settle(self, running: set[str]) -> Remembered:
        """What is remembered, with ports that are free to those that aren't running."""
        if not self._supervisor.alive and (left := end_orphans(self.home)):
            self._progress.say(f"Ended what a killed session had left (processes: {left}).")
        memory = self.home.recall() if self.home.known else None
        if memory is None:
            memory = first_memory()
        elif not running and (lost := taken(msgspec.structs.astuple(memory.ports))):
            self._progress.say(f"Somebody else listens on port {', '.join(map(str, lost))} now: ports are chosen anew.")
            memory = msgspec.structs.replace(memory, ports=free_ports())
        elif 0 in msgspec.structs.astuple(memory.ports):
            memory = msgspec.structs.replace(memory, ports=free_ports(msgspec.structs.asdict(memory.ports)))
        if self._certificates:
            memory = protected(memory, self._certificates)
        if memory.protection:
            check(memory.protection)
        self.home.remember(memory)
        return memory

    def _write(self, memory: Remembered, server: mariadb.Server, java: Path) -> bool:
        """Writes every settings file; True if a running process has other settings."""
        write_settings(self.home, memory, java)
        return self._supervisor.written(programs(self.home, memory, server, java))

    def _raise_servers(self, memory: Remembered, server: mariadb.Server, java: Path) -> None:
        """Database and broker at once, Connect as soon as it has a broker; returns when all three answer."""

        def database() -> None:
            mariadb.initialise(server, self.home)
            self._supervisor.run("mariadb")
            self._await("mariadb", memory)

        def broker_then_connect() -> None:
            kafka.format_storage(java, self.home, memory)
            for name in ("kafka", "connect"):
                self._supervisor.run(name)
                self._await(name, memory)

        both(self._stop, database, broker_then_connect)

    def _await(self, part: str, memory: Remembered) -> None:
        ready = READY[part]
        with self._progress.step(f"{part} is starting"):
            came = wait_until(lambda: self._ended(part) or ready(memory), READY_WITHIN_S, self._stop)
        if not came or self._ended(part):
            last = "\n  ".join(self.logs(part, 20))
            raise StackError(
                f"{part} is not ready after {READY_WITHIN_S} s or has ended. Its last lines:\n  {last}\nAll of them: "
                f"./timeloom stack logs {part}. Once mended: ./timeloom stack up. To start with nothing: "
                "./timeloom stack reset"
            )

    def _ended(self, part: str) -> bool:
        process = self._supervisor.processes().get(part)
        return process is None or process.gave_up

    def _halt(self) -> None:
        if self._supervisor.alive:
            for together in DOWN_IN_ORDER:
                with ThreadPoolExecutor(len(together)) as pool:
                    list(pool.map(self._supervisor.halt, together))
            self._supervisor.end()
        end_orphans(self.home)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The stack to ourselves, in folders that are ours."""
        try:
            self.home.make()
            with only_one(self.home.lock):
                yield
        except PermissionError as error:
            raise StackError(
                f"No permission for {error.filename}: part of {self.home.path} belongs to another user. Hand it over: "
                f"sudo chown -R $USER {self.home.path}"
            ) from error

    def _with_why(self, part: PartStatus) -> PartStatus:
        """A supervisor only knows that a process ended; its log knows why."""
        why = last_error(self._log(part.part)) if part.state == "failed" and not self._supervisor.killed else ""
        return msgspec.structs.replace(part, said=f"{part.said}: {why}") if why else part

    def _log(self, part: str) -> Path:
        self.home.recall()  # refuses a stack that never was, or is somebody else's
        return self.home.logs / f"{part}.log"

    def _known(self, part: str) -> None:
        if part not in self._supervisor.processes():
            raise StackError(f"{part} can't be reached, since the stack isn't up. Bring it up: ./timeloom stack up")
