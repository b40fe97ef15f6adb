"""Where a stack keeps things, and what it remembers between starts: ports, passwords, the cluster's name."""

import base64
import hashlib
import os
import pwd
import random
import secrets
import socket
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from connectors.kafka.client.cluster import Cluster
from connectors.stack.servers.tls import Protection
from schemas.errors import StackError

LOOPBACK = "127.0.0.1"

# Above the ports that programs like to have, below those that the kernel hands to outgoing connections: a port from
# there could be taken by somebody's connection while the stack is down.
PORTS = range(20_000, 30_000)

# The kernel's limit is 107 bytes. supervisord binds a longer name first (a dot and its process id), then renames.
LONGEST_SOCKET = 107 - len(".4194304")
# Not TMPDIR, which may be another in the next shell: a running stack would not be found again.
TEMPORARY = Path("/tmp")


# Each ends or changes a path in a class path, a Java properties file or supervisord's configuration.
UNUSABLE = frozenset("%:;,\"'\\\n")


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The stack's ports, all on 127.0.0.1. `controller` is the broker's own; our programs' are their telemetry's.

    0: not chosen yet, as in what an earlier version remembered.
    """

    mariadb: int
    kafka: int
    controller: int
    connect: int
    group: int = 0
    bill: int = 0
    watchdog: int = msgspec.field(default=0, name="tend")  # as files of older versions have it


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """Passwords of the database users. `admin` is made at the server's start, the others by the migrations."""

    admin: str
    collector: str
    capture: str
    pipeline: str

    def __repr__(self) -> str:
        return "Secrets(********)"


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What `stack.json` holds. It says where a stack is, not whether it is up. `protection`: None without TLS."""

    ports: Ports
    secrets: Secrets
    cluster: str
    admin_user: str = "timeloom_admin"
    database: str = "timeloom"
    protection: Protection | None = None

    @property
    def kafka(self) -> Cluster:
        """The broker, as clients take it."""
        return Cluster(self.kafka_bootstrap, self.protection.security() if self.protection else {})

    @property
    def kafka_bootstrap(self) -> str:
        """The broker's address, as clients take it."""
        return f"{LOOPBACK}:{self.ports.kafka}"

    @property
    def connect_url(self) -> str:
        """Where Kafka Connect's REST interface answers."""
        return f"http://{LOOPBACK}:{self.ports.connect}"

    def telemetry_url(self, program: str) -> str | None:
        """Where a program of ours answers /healthz, /readyz and /metrics; None for what isn't one."""
        ports = {"group": self.ports.group, "bill": self.ports.bill, "watchdog": self.ports.watchdog}
        return f"http://{LOOPBACK}:{ports[program]}" if program in ports else None


class Home:
    """The folders of one stack. `downloads` may be shared between stacks; all else is this one's."""

    def __init__(self, path: Path, downloads: Path | None = None) -> None:
        self.path = path.absolute()
        self.downloads = (downloads or self.path / "downloads").absolute()
        self.run = self.path / "run"
        self.logs = self.path / "logs"
        self.memory = self.path / "stack.json"
        self.lock = self.path / "lock"
        self.truststore = self.run / "connect" / "truststore.p12"

    @property
    def known(self) -> bool:
        """True if a stack was up here once. Raises StackError if the folder is somebody else's."""
        if self.path.exists():
            refuse_foreign(self.path)
        return self.memory.exists()

    def make(self) -> None:
        """Creates the folders, readable by their owner alone. Raises StackError if they are somebody else's."""
        for path in (self.path, self.downloads):
            if found := UNUSABLE.intersection(str(path)):
                raise StackError(f"Java and supervisord can't use a path with {' '.join(sorted(found))} in it: {path}")
        for folder in (self.path, self.run, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            refuse_foreign(folder)
        self.downloads.mkdir(parents=True, exist_ok=True)

    def sockets(self) -> Path:
        """A folder with a path short enough for unix sockets: `run`, or for a deep home one in /tmp."""
        if len(os.fsencode(self.run / "supervisor.sock")) <= LONGEST_SOCKET:
            return self.run
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        folder = TEMPORARY / f"timeloom-{os.geteuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        # Anybody may write to /tmp: what lies there under our name must be ours, and closed to others.
        refuse_foreign(folder)
        if folder.is_symlink() or folder.stat().st_mode & 0o077:
            raise StackError(f"{folder} is open to other users; remove it and try again.")
        return folder

    def recall(self) -> Remembered:
        """What was remembered. Raises StackError if this stack was never up."""
        if not self.known:
            raise StackError(f"There is no stack in {self.path}. Bring it up: ./timeloom stack up")
        try:
            return msgspec.json.decode(self.memory.read_bytes(), type=Remembered)
        except msgspec.MsgspecError as error:
            raise StackError(
                f"{self.memory} can't be read ({error}). Start anew, its data is deleted: ./timeloom stack reset"
            ) from error

    def remember(self, what: Remembered) -> None:
        """Writes `stack.json`, whole or not at all, readable by its owner alone."""
        new = self.memory.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_bytes(msgspec.json.format(msgspec.json.encode(what)) + b"\n")
        new.replace(self.memory)


def protected(memory: Remembered, certificates: Path) -> Remembered:
    """The same stack with its servers' certificates in that folder. A password that is there stays."""
    password = memory.protection.kafka_password if memory.protection else secrets.token_urlsafe(24)
    protection = Protection(certificates=str(certificates.absolute()), kafka_password=password)
    return msgspec.structs.replace(memory, protection=protection)


def write_private(file: Path, text: str) -> None:
    """Writes a file with a secret in it: nobody but its owner can ever read it."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)


def first_memory() -> Remembered:
    """Fresh ports, passwords and cluster name for a stack that starts with nothing."""
    admin, collector, capture, pipeline = (secrets.token_urlsafe(24) for _ in range(4))
    return Remembered(
        ports=free_ports(),
        secrets=Secrets(admin=admin, collector=collector, capture=capture, pipeline=pipeline),
        # Kafka's form of a UUID: 22 letters of URL-safe base64.
        cluster=base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="),
    )


def free_ports(chosen: Mapping[str, int] | None = None) -> Ports:
    """Ports that nobody listens on now, besides those that are `chosen` already.

    Drawn at random, so that two stacks starting at once don't draw the same.
    """
    free = (port for port in random.SystemRandom().sample(PORTS, 1000) if not taken([port]))
    try:
        return Ports(**{name: (chosen or {}).get(name) or next(free) for name in Ports.__struct_fields__})
    except StopIteration:
        raise StackError(f"No free port on {LOOPBACK} between {PORTS.start} and {PORTS.stop}.") from None


def taken(ports: Iterable[int]) -> list[int]:
    """Those of `ports` that somebody has on 127.0.0.1."""
    found = []
    for port in ports:
        with socket.socket() as probe:
            # As the servers do: a connection of yesterday's server that still lingers is no reason to move.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                found.append(port)
    return found


def refuse_foreign(folder: Path) -> None:
    """Raises StackError if `folder` isn't ours: we would leave files in it that its owner can't remove."""
    owner = folder.lstat().st_uid
    if owner != os.geteuid():
        raise StackError(
            f"{folder} belongs to {_user(owner)}, and you are {_user(os.geteuid())}. Run this as {_user(owner)}, "
            f"or hand the folder over: sudo chown -R {_user(os.geteuid())} {folder}"
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
