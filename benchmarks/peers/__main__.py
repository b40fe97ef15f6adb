"""`make bench-peers`: ours and the heavier peers on the same labelled events in one run; a table, and JSON.

python -m benchmarks.peers                       on generated weeks; writes benchmarks/results/peers.json
python -m benchmarks.peers EVENTS... --json FILE      on event lines with true groups (docs/evaluating.md)
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.table import Table

from benchmarks.peers.agglomerative import Agglomerative
from benchmarks.peers.judging import BUDGET_S, LAPS, Ours, Peer, Rated, in_order, rated
from benchmarks.peers.linkage import Linkage
from benchmarks.peers.streaming import dbstream, denstream
from benchmarks.run import RESULTS
from benchmarks.shipping import generated_week
from connectors.sources.event import Notes
from processors.evaluation.comparison import Case
from processors.simulation.dials import Dials
from streams.files.labelled_events import labelled_files, read_cases
from streams.shared.model_store import read_model_file, shipped_model
from streams.shared.terminal import TerminalProgress, table_console

SEEDS = (920_000, 920_001)
"""Of weeks that no model was trained on, and no test has."""

LONG = 60
"""Days of one person, on which one more event is timed where no other stream is given: some 5,000 events."""

SHOWN = ("B3-F", "PW-F", "ARI", "1-VI", "1-1", "EM-F")


class Results(msgspec.Struct, frozen=True):
    """What a run found, on what; `long`: the events of the stream on which one more event is timed."""

    at: str
    machine: str
    load_before: float
    data: str
    events: int
    judged: int
    streams: int
    choose_from: int
    long: int
    rated: list[Rated]


def main(
    events: Annotated[list[Path] | None, typer.Argument(metavar="EVENTS...", help="Event lines with groups.")] = None,
    model: Annotated[Path | None, typer.Option(help="A grouping model's file, for the one that ships.")] = None,
    json: Annotated[
        Path | None,
        typer.Option(help="Where to write the figures.", show_default="results/peers.json, of generated weeks"),
    ] = None,
    choose_from: Annotated[int, typer.Option(help="Values are chosen on so many judged events of each stream.")] = 600,
    skip_system: Annotated[bool, typer.Option("--skip-system", help="Don't judge what machines wrote.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Peers to measure, by a part of their names.")] = None,
) -> None:
    """Measures, prints a table, and writes the JSON."""
    load = os.getloadavg()[0]
    cases = [in_order(case) for case in (_given(events, skip_system) if events else _generated())]
    long = max(cases, key=lambda case: len(case.activities)) if events else _long()
    ours = read_model_file(model) if model else shipped_model()
    peers: list[Peer] = [Ours(ours), Agglomerative(), dbstream(), denstream()]
    if len(cases) > 1:  # it learns on other streams than it groups
        peers.append(Linkage(cases))
    found = []
    with TerminalProgress() as screen:
        for peer in peers:
            if only is None or any(part in peer.name for part in only):
                with screen.step(peer.name):
                    found.append(rated(cases, long, peer, choose_from=choose_from))
    results = Results(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        load_before=round(load, 2),
        data=", ".join(path.name for path in events) if events else "generated weeks",
        events=sum(len(case.activities) for case in cases),
        judged=sum(len(case.gold) for case in cases),
        streams=len(cases),
        choose_from=choose_from,
        long=len(long.activities),
        rated=found,
    )
    out = json or (None if events else RESULTS / "peers.json")
    if out is not None:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    for table in (_quality(results), _cost(results)):
        table_console().print(table)


def _given(paths: Sequence[Path], skip_system: bool) -> list[Case]:
    notes = Notes()
    return read_cases(labelled_files(paths, notes), notes, skip_system)


def _generated() -> list[Case]:
    return [Case(one.name, tuple(one.activities), one.gold) for seed in SEEDS for one in generated_week(seed)]


def _long() -> Case:
    one = next(generated_week(SEEDS[0], Dials(people=1, days=LONG)))
    return in_order(Case(one.name, tuple(one.activities), one.gold))


def _quality(results: Results) -> Table:
    table = _table(
        f"{results.data}: {results.judged:,} judged of {results.events:,} events, {results.streams} streams: mean over "
        "streams, percent",
        f"Peers have the best of their values by B3-F on the first {results.choose_from:,} judged events of each "
        "stream, those that they are judged by, which favours them.",
    )
    for name in ("values", "groups", *SHOWN, "events/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in results.rated:
        measures = [f"{one.measured.mean[name].value:.1f}" for name in SHOWN]
        label = f"{one.name}\n{one.chosen}".strip()
        table.add_row(label, str(one.values), f"{one.groups:,}", *measures, f"{one.events_per_s:,}")
    return table


def _cost(results: Results) -> Table:
    sizes = sorted({lap.open for one in results.rated for lap in one.one_more})
    table = _table(
        f"One more event among so many: ms of processor time, p50 / p99, on a stream of {results.long:,} events",
        f"Each is measured up to {LAPS} times, or for {BUDGET_S:g} s; where one takes that, more aren't waited for. "
        "The last column: a stream of so many events, one after the other, reckoned from the others.",
    )
    for size in sizes:
        table.add_column(f"{size:,}", justify="right", no_wrap=True)
    table.add_column("the stream", justify="right")
    for one in results.rated:
        laps = {lap.open: f"{_ms(lap.p50_ms)} / {_ms(lap.p99_ms)}" for lap in one.one_more}
        table.add_row(one.name, *(laps.get(size, "") for size in sizes), _whole(one))
    return table


def _whole(one: Rated) -> str:
    return f"{one.stream_s:,.0f} s of {one.one_more[-1].open:,}" if one.one_more else ""


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _table(title: str, caption: str) -> Table:
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("")
    return table


if __name__ == "__main__":
    typer.run(main)
