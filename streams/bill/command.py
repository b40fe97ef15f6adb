"""`bill`: stores groups as entries, opens and closes periods, and generates narratives where that is switched on.

    groups ──▶ ingest (`streams.bill.groups_consumer`): entries, minutes, closed periods; one fenced transaction a batch
    clock  ──▶ schedule (`streams.bill.due_periods`): a due period and its close mark, which passes through capture
    closed ──▶ narrate (`streams.bill.narration`): only where it is switched on

The offset is stored in the same transaction as everything the records caused, so a restart continues exactly there. An
unexpected error ends the process, and its supervisor starts it again.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from streams.bill.groups_consumer import GroupsConsumer
    from streams.bill.narration import Narrator
    from streams.settings import Settings

SCHEDULE_S = 5.0
"""How often due periods are looked for. Seconds don't matter, because periods are due at a minute of a day."""

log = structlog.get_logger("bill")

app = typer.Typer(invoke_without_command=True)

Llm = Annotated[
    bool | None, typer.Option("--llm/--no-llm", help="Generate narratives with a language model, or don't.")
]


@app.callback()
def run(
    context: typer.Context,
    llm: Llm = None,
    budget_usd: Annotated[
        float | None, typer.Option("--budget-usd", min=0, help="Most dollars to spend on narratives in 24 hours.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two checks for due periods.", min=0.1)] = SCHEDULE_S,
) -> None:
    """Turn groups into time entries and close periods when they are due, until stopped.

    Narratives are extracted from the activities' own words, unless a language model is switched on (--llm, or
    TIMELOOM_LLM=on).

    Example: ./timeloom bill

    Exit: 0 stopped; 1 an unexpected error (start it again: nothing is lost); 2 a setting is wrong; 3 a server is not
    up.
    """
    if context.invoked_subcommand is not None:
        return
    from functools import partial

    from connectors.kafka.client.connectivity import knock
    from connectors.kafka.consumers.external_offsets_consumer import ExternalOffsetsConsumer
    from connectors.kafka.records.dead_letter_writer import DeadLetters
    from connectors.mariadb.billing.ingestion import CONSUMER
    from connectors.mariadb.narration.reservations import STORE_RETRY_S
    from connectors.mariadb.server.engine import connect
    from schemas.topics import GROUPS
    from streams.bill.due_periods import Scheduler
    from streams.bill.groups_consumer import GroupsConsumer
    from streams.bill.health import BillHealth
    from streams.settings import load
    from streams.shared.billing_rules import ProcessorRules
    from streams.shared.stop_signal import stop_event
    from streams.telemetry.logs import configure_json_logs
    from streams.telemetry.server import TelemetryServer

    settings = load()
    configure_json_logs("bill")
    stop = stop_event()
    engine = connect(settings.mariadb().url("pipeline"))
    narrator = None
    if settings.llm if llm is None else llm:
        narrator = narrator_of(settings, engine, settings.budget_usd if budget_usd is None else budget_usd, stop)
        narrator.start()
    kafka = settings.kafka()
    knock(kafka)
    consumer = partial(ExternalOffsetsConsumer, kafka, CONSUMER, GROUPS.name)
    groups_consumer = GroupsConsumer(
        engine, consumer, DeadLetters(kafka), ProcessorRules(), narrator.wake if narrator else _nobody
    )
    log.info("started", kafka=str(kafka), narration=narrator is not None)
    scheduler = Scheduler(engine)
    health = BillHealth(engine, groups_consumer, narrator, stop)
    try:
        with TelemetryServer(health, settings.telemetry_host, settings.telemetry_port):
            run_loop(
                groups_consumer, lambda: scheduler.open_due(time.time_ns() // 1000), every, stop, health.heart.beat
            )
    finally:
        stop.set()
        if narrator is not None:
            # An answer that is on its way is paid for, so wait until it is stored, even while the database is away.
            narrator.join(settings.llm_timeout_s + STORE_RETRY_S)
    if narrator is not None and narrator.error is not None:
        raise narrator.error
    log.info("stopped")


@app.command("next")
def next_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on each line.")] = False) -> None:
    """Show each timekeeper's next period, when it is due, and what waits for capture.

    Example: ./timeloom bill next

    Exit: 0 shown; 3 the database is not up.
    """
    import msgspec

    from connectors.mariadb.server.engine import connect
    from streams.bill.next_periods import now_us, show, upcoming_periods
    from streams.settings import load

    with connect(load().mariadb().url("pipeline")).connect() as connection:
        found = upcoming_periods(connection, now_us())
    if as_json:
        for one in found:
            print(msgspec.json.encode(one).decode())
    else:
        show(found)


def _nobody() -> None:
    """Does nothing. It stands for the narrator where narration is off: entries already have extractive narratives."""


def narrator_of(settings: "Settings", engine: "Engine", budget_usd: float, stop: threading.Event) -> "Narrator":
    """Returns the narrator, after it has logged where words will be sent.

    Raises ConfigurationError where the settings don't allow narration.
    """
    from connectors.llm.gateway import DEFAULT_URL, Destination, Gateway
    from processors.billing.narratives.pricing import price_of, read_price
    from streams.bill.narration import NarrationTerms, Narrator

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    url = settings.openai_base_url or DEFAULT_URL
    price = price_of(settings.llm_model, read_price(settings.llm_price) if settings.llm_price else None)
    gateway = Gateway(Destination(url, settings.llm_model, key, settings.llm_timeout_s), stop)
    log.warning(
        "narration_is_on",
        destination=gateway.to.shown,
        model=settings.llm_model,
        what="words of entries of closed periods are sent to this destination",
        budget_usd=budget_usd,
    )
    return Narrator(engine, gateway, NarrationTerms(price, budget_usd), stop)


def run_loop(
    groups_consumer: "GroupsConsumer",
    schedule: Callable[[], object],
    every: float,
    stop: threading.Event,
    beat: Callable[[], None],
) -> None:
    """Ingests what has arrived, and calls `schedule` every `every` seconds, until `stop` is set. Calls `beat` again and
    again.

    Leaves the consumer group at the end.
    """
    due = time.monotonic()

    def stopping() -> bool:
        beat()
        return stop.is_set()

    try:
        while not stopping():
            groups_consumer.step(stopping)
            if time.monotonic() >= due:
                schedule()
                due = time.monotonic() + every
    finally:
        groups_consumer.close()
