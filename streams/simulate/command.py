"""`simulate`: writes a generated working week to MariaDB, one small transaction after another, as a collector does.

    generate (pure, seeded) ──▶ firm, people, clients, matters, cadences ──▶ inserts, updates, deletes in order

The week lies in the past, so that its period is due. The true groups go to `--truth` and never into a row.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from processors.simulation.dials import Dials
from processors.simulation.values import SIMULATION_SOURCE, GroundTruth, SimulatedWeek, WriteOperation

WORKING_DAYS_A_WEEK = 5
DIALS_HELP = "Any other parameter as NAME=VALUE, repeatable: " + ", ".join(
    f"{name}={getattr(Dials(), name)}" for name in Dials.__struct_fields__
)


class SimulationResult(msgspec.Struct, frozen=True):
    """What was written: timekeepers, rows by operation, and the seconds it took."""

    first_day: date
    people: int
    inserted: int
    updated: int
    deleted: int
    live: int
    seconds: float


def simulate(
    people: Annotated[int, typer.Option(min=1, help="The number of timekeepers.")] = Dials().people,
    days: Annotated[int, typer.Option(min=1, help="The number of working days.")] = Dials().days,
    seed: Annotated[int, typer.Option(help="The same seed and start produce the same bytes.")] = 1,
    start: Annotated[
        datetime | None, typer.Option(help="The first day.", show_default="so that its week is over")
    ] = None,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share of rows written hours late.")] = Dials().late,
    corrected: Annotated[float, typer.Option(min=0, max=1, help="Share of rows corrected.")] = Dials().corrected,
    deleted: Annotated[float, typer.Option(min=0, max=1, help="Share of rows deleted again.")] = Dials().deleted,
    dial: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help=DIALS_HELP)] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="The number of changes per second.", show_default="as fast as can be")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="Write the true groups to this file, as event lines.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Generate, but write nothing to the database.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Write a generated working week of several people to MariaDB. Everything in it is marked as generated.

    Example: ./timeloom simulate --people 4 --days 5 --seed 7 --truth truth.jsonl

    Exit: 0 done; 2 a dial that can't be; 3 the database isn't up.
    """
    fixed = {"people": people, "days": days, "late": late, "corrected": corrected, "deleted": deleted}
    dials = parse_dials(fixed, dial or [])
    first = start.date() if start else past_week_start(datetime.now(UTC).date(), dials.days)
    week = generate_week(dials, first, seed)
    ids: dict[str, int] = {}
    began = time.monotonic()
    if not dry_run:
        ids = _write_week(week, first, rate, silent=as_json)
    if truth is not None:
        write_truth(truth, week.truths, ids)
    done = _count_writes(week, first, time.monotonic() - began)
    typer.echo(msgspec.json.encode(done).decode() if as_json else _result_sentence(week, done, dry_run))


def parse_dials(options: dict[str, float], assignments: Sequence[str]) -> Dials:
    """The parameters of the generated week. Raises BadParameter if one doesn't exist or can't have that value."""
    values = dict(options)
    for other in assignments:
        name, _, value = other.partition("=")
        if name not in Dials.__struct_fields__:
            raise typer.BadParameter(f"there is no dial {name!r}. {DIALS_HELP}", param_hint="--dial")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise typer.BadParameter(f"{other!r}: write it as {name}=NUMBER", param_hint="--dial") from error
    wrong = [name for name, value in values.items() if value < 0 or (_is_share(name) and value > 1)]
    if wrong:
        raise typer.BadParameter(f"{', '.join(wrong)}: shares lie between 0 and 1, counts aren't negative")
    try:
        return msgspec.convert(values, Dials, strict=False)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error), param_hint="--dial") from error


def _is_share(name: str) -> bool:
    return 0 < float(getattr(Dials(), name)) < 1


def past_week_start(today: date, days: int) -> date:
    """A Monday such that this many working days, their cut-off and every time zone's Monday are over by `today`."""
    weeks = -(-days // WORKING_DAYS_A_WEEK)
    settled = today - timedelta(days=2)
    return settled - timedelta(days=settled.weekday() + 7 * weeks)


def generate_week(dials: Dials, first: date, seed: int) -> SimulatedWeek:
    """Generates the week of a seed. Each stream of random numbers is Python's generator, seeded with the seed and its
    name.
    """
    from processors.simulation.week import simulate_week

    return simulate_week(dials, first, f"{seed}-{first:%y%m%d}", lambda name: random.Random(f"{seed}/{name}").random)


def _write_week(week: SimulatedWeek, first: date, rate: float | None, silent: bool) -> dict[str, int]:
    """Writes everything as the collector. Returns the ids of the rows that exist in the end, by source id."""
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.activities import read_activity_ids
    from streams.settings import load
    from streams.simulate.collector import paced, set_up, write_batch

    engine = connect(load().mariadb().url("collector"))
    with engine.begin() as connection:
        scopes, matters = set_up(connection, week, first)
    with _progress(len(week.writes), silent) as advance:
        for batch in paced(week.writes, rate, time.monotonic, time.sleep):
            write_batch(engine, batch, scopes, matters)
            advance(len(batch))
    found: dict[str, int] = {}
    with engine.begin() as connection:
        for email, scope in scopes.items():
            names = [truth.row.source_id for truth in week.truths if truth.email == email]
            found |= read_activity_ids(connection, scope, SIMULATION_SOURCE, names)
    return found


def write_truth(path: Path, truths: Sequence[GroundTruth], ids: dict[str, int]) -> None:
    """Writes the true group of each row in the event form. Ids are the database's; in a dry run the rows' names."""
    from connectors.sources.formats.event_writer import Labels, event_line
    from schemas.values import Activity

    with path.open("wb") as file:
        for truth in truths:
            row = truth.row
            activity = Activity(
                ids.get(row.source_id, 0), row.kind, row.started_at, row.ended_at, row.zone, row.words, row.app
            )
            labels = Labels(group=truth.piece, matter=truth.matter)
            name = str(ids.get(row.source_id, row.source_id))
            file.write(event_line(truth.email, activity, labels, id=name, source_id=row.source_id))


def _count_writes(week: SimulatedWeek, first: date, seconds: float) -> SimulationResult:
    verbs = [write.operation for write in week.writes]
    return SimulationResult(
        first_day=first,
        people=len(week.firm.people),
        inserted=verbs.count(WriteOperation.INSERT),
        updated=verbs.count(WriteOperation.UPDATE),
        deleted=verbs.count(WriteOperation.DELETE),
        live=len(week.truths),
        seconds=round(seconds, 3),
    )


def _result_sentence(week: SimulatedWeek, result: SimulationResult, dry_run: bool) -> str:
    did = "Would write" if dry_run else "Wrote"
    took = "" if dry_run else f" in {result.seconds:.1f} s"
    return (
        f"{did} {len(week.writes):,} generated changes{took}: {result.inserted:,} inserts, {result.updated:,} updates, "
        f"{result.deleted:,} deletes; {result.live:,} activities of {result.people} people of {week.firm.name}, "
        f"from {result.first_day}."
    )


@contextmanager
def _progress(total: int, silent: bool) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=silent or not console.is_terminal) as bars:
        task = bars.add_task("Writing generated changes", total=total)
        yield lambda count: bars.advance(task, count)
