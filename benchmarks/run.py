"""`make bench`: every figure on a stack of its own, beside the peers in the same run; a table, and JSON in results/."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.latency import Latency, latency
from benchmarks.startup import Startup, memory, startup
from benchmarks.throughput import Throughput, backlog, throughput
from connectors.kafka.client.cluster import Cluster
from connectors.stack.stack import Stack
from schemas.checks import PROGRAMS
from streams.settings import ROOT, Settings
from streams.stack.prepare import prepare

RESULTS = Path(__file__).with_name("results")


class Results(msgspec.Struct, frozen=True):
    """What a run measured, and on what."""

    at: str
    machine: str
    load_before: float
    startup: Startup
    latency: list[Latency]
    throughput: Throughput
    memory_mb: dict[str, int]


def main(seconds: int = 60, rows: int = 40_000) -> None:
    """Runs everything one after another and prints it; about six minutes."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = startup(folder)
        with running_stack(folder / "throughput", workers=False) as stack:
            cluster = Cluster(stack.addresses().kafka_bootstrap)
            backlog(rows, 3, folder, cluster)
            rates = throughput(cluster, rows, folder)
        with running_stack(folder / "latency", workers=True) as stack:
            cluster = Cluster(stack.addresses().kafka_bootstrap)
            latency(cluster, 100, 10, 1, 5, folder)  # a warm-up: Java compiles while it runs
            latencies = [
                latency(cluster, rate, seconds, together, seed, folder)
                for rate, together, seed in ((100, 1, 6), (1000, 5, 7))
            ]
            held = memory(stack)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    results = Results(datetime.now(UTC).isoformat(timespec="seconds"), machine, load, started, latencies, rates, held)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    _print(results)


@contextmanager
def running_stack(home: Path, workers: bool) -> Iterator[Stack]:
    """A stack of its own in `home`, also for the processes started meanwhile; deleted at the end."""
    stack = Stack(home, downloads=ROOT / ".timeloom" / "downloads")
    os.environ["TIMELOOM_HOME"] = str(home)
    stack.up()
    prepare(Settings(home=home))
    if workers:
        for worker in PROGRAMS:
            stack.start(worker)
    try:
        yield stack
    finally:
        stack.reset()
        shutil.rmtree(home)


def _print(results: Results) -> None:
    table = Table("figure", "ours", "beside it", "aim", title=f"{results.machine}, load before {results.load_before}")
    for one in results.latency:
        table.add_row(
            f"commit to group at {one.rate}/s, ms p50/p95/p99",
            f"{one.group_p50} / {one.group_p95} / {one.group_p99}",
            f"Debezium to a consumer {one.debezium_p50} / {one.debezium_p95} / {one.debezium_p99}",
            "p99 <= 100" if one.rate == 100 else "p99 <= 150",
        )
    rates = results.throughput
    table.add_row("changes a second, one worker", str(rates.group_per_s), f"stock agent {rates.stock_per_s}", "as fast")
    table.add_row(
        "CPU seconds per 100,000", str(rates.group_cpu_s_per_100k), f"stock agent {rates.stock_cpu_s_per_100k}", ""
    )
    table.add_row(
        "our share of the worker's CPU", f"{rates.group_own_cpu_share:.0%}", "the rest is Faust and clients", ""
    )
    starts = results.startup
    table.add_row(
        "stack up, s: cold / reset / warm", f"{starts.cold_s} / {starts.reset_s} / {starts.warm_s}", "", "40 / 12"
    )
    for part, megabytes in results.memory_mb.items():
        table.add_row(f"memory of {part}", f"{megabytes} MB", "", "")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
