"""The whole product under load on a stack of its own, as its users run it: parts are killed, disks fill up.

Nothing is lost, nothing is doubled, and all goes on by itself or by the command that the runbook gives.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from benchmarks.ending import ending
from benchmarks.marking import through
from benchmarks.steady import tried, week_of
from connectors.mariadb.books import scopes
from connectors.mariadb.engine import connect
from connectors.stack.programs import PARTS, WORKERS
from connectors.stack.stack import Stack
from connectors.stack.waiting import wait_until
from schemas.keys import Scope
from streams.prepare import prepare
from streams.settings import Settings

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[2]
RATE, MINUTES, SEED = 40.0, 4.0, 11
BACK_WITHIN_S = 90


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
            return scopes(connection)

    def check(self) -> None:
        """Ends the load; every acknowledged row is there, in one group and one entry, byte for byte."""
        self.load.send_signal(signal.SIGTERM)
        self.load.wait(60)
        count = sum(one.writes for one in tried(self._lines))
        end = ending(self.engine, self.settings.kafka(), week_of(RATE, MINUTES, SEED).writes[:count], BACK_WITHIN_S)
        assert end.ok, end


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    stack = Stack(ROOT / ".timeloom" / "whole", downloads=ROOT / ".timeloom" / "downloads")
    stack.reset()
    stack.up()
    prepare(Settings(home=stack.home.path))
    for worker in WORKERS:
        stack.start(worker)
    one = Whole(stack, tmp_path_factory.mktemp("load") / "lines")
    yield one
    one.load.kill()
    one.engine.dispose()
    stack.reset()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_killed_under_load_comes_back(whole: Whole, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    before, began = whole.stack.pid(part), time.monotonic()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert through(whole.engine, whole.people, BACK_WITHIN_S), f"{part} killed: marks don't come through any more"
    assert wait_until(lambda: whole.stack.pid(part) not in (None, before), BACK_WITHIN_S)
    with capsys.disabled():
        sys.stdout.write(f"\n  {part} killed: all marks came through {time.monotonic() - began:.1f} s later ")


def test_after_all_that_nothing_is_lost_and_nothing_doubled(whole: Whole) -> None:
    whole.check()
