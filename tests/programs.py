"""Timeloom's programs as processes that a test starts, freezes, wakes and kills."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil

ROOT = Path(__file__).parents[1]
SAID_LAST = 6_000
"""Characters of a program's last words in a failure's message."""

SESSION_S = "3"
"""Half of the default: a test that kills a worker waits for the broker to notice."""


class Program:
    """One process of ours, e.g. `Program(home, "group")`, or a script that wraps one. What it prints goes to `log`."""

    def __init__(self, home: Path, *arguments: str, script: Path | None = None) -> None:
        self.log = home / f"{'-'.join(arguments)}-{os.urandom(3).hex()}.log"
        start = [str(script)] if script else ["-m", "streams"]
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, *start, *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    "TIMELOOM_HOME": str(home),
                    "TIMELOOM_WORKER_SESSION_S": SESSION_S,
                    "PYTHONPATH": str(ROOT),
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stops it where it is; it believes that no time passes."""
        self._process.send_signal(signal.SIGSTOP)

    @property
    def frozen(self) -> bool:
        """Does it stand still?"""
        return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED

    def wake(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Asks it to end, and gives its exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def telemetry(self) -> str:
        """Where it answers /healthz, /readyz and /metrics; waits until it says so."""

        def address() -> str | None:
            found = [line for line in self.said().splitlines() if '"event": "telemetry"' in line]
            return str(json.loads(found[0])["address"]) if found else None

        eventually(lambda: address() or self.ended() is not None, what=self.said)
        found = address()
        assert found is not None, self.said()
        return found

    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        """All that it printed, in whole lines: the last one may be half written, or cut off by a kill."""
        said = self.log.read_text(errors="replace")
        return said[: said.rfind("\n") + 1]


@contextmanager
def running(home: Path, *arguments: str, script: Path | None = None) -> Iterator[Program]:
    """A program for as long as the block lasts; killed at its end if it is still there."""
    program = Program(home, *arguments, script=script)
    try:
        yield program
    finally:
        if program.ended() is None:
            program.kill()


def eventually(condition: Callable[[], object], within_s: float = 60, what: str | Callable[[], str] = "") -> None:
    """Returns when the condition holds; fails with what it last gave when it doesn't in time.

    `what` was awaited, or the end of what `what` gives then, such as all that a program has said.
    """
    end = monotonic() + within_s
    while not (last := condition()):
        if monotonic() >= end:
            told = what if isinstance(what, str) else what()[-SAID_LAST:]
            raise AssertionError(f"not within {within_s} s, last {last!r}: {told or condition}")
        sleep(0.05)
