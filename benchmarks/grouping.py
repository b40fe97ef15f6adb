"""How fast activities are grouped, without any stack: the whole set at once, one change among many, and memory.

Shares say where the time of a whole set goes; they are taken in a run of their own, in which Python's own calls weigh
more than they do.

    python -m benchmarks.grouping            about two minutes; writes results/grouping.json

All activities are generated: one person's windows whose titles come again and again, or documents that all differ.
"""

import os
import platform
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from cProfile import Profile
from datetime import UTC, datetime
from statistics import median

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.run import RESULTS
from processors.grouping.batch import group_all
from processors.grouping.candidates.blocking import Candidates
from processors.grouping.clustering.micro_clusters import MicroClusters
from processors.grouping.clustering.pair_graph import PairGraph
from processors.grouping.describe.description import describe
from processors.grouping.features.pair_features import features
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.group_values import values_of
from processors.grouping.similarity.classifier import Classifier
from processors.grouping.working_set import WorkingSet
from schemas.keys import RowKey
from schemas.values import Activity, Kind, Words, content_hash
from streams.shared.model_store import shipped_model

OPEN = 5_000
CHANGES = 400
MONDAY_US = 1_772_438_400_000_000
MINUTE_US = 60_000_000
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "zi")

STEPS: dict[str, Callable[..., object]] = {
    "content hashes": content_hash,
    "describing": describe,
    "candidates": Candidates.pairs,
    "features": features,
    "scores": Classifier.score,
    "placing": PairGraph._assign,
    "ties": MicroClusters._score_pairs,
    "merging": MicroClusters._merge,
    "shaping": values_of,
}
"""What the shares are of; none of these calls another."""

Made = Callable[[random.Random, int], Words]


class Whole(msgspec.Struct, frozen=True):
    """A set grouped at once: activities a second of one core, the median of some runs and their spread; the `shares` of
    STEPS in hundredths.
    """

    what: str
    activities: int
    groups: int
    per_s: int
    least_per_s: int
    most_per_s: int
    shares: dict[str, int]


class Change(msgspec.Struct, frozen=True):
    """One change among OPEN activities, until its groups are decided; milliseconds."""

    what: str
    changes: int
    p50: float
    p99: float
    most: float


class Results(msgspec.Struct, frozen=True):
    """What a run measured, and on what. `bytes_each`: memory of an open activity, Python's and numpy's."""

    at: str
    machine: str
    load_before: float
    model: str
    whole: list[Whole]
    change: list[Change]
    bytes_each: dict[str, int]


def main(activities: int = 20_000, runs: int = 3, seed: int = 5) -> None:
    """Measures, prints a table, and writes the JSON."""
    load, model = os.getloadavg()[0], shipped_model()
    kinds: dict[str, Made] = {"repeated window titles": _window, "distinct texts": _document}
    results = Results(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        load_before=round(load, 2),
        model=model.version,
        whole=[_whole(what, list(_day(made, activities, seed)), model, runs) for what, made in kinds.items()],
        change=[_change(what, list(_day(made, OPEN + CHANGES, seed)), model) for what, made in kinds.items()],
        bytes_each={what: _memory(list(_day(made, OPEN, seed)), model) for what, made in kinds.items()},
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "grouping.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    _print(results)


def _day(made: Made, count: int, seed: int) -> Iterator[Activity]:
    """Somebody's activities, one after the other with pauses; nothing of it is real."""
    chance, at = random.Random(seed), MONDAY_US
    for id in range(1, count + 1):
        at += chance.choice((0, 0, 0, 1, 5, 90)) * MINUTE_US
        until = at + chance.randint(1, 9) * MINUTE_US
        kind = Kind.WINDOW if made is _window else Kind.DOCUMENT
        yield Activity(id, kind, at, until, "UTC", made(chance, id), "Editor")
        at = until


def _word(number: int) -> str:
    """A word of its own for each number."""
    word = ""
    while number or not word:
        number, rest = divmod(number, len(SYLLABLES))
        word += SYLLABLES[rest]
    return word


def _window(chance: random.Random, _: int) -> Words:
    return Words(title=f"{_word(chance.randrange(60) + 400)} {_word(chance.randrange(3) + 90)}.docx - Editor")


def _document(chance: random.Random, id: int) -> Words:
    matter = chance.randrange(60) + 400
    return Words(
        title=f"{_word(matter)} {_word(matter * 7)} {_word(1_000 + id)} {_word(chance.randrange(5_000) + 20_000)}",
        files=(f"work/{_word(matter)}/{_word(id)}.docx",),
    )


def _whole(what: str, activities: Sequence[Activity], model: Model, runs: int) -> Whole:
    rates = []
    for _ in range(runs):
        began = time.process_time()
        groups = group_all(activities, model=model)
        rates.append(round(len(activities) / (time.process_time() - began)))
    shares = _shares(activities, model)
    return Whole(what, len(activities), len(groups), round(median(rates)), min(rates), max(rates), shares)


def _shares(activities: Sequence[Activity], model: Model) -> dict[str, int]:
    profile = Profile()
    profile.runcall(group_all, activities, model=model)
    took = {entry.code: entry.totaltime for entry in profile.getstats()}
    return {
        step: round(100 * took.get(of.__code__, 0) / took[group_all.__code__])  # type: ignore[attr-defined]
        for step, of in STEPS.items()
    }


def _change(what: str, activities: Sequence[Activity], model: Model) -> Change:
    """New ones at the end and late ones in the middle, in turn."""
    last, between = activities[-CHANGES // 2 :], activities[: OPEN : 2 * OPEN // CHANGES][: CHANGES // 2]
    later = [one for both in zip(last, between, strict=True) for one in both]
    names = {one.id for one in later}
    working_set = WorkingSet({model.version: model}, model.version)
    version = 0
    for version, one in enumerate(one for one in activities if one.id not in names):
        working_set.apply(RowKey(1, 1, "activity", one.id), version, one)
    working_set.decide()
    took = []
    for one in later:
        version += 1
        began = time.perf_counter()
        working_set.apply(RowKey(1, 1, "activity", one.id), version, one)
        working_set.decide()
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return Change(
        what, len(took), *(round(took[int(len(took) * share)], 2) for share in (0.5, 0.99)), round(took[-1], 2)
    )


def _memory(activities: Sequence[Activity], model: Model) -> int:
    """Of what the working set holds beside the activities themselves."""
    group_all(activities[:100], model=model)  # what is loaded once is no activity's
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    working_set = WorkingSet({model.version: model}, model.version)
    for version, one in enumerate(activities):
        working_set.apply(RowKey(1, 1, "activity", one.id), version, one)
    working_set.decide()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held // len(activities)


def _print(results: Results) -> None:
    table = Table(
        "figure", "ours", "aim", title=f"{results.machine}, load before {results.load_before}, {results.model}"
    )
    for whole, aim in zip(results.whole, ("50,000", "10,000"), strict=True):
        spread = f"{whole.least_per_s:,} to {whole.most_per_s:,}"
        table.add_row(f"{whole.what}, activities a second of one core", f"{whole.per_s:,} ({spread})", f">= {aim}")
        table.add_row("  of that", ", ".join(f"{step} {share} %" for step, share in whole.shares.items()), "")
    for change in results.change:
        name = f"{change.what}, one change of {OPEN:,} open, ms p50/p99/most"
        table.add_row(name, f"{change.p50} / {change.p99} / {change.most}", "p99 <= 5")
    for what, held in results.bytes_each.items():
        table.add_row(f"{what}, bytes an open activity", f"{held:,}", "<= 2,048")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
