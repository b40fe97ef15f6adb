"""A stack that was killed whole, or whose port was taken, comes up again with its data. It has a home of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pymysql
import pytest
from confluent_kafka.admin import AdminClient

from connectors.kafka.client.cluster import Cluster
from connectors.stack.servers.home import LOOPBACK, Remembered
from connectors.stack.stack import Stack
from tests.topics import create_topic

ROOT = Path(__file__).parents[2]
SERVERS = ("mariadb", "kafka", "connect")


@pytest.fixture(scope="module")
def mortal() -> Iterator[Stack]:
    stack = Stack(ROOT / ".timeloom" / "mortal", downloads=ROOT / ".timeloom" / "downloads")
    stack.reset()
    where = stack.up()
    with _database(where) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
    create_topic(Cluster(where.kafka_bootstrap), "kept")
    yield stack
    stack.reset()


def _database(where: Remembered) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    return pymysql.connect(host=LOOPBACK, port=where.ports.mariadb, user=where.admin_user, password=where.secrets.admin)


def _has_its_data(stack: Stack) -> bool:
    where = stack.addresses()
    with _database(where) as connection, connection.cursor() as cursor:
        kept = cursor.execute("SHOW DATABASES LIKE 'kept'")
    topics = AdminClient({"bootstrap.servers": where.kafka_bootstrap}).list_topics(timeout=10).topics
    return kept == 1 and "kept" in topics


def _states(stack: Stack) -> dict[str, str]:
    return {part.part: part.state for part in stack.status() if part.part in SERVERS}


ALL_UP = dict.fromkeys(SERVERS, "up")


@pytest.mark.stack
def test_one_part_is_started_again_by_command_and_the_others_stay(mortal: Stack) -> None:
    before = {part: mortal.pid(part) for part in SERVERS}
    env = {**os.environ, "TIMELOOM_HOME": str(mortal.home.path)}
    command = [sys.executable, "-m", "streams", "stack", "restart", "mariadb"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["mariadb is told to end", "mariadb is up"]), done.stderr
    after = {part: mortal.pid(part) for part in SERVERS}
    assert [part for part in SERVERS if before[part] != after[part]] == ["mariadb"]
    assert _has_its_data(mortal)


@pytest.mark.stack
def test_what_a_killed_session_left_is_ended_and_all_comes_up_again(mortal: Stack) -> None:
    left = [psutil.Process(pid) for part in SERVERS if (pid := mortal.pid(part))]
    supervisor = psutil.Process(int((mortal.home.run / "supervisord.pid").read_text()))
    supervisor.kill()
    supervisor.wait(10)
    assert set(_states(mortal).values()) == {"failed"}
    mortal.up()
    assert not any(process.is_running() for process in left)
    assert _states(mortal) == ALL_UP
    assert _has_its_data(mortal)


@pytest.mark.stack
def test_everything_killed_at_once_comes_up_again(mortal: Stack) -> None:
    supervisor = psutil.Process(int((mortal.home.run / "supervisord.pid").read_text()))
    for process in (supervisor, *supervisor.children(recursive=True)):
        process.kill()
    mortal.up()
    assert _states(mortal) == ALL_UP
    assert _has_its_data(mortal)


@pytest.mark.stack
def test_a_port_that_somebody_took_meanwhile_is_given_up(mortal: Stack) -> None:
    mortal.down()
    taken = mortal.addresses().ports.kafka
    with socket.socket() as somebody:
        # The broker's last connections linger in the kernel for a minute.
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        somebody.bind((LOOPBACK, taken))
        somebody.listen()
        where = mortal.up()
    assert where.ports.kafka != taken
    assert _states(mortal) == ALL_UP
    assert _has_its_data(mortal)


@pytest.mark.stack
def test_reset_leaves_downloads_only(mortal: Stack) -> None:
    mortal.up()
    mortal.reset()
    assert set(_states(mortal).values()) == {"down"}
    assert not mortal.home.run.exists()
    assert not mortal.home.memory.exists()
    assert (mortal.home.downloads / "jars").is_dir()
