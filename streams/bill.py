"""`bill`: keeps what `group` says in the database as entries, closes due periods, has them narrated.

    groups ──▶ keep (`streams.keeping`): entries, minutes, closed periods; one fenced transaction a batch
    clock  ──▶ schedule (`streams.scheduling`): a due period and its close mark, which goes the way of every change
    closed ──▶ narrate (`streams.narration`): only where it is switched on

A record's place is kept with all that it caused, so a restart goes on exactly there. An error that nobody foresaw ends
the process; its supervisor starts it again.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

if TYPE_CHECKING:
    from types import FrameType

    from streams.keeping import Keeper

SCHEDULE_S = 5.0
"""How often due periods are looked for. A period is due at a minute of a day; seconds don't matter."""

log = structlog.get_logger("bill")

app = typer.Typer(help="Keep entries, close periods, narrate.", invoke_without_command=True)

Llm = Annotated[bool | None, typer.Option("--llm/--no-llm", help="Have a language model write the narratives.")]


@app.callback()
def run(
    context: typer.Context,
    llm: Llm = None,
    every: Annotated[float, typer.Option(help="Seconds between looks for due periods.", min=0.1)] = SCHEDULE_S,
) -> None:
    """Turn groups into entries until it is told to stop; close periods when they are due.

    Narratives are the activities' own words unless a language model is switched on (--llm, or TIMELOOM_LLM=on).

    Example: ./timeloom bill

    Exit: 0 it was told to stop; 1 something nobody foresaw (start it again: nothing is lost); 2 a setting is wrong;
    3 a server is not up.
    """
    if context.invoked_subcommand is not None:
        return
    from functools import partial

    from connectors.kafka.letters import DeadLetters
    from connectors.kafka.placed import PlacedConsumer
    from connectors.mariadb.engine import connect
    from connectors.mariadb.taking import CONSUMER
    from schemas.topics import GROUPS
    from streams.decisions import Decisions
    from streams.keeping import Keeper
    from streams.logs import to_json
    from streams.scheduling import schedule
    from streams.settings import load

    settings = load()
    to_json("bill")
    engine = connect(settings.mariadb().url("pipeline"))
    kafka = settings.kafka()
    consumer = partial(PlacedConsumer, kafka, CONSUMER, GROUPS.name)
    keeper = Keeper(engine, consumer, DeadLetters(kafka), Decisions(), lambda: None)
    log.info("started", kafka=kafka)
    work(keeper, lambda: schedule(engine, time.time_ns() // 1000), every, stopping())
    log.info("stopped")


def work(keeper: "Keeper", schedule: Callable[[], object], every: float, stop: threading.Event) -> None:
    """The loop: take what there is; now and then look for due periods. Leaves the consumer group at the end."""
    due = time.monotonic()
    try:
        while not stop.is_set():
            keeper.step()
            if time.monotonic() >= due:
                schedule()
                due = time.monotonic() + every
    finally:
        keeper.close()


def stopping() -> threading.Event:
    """Set by SIGTERM and SIGINT: what is being taken is finished first."""
    stop = threading.Event()

    def told(_: int, __: "FrameType | None") -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return stop
