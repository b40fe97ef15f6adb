"""`demo`: the main job on the real stack, from nothing to a timesheet, with a generated week and this clone's history.

stack up ─▶ pipeline answers ─▶ a week is written as a collector would ─▶ groups form ─▶ periods close ─▶ timesheet
"""

import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from streams.settings import Settings
    from streams.shared.terminal import TerminalProgress
    from streams.stack.demo_figures import GroupArrivals
    from streams.verify.report import VerifyReport

PIPELINE_TIMEOUT_S = 90
CLOSE_TIMEOUT_S = 60
NARRATION_TIMEOUT_S = 60
FIRST_SEED = 1
DEMO_BUDGET_USD = 0.10


def demo(
    stop: Annotated[bool, typer.Option("--stop", help="Stop the stack at the end.")] = False,
    people: Annotated[int, typer.Option(min=1, help="Generated timekeepers.")] = 4,
    rate: Annotated[float, typer.Option(min=1, help="Changes a second that the collector writes.")] = 100.0,
    llm: Annotated[
        bool, typer.Option("--llm", help="Have a language model write narratives, for $0.10 at most.")
    ] = False,
) -> None:
    """Show everything: bring up the stack, write a generated week, group it, close its period, print a timesheet.

    Each demo adds a week of other generated people; nothing is deleted.

    Example: ./timeloom demo --stop

    Exit: 0 all is right; 1 `verify` found something; 2 the machine lacks something, or the settings name other servers;
    3 a server is not up.
    """
    from connectors.mariadb.server.engine import connect
    from streams.settings import load
    from streams.shared.terminal import TerminalProgress, table_console
    from streams.stack.command import bring_up, opened, refuse_elsewhere
    from streams.stack.demo_figures import GroupArrivals, print_figures

    console, settings = table_console(), load()
    refuse_elsewhere(settings)
    with TerminalProgress() as screen:
        if llm:
            _restart_with_narration(screen)
        bring_up(screen, workers=True)
        engine = connect(settings.mariadb().url("pipeline"))
        _await_pipeline(settings, engine, screen)
        began_ms = int(time.time() * 1000)
        with GroupArrivals(settings.kafka()) as arrivals:
            email = _write_generated_week(settings, engine, people, rate, arrivals, screen)
            _import_own_history(screen)
            with screen.step("everything is grouped and kept"):
                said = _verify(settings, engine)
            with screen.step("periods that are due close"):
                closed = _await_close(engine, email)
            if llm or settings.llm:
                with screen.step("narratives are written"):
                    _await_narratives(engine, email)
            figures = arrivals.figures(engine, began_ms)
    page = settings.home / "demo" / "timesheet.html"
    _show_timesheet(console, engine, email, page)
    print_figures(console, engine, figures, said, closed)
    if stop:
        opened().down()
    _print_next_steps(console, page, email, stop)
    if not said.ok:
        raise typer.Exit(1)


def _restart_with_narration(screen: "TerminalProgress") -> None:
    """Restarts the stack with narration on: `bill` reads its settings when it starts, from the stack's environment."""
    from streams.settings import with_narration
    from streams.stack.command import opened

    budget = with_narration(DEMO_BUDGET_USD).budget_usd
    screen.say(f"Narration is on, for ${budget:.2f} at most in 24 hours. Where it goes: ./timeloom stack logs bill")
    opened().down()


def _await_narratives(engine: "Engine", email: str) -> None:
    """Waits until the shown person's closed entries have narratives; other entries keep their own words.

    It is no error if that doesn't happen: the figures at the end show the calls and their cost.
    """
    from sqlalchemy import text

    from connectors.stack.waiting import wait_until

    without = text(
        "SELECT COUNT(*) FROM entry e JOIN timekeeper t ON t.id = e.timekeeper_id "
        "WHERE t.email = :email AND e.period_id IS NOT NULL AND e.narrative_id IS NULL"
    )

    def written() -> bool:
        with engine.connect() as connection:
            return not connection.execute(without, {"email": email}).scalar_one()

    wait_until(written, NARRATION_TIMEOUT_S)


def _await_pipeline(settings: "Settings", engine: "Engine", screen: "TerminalProgress") -> None:
    """Waits until a mark has passed from its row through capture, `group` and `bill`."""
    from connectors.mariadb.audit.marks import insert_marks, pending_marks
    from connectors.mariadb.server.engine import connect
    from connectors.mariadb.source.directory import ensure_timekeeper
    from connectors.stack.waiting import wait_until
    from schemas.errors import StackError
    from schemas.values import MarkKind

    with connect(settings.mariadb().url("collector")).begin() as connection:
        me = ensure_timekeeper(connection, "me", "local", zone="UTC")
    with screen.step("the pipeline answers"):
        marks = insert_marks(engine, [me], MarkKind.CANARY)
        if not wait_until(lambda: not pending_marks(engine, marks), PIPELINE_TIMEOUT_S):
            raise StackError(
                f"A mark written to MariaDB did not come through the pipeline within {PIPELINE_TIMEOUT_S} s. "
                "See ./timeloom stack status, then ./timeloom stack logs connect|group|bill"
            )


def _write_generated_week(
    settings: "Settings",
    engine: "Engine",
    people: int,
    rate: float,
    arrivals: "GroupArrivals",
    screen: "TerminalProgress",
) -> str:
    """Writes the week of the next seed; returns the e-mail address of the person whose timesheet is shown."""
    from sqlalchemy import text

    from streams.simulate.command import simulate

    before = _simulated_emails(engine)
    seed = FIRST_SEED + len(before) // max(people, 1)
    truth = settings.home / "demo" / "truth.jsonl"
    truth.parent.mkdir(parents=True, exist_ok=True)
    screen.say(f"A generated week of {people} people (seed {seed}); nothing in it is real.")
    with screen.step("writing the week into MariaDB, as a collector would"), redirect_stdout(StringIO()):
        arrivals.report_to(screen)
        simulate(people=people, seed=seed, rate=rate, truth=truth, as_json=True, dial=None)
    new = sorted(_simulated_emails(engine) - before)
    with engine.connect() as connection:
        most = text(
            "SELECT t.email FROM activity a JOIN timekeeper t ON t.id = a.timekeeper_id WHERE t.email IN :emails "
            "GROUP BY t.email ORDER BY COUNT(*) DESC, t.email LIMIT 1"
        )
        return str(connection.execute(most, {"emails": tuple(new or before)}).scalar_one())


def _simulated_emails(engine: "Engine") -> set[str]:
    from sqlalchemy import text

    from processors.simulation.values import SIMULATION_SOURCE

    with engine.connect() as connection:
        query = text(
            "SELECT DISTINCT t.email FROM timekeeper t JOIN activity a ON a.timekeeper_id = t.id "
            "WHERE a.source = :source"
        )
        return set(connection.execute(query, {"source": SIMULATION_SOURCE}).scalars())


def _import_own_history(screen: "TerminalProgress") -> None:
    """Imports something real: the commits of this clone, as the activities of the timekeeper `me`."""
    from schemas.errors import SourceError
    from streams.files.import_files import import_
    from streams.settings import ROOT

    try:
        with screen.step("importing the git history of this clone"), redirect_stdout(StringIO()):
            import_(ROOT, timekeeper="me", firm="local", zone="UTC", stream=None, since=None, as_json=True)
    except SourceError as error:
        screen.say(f"No git history here to import, so the demo goes on without: {error}")


def _verify(settings: "Settings", engine: "Engine") -> "VerifyReport":
    from streams.verify.audit import Auditor
    from streams.verify.report import build_report

    return build_report(Auditor(engine, settings.kafka(), PIPELINE_TIMEOUT_S).verify(), None)


def _await_close(engine: "Engine", email: str) -> int:
    """Waits until the shown person's due period is closed; returns the number of closed periods."""
    from sqlalchemy import text

    from connectors.stack.waiting import wait_until

    open_periods = text(
        "SELECT COUNT(*) FROM period p JOIN timekeeper t ON t.id = p.timekeeper_id "
        "WHERE t.email = :email AND p.closed_at IS NOT NULL"
    )

    def is_closed() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(open_periods, {"email": email}).scalar_one())

    wait_until(is_closed, CLOSE_TIMEOUT_S)
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM period WHERE closed_at IS NOT NULL")).scalar_one())


def _show_timesheet(console: "Console", engine: "Engine", email: str, page: Path) -> None:
    from connectors.mariadb.source.directory import list_timekeepers
    from streams.views.timesheet import find_timekeeper, read_timesheet, shown_days, timesheet_table
    from streams.views.timesheet import timesheet_page as page_of

    with engine.connect() as connection:
        person = find_timekeeper(list_timekeepers(connection), email, None)
        sheet = read_timesheet(connection, person, *shown_days(connection, person.scope, None, None))
    page.write_text(page_of(sheet), encoding="utf-8")
    console.print()
    console.print(timesheet_table(sheet))


def _print_next_steps(console: "Console", page: Path, email: str, stack_stopped: bool) -> None:
    shown = page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page
    console.print(f"\nOpen [bold]{shown}[/] in a browser: the same timesheet, to read or print.")
    console.print("What to try next:")
    console.print("  ./timeloom preview .            group this clone's history without any stack")
    if stack_stopped:
        console.print(
            "  ./timeloom stack up             the stack is stopped; this brings it back, with its data. Then:"
        )
    console.print("  ./timeloom watch                see groups form; beside it: ./timeloom simulate --rate 20")
    console.print(f"  ./timeloom timesheet {email}")
