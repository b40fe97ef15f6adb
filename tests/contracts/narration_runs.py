"""Narrating for tests: a closed week, a narrator that asks a test's server, and what came of it."""

import threading
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, text

from connectors.llm.gateway import Destination, Gateway
from connectors.mariadb.billing.periods import open_period, read_cadences
from connectors.mariadb.narration.due_entries import NarrativeVariant
from processors.billing.entries.billing_day import instant
from processors.billing.narratives.pricing import Price
from processors.billing.narratives.prompts import GUIDELINES, PROMPT_VERSION
from schemas.billing import Occurrence
from schemas.values import MarkKind
from streams.bill.narration import NarrationTerms, Narrator
from tests.contracts.ledger import MINUTE, Books
from tests.llm_server import LanguageModelServer

NINE = instant(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
PRICE = Price(400_000, 1_600_000)
MODEL = "test-model"
KIND = NarrativeVariant(PROMPT_VERSION, GUIDELINES, MODEL)


def two_entries(collector: Engine, pipeline: Engine) -> Books:
    """A timekeeper with two entries in an open period; what other tests left to narrate is out of the way."""
    with pipeline.begin() as connection:
        connection.execute(text("UPDATE entry SET status = 'accepted'"))
        connection.execute(text("DELETE FROM narrative_call"))
        connection.execute(text("DELETE FROM llm_call"))
    books = Books(collector, pipeline)
    books.insert(NINE, 30, "a", words='{"title":"Lease draft"}')
    books.insert(NINE + 60 * MINUTE, 20, "b", words='{"title":"Tax return"}')
    books.say()
    return books


def close(books: Books) -> None:
    """Closes the week from 2 March, as its mark does."""
    owner = {"firm": books.scope.firm, "timekeeper": books.scope.timekeeper}
    with books.collector.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO cadence (firm_id, timekeeper_id, rrule, dtstart, zone, cutoff_minutes)"
                " VALUES (:firm, :timekeeper, 'FREQ=WEEKLY', '2026-03-02', 'UTC', 0)"
            ),
            owner,
        )
    with books.pipeline.connect() as connection:
        cadence = next(one for one in read_cadences(connection) if one.scope == books.scope)
    period = open_period(books.pipeline, cadence, Occurrence(date(2026, 3, 2), date(2026, 3, 9), 0))
    books.take([books.mark(MarkKind.CLOSE, period)])


def narrator(books: Books, server: LanguageModelServer, timeout_s: float = 5.0, **terms: Any) -> Narrator:
    """One that hasn't been started; pauses between attempts are short."""
    stop = threading.Event()
    gateway = Gateway(Destination(server.url, MODEL, "key", timeout_s), stop, pause_s=0.01)
    return Narrator(
        books.pipeline, gateway, NarrationTerms(PRICE, **{"budget_usd": 1.0, "quiet_s": 0.0, **terms}), stop
    )


def texts(books: Books) -> dict[str, bool]:
    """Each entry's narrative, and whether a model wrote it."""
    query = text("SELECT narrative, narrative_id IS NOT NULL FROM entry WHERE timekeeper_id = :t")
    with books.pipeline.connect() as connection:
        rows = connection.execute(query, {"t": books.scope.timekeeper}).fetchall()
    return {narrative: bool(written) for narrative, written in rows}


def calls(books: Books) -> list[tuple[str, int]]:
    """State and cost of every call for this timekeeper."""
    query = text("SELECT state, cost_microdollars FROM llm_call WHERE timekeeper_id = :t ORDER BY id")
    with books.pipeline.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"t": books.scope.timekeeper})]


BOUGHT = {"Reviewed Lease draft.": True, "Reviewed Tax return.": True}
OWN = {"Lease draft.": False, "Tax return.": False}
