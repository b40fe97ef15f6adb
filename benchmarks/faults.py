"""Faults: what is done to which process of a stack that has two of each worker, drawn at random from a seed.

killed (SIGKILL), froze (SIGSTOP until its session is over, then SIGCONT), restarted (SIGTERM; a supervisor starts it).
"""

import os
import random
import signal
import time
from pathlib import Path
from typing import Literal

import msgspec

from connectors.stack.processes.programs import SERVERS, workers
from connectors.stack.processes.supervisor import Supervisor
from connectors.stack.servers.home import Home
from connectors.stack.stack import Stack
from connectors.stack.waiting import wait_until

How = Literal["killed", "froze", "restarted"]
SIGNALS: dict[How, signal.Signals] = {
    "killed": signal.SIGKILL,
    "froze": signal.SIGSTOP,
    "restarted": signal.SIGTERM,
}

DOUBLED = ("group", "bill")
SECOND = "-2"
VICTIMS = (*SERVERS, *DOUBLED, *(worker + SECOND for worker in DOUBLED))

FROZEN_S = {"mariadb": 5.0, "kafka": 5.0, "connect": 4.5}
"""Connect's session is 3 s. A server has none; so long is more than its clients' patience for one answer."""
FROZEN_WORKER_S = 7.5
"""Longer than a worker's session of 6 s: somebody else has its partitions when it wakes up."""

APART_S = 6.0
"""What strikes with another strikes at most so much later: often while the first one's victim is coming back."""

AT_ONCE = {1: 0.4, 2: 0.35, 3: 0.25}
"""How often a round has so many faults."""

STARTED_WITHIN_S = 60


class Fault(msgspec.Struct, frozen=True):
    """What was done to whom, how many seconds after the round began."""

    victim: str
    how: How
    after_s: float


class Crew:
    """The stack's processes and a second worker of each kind, under a supervisor of their own."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        home = Home(folder)
        home.make()
        self._second = Supervisor(home)
        self._second.written([one for one in workers(stack.home) if one.name in DOUBLED])
        self._second.start()
        for worker in DOUBLED:
            self._second.run(worker)

    def pid(self, victim: str) -> int | None:
        """Its process; None while it has none."""
        if victim.endswith(SECOND):
            return self._second.processes()[victim.removesuffix(SECOND)].pid
        return self._stack.pid(victim)

    def given_up(self) -> list[str]:
        """Whom a supervisor doesn't start again by itself any more."""
        first = [part.part for part in self._stack.status() if part.state == "failed"]
        return first + [f"{p.name}{SECOND}" for p in self._second.processes().values() if p.gave_up]

    def end(self) -> None:
        """Ends the second workers; the stack is its owner's to end."""
        for worker in DOUBLED:
            self._second.halt(worker)
        self._second.end()

    def strike(self, faults: tuple[Fault, ...]) -> bool:
        """Does it all; returns when the last victim was killed, told, or woken. False if one isn't started again."""
        began = time.monotonic()
        due = [(fault.after_s, fault) for fault in faults]
        frozen: dict[Fault, int] = {}
        while due:
            due.sort(key=lambda one: one[0])
            at, fault = due.pop(0)
            time.sleep(max(0.0, began + at - time.monotonic()))
            if fault in frozen:
                os.kill(frozen[fault], signal.SIGCONT)
                continue
            pid = self._send(fault.victim, SIGNALS[fault.how])
            if pid is None:
                return False
            if fault.how == "froze":
                frozen[fault] = pid
                due.append((time.monotonic() - began + FROZEN_S.get(fault.victim, FROZEN_WORKER_S), fault))
        return True

    def _send(self, victim: str, number: signal.Signals) -> int | None:
        """To a victim that may be on its way up still, from the round before; None if it doesn't come up."""
        found: list[int] = []

        def sent() -> bool:
            pid = self.pid(victim)
            if pid is None:
                return False
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return False  # ended meanwhile by itself
            found.append(pid)
            return True

        wait_until(sent, STARTED_WITHIN_S)
        return found[0] if found else None


def drawn(chance: random.Random) -> tuple[Fault, ...]:
    """One fault, or two or three of different victims, each at any point of the first one's return."""
    (count,) = chance.choices(list(AT_ONCE), list(AT_ONCE.values()))
    victims = chance.sample(VICTIMS, count)
    hows: list[How] = chance.choices(("killed", "froze", "restarted"), (0.6, 0.2, 0.2), k=count)
    first = Fault(victims[0], hows[0], 0.0)
    rest = [Fault(v, h, round(chance.uniform(0, APART_S), 2)) for v, h in zip(victims[1:], hows[1:], strict=True)]
    return (first, *sorted(rest, key=lambda one: one.after_s))
