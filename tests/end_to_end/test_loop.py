"""Regrouping, however much, never holds the event loop: heartbeats, commits and everybody else's changes go on."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from schemas.keys import Scope
from streams.shared.model_store import shipped_model
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack
HELD_MS = 200
LARGE, SMALL, PEOPLE, ACTIVATIONS = 2_000, 40, 50, 20
MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WORK = ("Harbour lease", "Tax return 2025", "Merger of two mills", "Expert opinion", "Appeal", "News", "Invoices")


def write_work(live: Live, who: Scope, count: int) -> None:
    """So many documents, one after the other."""
    starts = [(MONDAY + timedelta(minutes=6 * n)).replace(tzinfo=None) for n in range(count)]
    rows = [
        {
            "f": who.firm,
            "t": who.timekeeper,
            "i": f"loop {n}",
            "s": start,
            "e": start + timedelta(minutes=5),
            "w": json.dumps({"title": f"{WORK[n // 7 % len(WORK)]} {n // 50}, part {n % 9}.docx"}),
        }
        for n, start in enumerate(starts)
    ]
    columns = "firm_id, timekeeper_id, source, source_id, kind, started_at, ended_at, zone, words"
    with live.collector.begin() as connection:
        connection.execute(
            text(f"INSERT INTO activity ({columns}) VALUES (:f, :t, 'test', :i, 'document', :s, :e, 'UTC', :w)"), rows
        )


def activate(live: Live, people: list[Scope], versions: list[str]) -> int:
    """An activation of each version for each of them, in turn; how many that are."""
    rows = [{"f": who.firm, "t": who.timekeeper, "v": version} for version in versions for who in people]
    with live.collector.begin() as connection:
        connection.execute(
            text("INSERT INTO activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, :v)"), rows
        )
    return len(rows)


def deactivate(live: Live, people: list[Scope]) -> None:
    """Everybody is back with the default."""
    with live.collector.begin() as connection:
        for who in people:
            connection.execute(text("DELETE FROM activation WHERE timekeeper_id = :t"), {"t": who.timekeeper})


def test_a_thousand_activations_under_load_never_hold_the_loop(live: Live) -> None:
    people = [live.timekeeper() for _ in range(PEOPLE)]
    for who in people:
        write_work(live, who, LARGE if who is people[0] else SMALL)
    busy = live.timekeeper()
    versions = [shipped_model().version, "second"] * (ACTIVATIONS // 2)
    with running(live.stack.home.path, script=Path(__file__).with_name("watched_group.py")) as program:
        eventually(lambda: live.groups(*people[:3]) == live.expected(*people[:3]), 120, program.said())
        before = len(program.said())
        assert activate(live, people, versions) >= 1_000
        for n in range(40):
            live.insert(busy, f"{WORK[n % 7]}.docx", minute=6 * n)
        eventually(lambda: all(b'"second"' in one for one in live.groups(*people).values()), 120, program.said())
        deactivate(live, people)
        eventually(lambda: live.groups(*people, busy) == live.expected(*people, busy), 120, program.said())
        held = [int(found) for found in re.findall(r"LOOP HELD (\d+)", program.said()[before:])]
        assert held, "it was watched"
        assert max(held) <= HELD_MS, held
