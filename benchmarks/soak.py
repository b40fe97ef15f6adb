"""`make soak`: kills, freezes and restarts at random points under load; afterwards everything must be right.

load ──▶ for each round: one to three faults at random points ──▶ marks go the whole way in every partition ──▶ next
end  ──▶ nothing lost, nothing doubled, law 1's bytes, `verify` clean. results/soak.json is written after every round.
"""

import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Engine

from benchmarks.ending import Ending, ending
from benchmarks.faults import Crew, Fault, drawn
from benchmarks.gaps import Reader
from benchmarks.marking import through
from benchmarks.run import RESULTS, running_stack
from benchmarks.steady import tried, week_of
from connectors.mariadb.server.engine import connect
from connectors.stack.waiting import wait_until
from schemas.keys import Scope
from schemas.topics import PARTITIONS
from streams.settings import ROOT, Settings
from streams.shared.stop_signal import stop_event

BACK_WITHIN_S = 180
SETTLED_WITHIN_S = 900
APART_S = 1.5
"""A round begins at a random point in so much time: where exactly is what is tried."""


class Round(msgspec.Struct, frozen=True):
    """`ready_s`: from the first fault until marks went the whole way in all partitions; see `benchmarks.gaps`."""

    faults: tuple[Fault, ...]
    at_s: float
    gap_s: float
    ready_s: float
    back: bool = True


class Spread(msgspec.Struct, frozen=True):
    """Seconds, of all rounds with this one fault alone."""

    rounds: int
    gap_p50: float
    gap_max: float
    ready_p50: float
    ready_max: float


class Soak(msgspec.Struct, frozen=True):
    """A run as far as it has come, `planned` and done in faults; `ending` is there when it has ended by itself."""

    at: str
    machine: str
    load_before: float
    seed: int
    rate: float
    planned: int
    faults: int
    minutes: float
    writes: int
    ok: bool | None
    spreads: dict[str, Spread]
    rounds: list[Round]
    ending: Ending | None = None


def main(
    faults: Annotated[int, typer.Option(help="No round begins after so many.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws load, faults and points.")] = 1,
    rate: Annotated[float, typer.Option(help="Changes a second.")] = 200,
    minutes: Annotated[float, typer.Option(help="No round begins after so long.")] = 120,
    out: Annotated[Path, typer.Option(help="The JSON, written after every round.")] = RESULTS / "soak.json",
) -> None:
    """Runs rounds of faults under load, then compares everything. Exit 1 if anything is wrong or didn't come back.

    SIGTERM has it begin no other round; Ctrl-C, which its load hears too, ends it at once and compares nothing.
    """
    stop = stop_event()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance, began, load_before = random.Random(seed), time.monotonic(), os.getloadavg()[0]
    with ExitStack() as stacked:
        folder = Path(stacked.enter_context(tempfile.TemporaryDirectory()))
        stack = stacked.enter_context(running_stack(folder / "soak", workers=True))
        settings = Settings(home=stack.home.path)
        engine = connect(settings.mariadb().url("pipeline"))
        crew = Crew(stack, folder / "second")
        stacked.callback(crew.end)
        reader = Reader(settings.kafka())
        reader.start()
        load = _load(rate, minutes, seed, folder / "load.txt")
        stacked.callback(load.kill)
        done: list[Round] = []

        def kept(end: Ending | None = None) -> Soak:
            soak = Soak(
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
                load_before=round(load_before, 2),
                seed=seed,
                rate=rate,
                planned=faults,
                faults=_faults(done),
                minutes=round((time.monotonic() - began) / 60, 1),
                writes=sum(one.writes for one in tried(folder / "load.txt")),
                ok=all(one.back for one in done) and (end.ok if end else None),
                spreads=_spreads(done),
                rounds=done,
                ending=end,
            )
            out.write_bytes(msgspec.json.format(msgspec.json.encode(soak), indent=2) + b"\n")
            return soak

        assert wait_until(lambda: len(set(reader.partitions.values())) == PARTITIONS, BACK_WITHIN_S), "no work comes"
        while (
            _faults(done) < faults
            and time.monotonic() - began < minutes * 60
            and all(one.back for one in done)
            and not stop.is_set()
        ):
            time.sleep(chance.uniform(0, APART_S))
            done.append(_round(crew, engine, reader, drawn(chance), folder / "load.txt", began))
            _print(_faults(done), faults, done[-1])
            kept()
        load.send_signal(signal.SIGTERM)
        load.wait(BACK_WITHIN_S)
        reader.end()
        crew_given_up = crew.given_up()
        writes = week_of(rate, minutes, seed).writes[: sum(one.writes for one in tried(folder / "load.txt"))]
        try:
            soak = kept(ending(engine, settings.kafka(), writes, SETTLED_WITHIN_S))
        finally:
            _keep_logs(stack.home.logs, folder / "second" / "logs")
    if crew_given_up:
        print(f"given up by their supervisor at the end: {', '.join(crew_given_up)}")
    verdict = "all is right" if soak.ok else f"NOT RIGHT, see {out}"
    print(f"{soak.writes} writes, {len(done)} rounds, {soak.faults} faults: {verdict}")
    sys.exit(0 if soak.ok else 1)


def _keep_logs(*folders: Path) -> None:
    """Where something was wrong, the logs are what there is to go by."""
    kept = ROOT / ".timeloom" / "soak-logs"
    shutil.rmtree(kept, ignore_errors=True)
    for number, folder in enumerate(folders, 1):
        shutil.copytree(folder, kept / str(number))
    print(f"logs: {kept}")


def _load(rate: float, minutes: float, seed: int, lines: Path) -> subprocess.Popen[bytes]:
    """It writes until it is told to stop, and has rows for longer than the rounds take."""
    arguments = [str(rate), str(minutes), str(seed), str(lines)]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.steady", *arguments])


def _round(
    crew: Crew, engine: Engine, reader: Reader, faults: tuple[Fault, ...], lines: Path, soak_began: float
) -> Round:
    at, began = time.time(), time.monotonic()
    back = crew.strike(faults) and through(engine, lambda: _one_each(reader.partitions), BACK_WITHIN_S)
    ready = time.monotonic() - began
    return Round(faults, round(began - soak_began, 1), reader.gap(at, tried(lines)), round(ready, 2), back)


def _one_each(partitions: dict[Scope, int]) -> list[Scope]:
    """A timekeeper in each partition."""
    return list({partition: scope for scope, partition in dict(partitions).items()}.values())


def _faults(rounds: list[Round]) -> int:
    return sum(len(one.faults) for one in rounds)


def _spreads(rounds: list[Round]) -> dict[str, Spread]:
    """By victim and what was done to it; both workers of a kind are one."""
    alone: dict[str, list[Round]] = defaultdict(list)
    for one in rounds:
        if len(one.faults) == 1:
            alone[f"{one.faults[0].victim.removesuffix('-2')} {one.faults[0].how}"].append(one)
    return {
        name: Spread(
            len(some),
            round(median(one.gap_s for one in some), 2),
            max(one.gap_s for one in some),
            round(median(one.ready_s for one in some), 2),
            max(one.ready_s for one in some),
        )
        for name, some in sorted(alone.items())
    }


def _print(faults: int, of: int, one: Round) -> None:
    what = ", ".join(f"{f.victim} {f.how}{f' at {f.after_s} s' if f.after_s else ''}" for f in one.faults)
    end = f"gap {one.gap_s} s, ready after {one.ready_s} s" if one.back else "DID NOT COME BACK"
    print(f"{faults}/{of} {what}: {end}", flush=True)


if __name__ == "__main__":
    typer.run(main)
