"""The whole product under load on a stack of its own, as its users run it: parts are killed, disks fill up.

Nothing is lost, nothing is doubled, and all goes on by itself or by the command that the runbook gives.
"""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from sqlalchemy import Engine

from benchmarks.ending import ending
from benchmarks.marking import through
from benchmarks.steady import tried, week_of
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.audit.ledger_snapshot import read_scopes
from connectors.mariadb.server.engine import connect
from connectors.stack.processes.log_files import last_error
from connectors.stack.processes.programs import PARTS
from connectors.stack.stack import Stack
from connectors.stack.waiting import wait_until
from schemas.checks import PROGRAMS
from schemas.keys import Scope
from schemas.topics import PARTITIONS, TOPICS
from streams.settings import Settings
from streams.stack.prepare import prepare
from tests.topics import create_topic

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[2]
RATE, MINUTES, SEED = 30.0, 10.0, 11
BACK_WITHIN_S = 180
COMMITS = 300


class Whole:
    """A stack with its workers and a load on it. Rows are written until `check` is asked whether all is right."""

    def __init__(self, stack: Stack, lines: Path) -> None:
        self.stack, self._lines = stack, lines
        self.settings = Settings(home=stack.home.path)
        self.engine: Engine = connect(self.settings.mariadb().url("pipeline"))
        arguments = [str(RATE), str(MINUTES), str(SEED), str(lines)]
        self.load = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.steady", *arguments],
            cwd=ROOT,
            env={**os.environ, "TIMELOOM_HOME": str(stack.home.path)},
        )
        assert wait_until(lambda: len(tried(lines)) > 20, BACK_WITHIN_S), "the load doesn't begin"

    def people(self) -> list[Scope]:
        with self.engine.connect() as connection:
            return read_scopes(connection)

    def stalled(self) -> bool:
        """True when no batch of the load was committed for three seconds."""
        return time.time() - self._lines.stat().st_mtime > 3

    def goes_on(self) -> None:
        """Everybody's mark comes through; fails with what `ops status` says and the parts' last errors."""
        if not through(self.engine, self.people, BACK_WITHIN_S):
            command = [sys.executable, "-m", "streams", "ops", "status"]
            environment = {**os.environ, "TIMELOOM_HOME": str(self.stack.home.path)}
            told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
            errors = [f"{part}: {last_error(self.stack.home.logs / f'{part}.log')[:300]}" for part in PARTS]
            raise AssertionError("\n".join(["marks don't come through", told.stdout, told.stderr, *errors]))

    def check(self) -> None:
        """Ends the load; every acknowledged row is there, in one group and one entry, byte for byte."""
        self.load.send_signal(signal.SIGTERM)
        self.load.wait(60)
        count = sum(one.writes for one in tried(self._lines))
        end = ending(self.engine, self.settings.kafka(), week_of(RATE, MINUTES, SEED).writes[:count], BACK_WITHIN_S)
        assert end.ok, end


def up(stack: Stack) -> None:
    """What `./timeloom stack up` does."""
    stack.up()
    prepare(Settings(home=stack.home.path))
    for worker in PROGRAMS:
        stack.start(worker)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    stack = Stack(ROOT / ".timeloom" / "whole", downloads=ROOT / ".timeloom" / "downloads")
    stack.reset()
    up(stack)
    one = Whole(stack, tmp_path_factory.mktemp("load") / "lines")
    yield one
    one.load.kill()
    one.engine.dispose()
    stack.reset()


@contextmanager
def killed(whole: Whole, part: str, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """The part is killed, then the block; everybody's mark comes through, and the part is another process."""
    before, began = whole.stack.pid(part), time.monotonic()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    yield
    whole.goes_on()
    assert wait_until(lambda: whole.stack.pid(part) not in (None, before), BACK_WITHIN_S)
    with capsys.disabled():
        sys.stdout.write(f"\n  {part} killed: all marks came through {time.monotonic() - began:.1f} s later ")


@pytest.mark.parametrize("part", [part for part in PARTS if part != "kafka"])
def test_a_part_killed_under_load_comes_back(whole: Whole, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    with killed(whole, part, capsys):
        pass


def test_a_broker_killed_amid_commits_comes_back_and_leaves_no_transaction_open(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kafka 4.3.0 to 4.4.0 lose end marks here, and hide for good what is behind (docs/decisions/0028)."""
    topic, cluster, commits = "committing", whole.settings.kafka(), tmp_path / "commits"
    create_topic(cluster, topic, PARTITIONS)
    script = [sys.executable, str(Path(__file__).with_name("committing.py")), cluster.bootstrap, topic, str(commits)]
    commits.touch()
    with subprocess.Popen(script, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as committing:
        assert wait_until(lambda: len(commits.read_text().split()) >= COMMITS, BACK_WITHIN_S)
        with killed(whole, "kafka", capsys):
            committing.kill()  # a next transaction's end marks would end those before it, too
    records = list(read_to_end(cluster, topic, list(range(PARTITIONS)), settled=True))
    assert len(records) >= COMMITS * PARTITIONS


@contextmanager
def setting(whole: Whole, topics: Sequence[str], name: str, value: str) -> Iterator[None]:
    """Somebody changed a setting of topics on the broker; at the end it is as it was."""
    admin = AdminClient({"bootstrap.servers": whole.settings.kafka().bootstrap, "log_level": 0})

    def alter(how: AlterConfigOpType, to: str | None) -> None:
        entry = ConfigEntry(name, to, incremental_operation=how)
        wanted = [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry]) for topic in topics]
        for future in admin.incremental_alter_configs(wanted).values():
            future.result(20)

    before = {topic.name: topic.settings.get(name) for topic in TOPICS}
    assert len({before[topic] for topic in topics}) == 1
    alter(AlterConfigOpType.SET, value)
    try:
        yield
    finally:
        was = before[topics[0]]
        alter(AlterConfigOpType.DELETE if was is None else AlterConfigOpType.SET, was)


def test_a_topic_that_refuses_what_group_says_stops_group_until_it_is_mended(whole: Whole) -> None:
    before = whole.stack.pid("group")
    with setting(whole, ("groups", "working-set"), "max.message.bytes", "200"):
        assert wait_until(lambda: whole.stack.pid("group") != before, BACK_WITHIN_S), "group doesn't stop"
        why = "whether the broker took the batch"
        assert wait_until(lambda: why in "".join(whole.stack.logs("group", 400)), BACK_WITHIN_S), "it doesn't say why"
    whole.goes_on()


@pytest.mark.long
def test_a_topic_that_refuses_a_change_fails_capture_and_tend_starts_it_again_when_it_is_mended(whole: Whole) -> None:
    with setting(whole, ("changes",), "max.message.bytes", "300"):
        told = "capture_started_again"
        assert wait_until(lambda: told in "".join(whole.stack.logs("tend", 400)), BACK_WITHIN_S), "nobody tends it"
    whole.goes_on()


@contextmanager
def no_room(whole: Whole, part: str) -> Iterator[None]:
    """No file of that server may grow any more, nor of those started meanwhile: a limit that any user may set."""
    supervisor = int((whole.stack.home.run / "supervisord.pid").read_text())
    server = whole.stack.pid(part)
    assert server is not None
    # What starts meanwhile may write logs of a few MB; Kafka's indexes are 10 MB from the start.
    for pid, most in ((supervisor, 8_000_000), (server, 100_000)):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in (supervisor, whole.stack.pid(part)):
            if pid is not None:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_broker_without_room_says_so_and_goes_on_when_there_is_room_and_the_stack_is_brought_up(whole: Whole) -> None:
    before, log = whole.stack.pid("kafka"), whole.stack.home.logs / "kafka.log"
    with no_room(whole, "kafka"):
        assert wait_until(lambda: whole.stack.pid("kafka") != before, BACK_WITHIN_S), "the broker goes on"
        assert wait_until(lambda: "File too large" in last_error(log), BACK_WITHIN_S), last_error(log)
    up(whole.stack)
    whole.goes_on()


@pytest.mark.long
def test_a_database_without_room_takes_nothing_and_goes_on_when_there_is_room(whole: Whole) -> None:
    with no_room(whole, "mariadb"):
        assert wait_until(whole.stalled, 30), "the database takes rows"
    up(whole.stack)
    whole.goes_on()


def test_after_all_that_nothing_is_lost_and_nothing_doubled(whole: Whole) -> None:
    whole.check()
