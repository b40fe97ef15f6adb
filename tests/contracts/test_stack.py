"""What the native stack promises without a server: parts by checksum, the machine check, the home, its logs."""

import ast
import configparser
import hashlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from connectors.stack.install import machine
from connectors.stack.install.archives import Fetcher, Part, intact, pinned
from connectors.stack.locking import only_one
from connectors.stack.processes.log_files import follow, last_error, last_lines
from connectors.stack.processes.supervisor import Program, configuration
from connectors.stack.servers import home as homes
from connectors.stack.servers.home import Home, first_memory, free_ports, taken
from schemas.errors import StackError

BYTES = {"alpha": b"a" * 300_000, "beta": b"b" * 7, "gamma": b"c" * 50_000}


def part(name: str) -> Part:
    return Part(f"org.example:{name}:1.0", hashlib.sha256(BYTES[name]).hexdigest(), len(BYTES[name]), ("broker",))


class Repository(BaseHTTPRequestHandler):
    """Serves BYTES the way a repository of Java archives does, and remembers who was asked for."""

    asked: ClassVar[list[str]] = []
    spoilt: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        name = self.path.split("/")[3]
        self.asked.append(name)
        body = b"somebody's login page" if name in self.spoilt else BYTES[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the tests' output clean."""


@pytest.fixture
def repository() -> Iterator[str]:
    Repository.asked.clear()
    Repository.spoilt.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(folder: Path, repository: str, *names: str) -> list[int]:
    fetcher, done = Fetcher(repository=repository), list[int]()
    fetcher.fetch(fetcher.missing([part(name) for name in names], folder), folder, done.append)
    return done


def test_what_is_here_is_not_fetched_again(tmp_path: Path, repository: str) -> None:
    done = fetch(tmp_path, repository, *BYTES)
    assert sum(done) == 350_007
    assert sorted(Repository.asked) == ["alpha", "beta", "gamma"]
    fetch(tmp_path, repository, *BYTES)
    assert len(Repository.asked) == 3


def test_a_damaged_a_cut_and_a_lost_file_are_fetched_again(tmp_path: Path, repository: str) -> None:
    fetch(tmp_path, repository, *BYTES)
    Repository.asked.clear()
    with (tmp_path / "alpha-1.0.jar").open("r+b") as file:
        file.write(b"x")
    os.truncate(tmp_path / "beta-1.0.jar", 3)
    (tmp_path / "gamma-1.0.jar").unlink()
    fetch(tmp_path, repository, *BYTES)
    assert sorted(Repository.asked) == ["alpha", "beta", "gamma"]
    assert all(intact(tmp_path / f"{name}-1.0.jar", part(name)) for name in BYTES)


def test_something_else_under_the_right_address_is_refused_and_not_kept(tmp_path: Path, repository: str) -> None:
    Repository.spoilt.add("beta")
    with pytest.raises(StackError, match=r"beta-1\.0\.jar isn't the file .* TIMELOOM_MAVEN"):
        fetch(tmp_path, repository, "beta")
    assert list(tmp_path.iterdir()) == []


def test_offline_says_what_where_and_how_to_mend(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(StackError, match=rf"Can't fetch beta-1\.0\.jar from {nowhere}/org/example.*try again"):
            fetch(tmp_path, nowhere, "beta")


def test_pieces_of_a_killed_download_are_swept_and_those_of_a_living_one_are_not(
    tmp_path: Path, repository: str
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f"x.jar.{dead.pid}.part").touch()
    (tmp_path / f"y.jar.{os.getpid()}.part").touch()
    fetch(tmp_path, repository, "beta")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beta-1.0.jar", f"y.jar.{os.getpid()}.part"]


def test_every_pinned_part_is_whole_and_named_once() -> None:
    parts = pinned("broker", "connect", "plugin", "mariadb")
    assert len({p.file for p in parts}) == len(parts)
    assert all(len(p.sha256) == 64 and p.bytes > 0 and p.used_by for p in parts)
    java = 35_500_000
    assert sum(p.bytes for p in parts) + java < 240_500_000, "the help of `stack up` says 240 MB at most"


def test_the_machine_check_says_everything_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "MEMORY", 10**18)
    monkeypatch.setattr(machine, "DISK", 10**18)
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda _name: None)
    said = machine.told(machine.problems(tmp_path))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for problem in ("no venv", "git is not installed", "make is not installed", "GB of memory", "GB of disk"):
        assert problem in said
    assert f"apt-get install python{version}-venv git make" in said


def test_a_machine_that_lacks_nothing_is_told_nothing(tmp_path: Path) -> None:
    assert machine.problems(tmp_path) == []


def test_another_platform_is_sent_to_the_containers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    assert machine.main() == 2
    assert "docker compose up" in capsys.readouterr().err


def test_the_machine_check_runs_before_anything_is_installed() -> None:
    ast.parse(Path(machine.__file__).read_text(), feature_version=(3, 7))
    # -I -S: no environment, no installed packages.
    answer = subprocess.run([sys.executable, "-I", "-S", machine.__file__], capture_output=True, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_deep_home_has_short_sockets_that_are_closed_to_others(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("a-long-name-" * 8))
    folder = deep.sockets()
    try:
        assert len(os.fsencode(folder / "supervisor.sock.4194304")) <= 107
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert deep.sockets() == folder
        folder.chmod(0o755)
        with pytest.raises(StackError, match="open to other users"):
            deep.sockets()
    finally:
        folder.rmdir()
    assert Home(Path("/home/me/timeloom/.timeloom")).sockets() == Path("/home/me/timeloom/.timeloom/run")


def test_a_home_that_is_somebody_elses_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(homes.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StackError, match="sudo chown -R"):
        Home(tmp_path).make()


@pytest.mark.parametrize("name", ["50% off", "a:b", "a;b", "a,b", "a'b"])
def test_a_path_that_a_part_can_not_use_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match="can't use a path"):
        Home(tmp_path / name).make()


def test_passwords_are_remembered_for_the_owner_alone_and_never_shown(tmp_path: Path) -> None:
    home, memory = Home(tmp_path / "home"), first_memory()
    home.make()
    home.remember(memory)
    assert stat.S_IMODE(home.memory.stat().st_mode) == 0o600
    assert home.recall() == memory
    assert memory.secrets.admin not in repr(memory)
    secrets = [memory.secrets.admin, memory.secrets.collector, memory.secrets.capture, memory.secrets.pipeline]
    assert len(set(secrets)) == 4


def test_a_stack_that_never_was_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"\./timeloom stack up"):
        Home(tmp_path).recall()


def test_ports_are_free_distinct_and_none_that_the_kernel_lends_out() -> None:
    ports = free_ports()
    chosen = set(msgspec.structs.astuple(ports))
    lowest_lent = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert len(chosen) == 7
    assert taken(chosen) == []
    assert max(chosen) < lowest_lent


def test_a_port_that_somebody_has_is_seen() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert taken([port]) == [port]
    assert taken([port]) == []


def test_two_commands_do_not_change_a_stack_at_once(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    other = pytest.raises(StackError, match=f"process {os.getpid()}")
    with only_one(lock), other, only_one(lock, patience_s=0.1):
        raise AssertionError("two at once")
    with only_one(lock, patience_s=0.1):
        pass


def test_the_supervisor_starts_nothing_by_itself_and_gives_up_in_the_end(tmp_path: Path) -> None:
    home = Home(tmp_path / "a folder")
    program = Program("kafka", ["java", "a b", "100%"], home.run, {"WHERE": "a b%"}, tries=4)
    parser = configparser.RawConfigParser()
    parser.read_string(configuration(home, home.run / "supervisor.sock", [program]))
    section = parser["program:kafka"]
    assert section["command"] == "java 'a b' 100%%"
    assert section["environment"] == 'WHERE="a b%%"'
    assert section["autostart"] == "false"
    assert section["startretries"] == "4"
    assert (
        int(section["stdout_logfile_maxbytes"].removesuffix("MB")) * (1 + int(section["stdout_logfile_backups"])) < 50
    )


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["ERROR a: first", "INFO b", "ERROR c: last", "WARN d"], "ERROR c: last"),
        (["ERROR java.io.IOException: No space left on device", "ERROR shutting down"], "No space left on device"),
        (["0 [ERROR] InnoDB: Probably out of disk space", "0 [ERROR] Aborting"], "Probably out of disk space"),
        (['{"event": "crash", "level": "error"}', '{"event": "stopped", "level": "info"}'], '"event": "crash"'),
        (["timeloom: MariaDB does not answer"], "does not answer"),
        (["all is well"], ""),
    ],
)
def test_of_a_log_the_line_is_told_that_says_why_its_process_ended(tmp_path: Path, lines: list[str], told: str) -> None:
    file = tmp_path / "part.log"
    file.write_text("\n".join(lines) + "\n")
    assert told in last_error(file)
    assert bool(last_error(file)) is bool(told)


def test_a_log_is_followed_over_its_rotation(tmp_path: Path) -> None:
    log, stop = tmp_path / "kafka.log", threading.Event()
    log.write_text("one\ntwo\nthree\n")
    assert last_lines(log, 2) == ["two", "three"]
    lines = follow(log, 1, stop)
    assert next(lines) == "three"
    with log.open("a") as file:
        file.write("four\n")
    assert next(lines) == "four"
    log.rename(tmp_path / "kafka.log.1")
    log.write_text("five\n")
    assert next(lines) == "five"
    stop.set()
    assert list(lines) == []
    assert last_lines(tmp_path / "none.log", 5) == []
