"""`make soak`: kills and freezes at random points under load; afterwards `verify` must be clean. JSON in results/.

load ──▶ for each round: one victim (or two), killed with -9 or frozen past its session ──▶ it comes back ──▶ verify
"""

import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from sqlalchemy.exc import DBAPIError

from benchmarks.run import RESULTS, running_stack
from connectors.mariadb.engine import connect
from connectors.mariadb.marks import set_marks, unseen
from connectors.mariadb.people import ensure_timekeeper
from connectors.stack.stack import Stack
from connectors.stack.waiting import wait_until
from schemas.errors import StackError
from schemas.values import MarkKind
from streams.auditing import Auditor
from streams.settings import Settings
from streams.verdicts import Report, report

VICTIMS = ("group", "bill", "connect", "kafka", "mariadb")
FROZEN_S = 8.0
"""Longer than a worker's session: somebody else may have its partitions when it wakes up."""

BACK_WITHIN_S = 180


class Round(msgspec.Struct, frozen=True):
    """What was done to whom, and the seconds from then until a mark went the whole way again."""

    victims: tuple[str, ...]
    how: str
    recovered_s: float


class Soak(msgspec.Struct, frozen=True):
    """A whole run; `verify` is what was found at its end."""

    at: str
    machine: str
    seed: int
    rows: int
    rounds: list[Round]
    verify: Report


def main(rounds: int = 20, rate: int = 50, seed: int = 1) -> None:
    """Runs the rounds one after another under load, then verifies. Exit 1 if anything was lost or doubled."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, running_stack(Path(name) / "soak", workers=True) as stack:
        settings = Settings(home=stack.home.path)
        engine = connect(settings.mariadb().url("pipeline"))
        load, lines = _load(Path(name), rate, seed)
        done = []
        for number in range(rounds):
            done.append(_round(stack, chance))
            last = done[-1]
            print(f"{number + 1}/{rounds} {last.how} {', '.join(last.victims)}: {last.recovered_s} s", flush=True)
        load.send_signal(signal.SIGTERM)
        load.wait(60)
        verdict = report(Auditor(engine, settings.kafka(), BACK_WITHIN_S).verify(), None)
        rows = len(lines.read_text().splitlines())
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    result = Soak(datetime.now(UTC).isoformat(timespec="seconds"), machine, seed, rows, done, verdict)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "soak.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    print(f"{rows} commits, {rounds} rounds: {'all is right' if verdict.ok else 'NOT RIGHT, see results/soak.json'}")
    sys.exit(0 if verdict.ok else 1)


def _load(folder: Path, rate: int, seed: int) -> tuple[subprocess.Popen[bytes], Path]:
    """Writes until it is told to stop; a database that is away for a while makes it try the same rows again."""
    lines = folder / "load.txt"
    return subprocess.Popen([sys.executable, "-m", "benchmarks.steady", str(rate), str(seed), str(lines)]), lines


def _round(stack: Stack, chance: random.Random) -> Round:
    victims = tuple(sorted(chance.sample(VICTIMS, chance.choice((1, 1, 2)))))
    how = "froze" if set(victims) <= {"group", "bill"} and chance.random() < 0.4 else "killed"
    time.sleep(chance.uniform(0.5, 3.0))  # the point is random: that is what is tried
    began = time.monotonic()
    pids = [pid for victim in victims if (pid := stack.pid(victim))]
    if how == "froze":
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(FROZEN_S)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    else:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    _through(stack)
    return Round(victims, how, round(time.monotonic() - began, 1))


def _through(stack: Stack) -> None:
    """A mark goes the whole way again: everything is back."""
    settings = Settings(home=stack.home.path)
    engine = connect(settings.mariadb().url("pipeline"))
    collector = connect(settings.mariadb().url("collector"))

    def tried(work: Callable[[], bool]) -> bool:
        try:
            return work()
        except (StackError, DBAPIError) as error:
            print(f"  not yet: {type(error).__name__}", flush=True)
            time.sleep(1)
            return False

    def marked() -> bool:
        with collector.begin() as connection:
            scope = ensure_timekeeper(connection, "soak", "soak", zone="UTC")
        marks = set_marks(engine, [scope], MarkKind.CANARY)
        return wait_until(lambda: not unseen(engine, marks), BACK_WITHIN_S / 2)

    assert wait_until(lambda: tried(marked), BACK_WITHIN_S), "the pipeline did not come back"
    engine.dispose()
    collector.dispose()


if __name__ == "__main__":
    typer.run(main)
