"""Kafka and Kafka Connect: their class paths, the broker's data folder, how each is started, and when it is ready."""

import shutil
import socket
import subprocess
from pathlib import Path

import requests

from connectors.stack.install.archives import Fetcher, pinned
from connectors.stack.progress import Progress
from connectors.stack.servers import tls
from connectors.stack.servers.home import LOOPBACK, Home, Remembered, write_private
from schemas.errors import StackError

SETTINGS = Path(__file__).parents[2] / "kafka"

# For small machines: one collector thread, one quick compiler. Starts in three quarters of the time with half the
# processor, and the heaps are what a thousand changes a second need twice over.
JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true"]
BROKER_HEAP = ["-Xms64m", "-Xmx256m"]
# Debezium's queue may hold 64 MB of rows, and the producer's buffer as much.
CONNECT_HEAP = ["-Xms64m", "-Xmx384m"]
# The default logging asks for a file in a folder that doesn't exist; ours goes to the standard output.
LOGGING = f"-Dlog4j2.configurationFile={SETTINGS / 'log4j2.properties'}"


def ensure_jars(downloads: Path, fetcher: Fetcher, progress: Progress) -> None:
    """Fetches those Java archives that aren't here whole."""
    for what, folder, users in (
        ("Kafka and Connect", downloads / "jars", ("broker", "connect")),
        ("Debezium", plugins(downloads) / "debezium", ("plugin",)),
    ):
        if missing := fetcher.missing(pinned(*users), folder):
            with progress.step(f"{what} ({len(missing)} files)", sum(part.bytes for part in missing)) as done:
                fetcher.fetch(missing, folder, done)


def plugins(downloads: Path) -> Path:
    """Connect's plugin path: a folder with one folder for each plugin and nothing else, since Connect looks at all."""
    return downloads / "plugins"


def format_storage(java: Path, home: Home, memory: Remembered) -> None:
    """Makes the broker's data folder if there is none. An interrupted one is begun again: it is named when whole."""
    data = home.run / "kafka" / "data"
    if data.exists():
        return
    partial = data.with_name("data.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    settings = partial.with_suffix(".properties")
    write_private(settings, broker_settings(memory, partial))
    # One argument: a cluster's name may begin with a dash, and would be taken for an option.
    named = f"--cluster-id={memory.cluster}"
    tool = ["kafka.tools.StorageTool", "format", named, "-c", str(settings), "--standalone"]
    answer = subprocess.run(
        [java, *JVM, LOGGING, "-cp", class_path(home.downloads, "broker"), *tool], capture_output=True, text=True
    )
    if answer.returncode:
        last = "\n  ".join((answer.stdout + answer.stderr).splitlines()[-15:])
        raise StackError(f"Kafka's data folder {data} can't be made:\n  {last}")
    settings.unlink()
    partial.rename(data)


def broker_settings(memory: Remembered, data: Path) -> str:
    """The broker's settings: those that are the same everywhere, then this stack's own."""
    broker, controller = f"{LOOPBACK}:{memory.ports.kafka}", f"{LOOPBACK}:{memory.ports.controller}"
    listener = "PROTECTED" if memory.protection else "PLAINTEXT"
    own = {
        "listeners": f"{listener}://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"{listener}://{broker}",
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": str(data),
    }
    if memory.protection:
        own |= tls.broker_settings(memory.protection, listener, _keystore(data))
    return _settings("server.properties", own)


def connect_settings(memory: Remembered, downloads: Path) -> str:
    """The worker's settings: those that are the same everywhere, then this stack's own."""
    own = {
        "bootstrap.servers": memory.kafka_bootstrap,
        "listeners": memory.connect_url,
        "rest.advertised.host.name": LOOPBACK,
        "plugin.path": str(plugins(downloads)),
    }
    return _settings("connect.properties", own | (tls.worker_settings(memory.protection) if memory.protection else {}))


def write_settings(home: Home, memory: Remembered) -> None:
    """Writes the files that the two commands name."""
    for folder in ("kafka", "connect"):
        (home.run / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    data = home.run / "kafka" / "data"
    if memory.protection:
        write_private(_keystore(data), tls.keystore(memory.protection))
    write_private(home.run / "kafka" / "server.properties", broker_settings(memory, data))
    write_private(home.run / "connect" / "connect.properties", connect_settings(memory, home.downloads))


def broker_command(java: Path, home: Home) -> list[str]:
    """How the broker is started."""
    main = ["kafka.Kafka", f"{home.run}/kafka/server.properties"]
    return [str(java), *JVM, *BROKER_HEAP, LOGGING, "-cp", class_path(home.downloads, "broker"), *main]


def connect_command(java: Path, home: Home) -> list[str]:
    """How the worker is started."""
    main = ["org.apache.kafka.connect.cli.ConnectDistributed", f"{home.run}/connect/connect.properties"]
    return [str(java), *JVM, *CONNECT_HEAP, LOGGING, "-cp", class_path(home.downloads, "connect"), *main]


def class_path(downloads: Path, user: str) -> str:
    """The class path of `broker` or `connect`."""
    return ":".join(str(downloads / "jars" / part.file) for part in pinned(user))


def broker_answers(memory: Remembered) -> bool:
    """True when the broker answers a request for its metadata."""
    # A closed port is told at once by the kernel; the client would go on trying, and log each try.
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((LOOPBACK, memory.ports.kafka)):
            return False
    # Imported here: slow to import, and `stack logs` or a stack that is down doesn't need it.
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({**memory.kafka.client(), "log_level": 0, "socket.timeout.ms": 2000})
    try:
        return bool(admin.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def connect_answers(memory: Remembered) -> bool:
    """True when the worker says that it is healthy: REST is up and it has joined its group."""
    try:
        return requests.get(f"{memory.connect_url}/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _keystore(data: Path) -> Path:
    """Beside the data folder, whether that has its name already or not."""
    return data.parent / "keystore.pem"


def _settings(file: str, own: dict[str, str]) -> str:
    lines = [f"{key}={value}" for key, value in own.items()]
    return (SETTINGS / file).read_text() + "\n# This stack's own.\n" + "\n".join(lines) + "\n"
