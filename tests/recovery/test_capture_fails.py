"""Capture's task fails, or is silent while it says that it runs: it is started again, and nothing is lost."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from connectors.debezium.connector import Connect
from connectors.mariadb.server.engine import connect
from tests.live import Live
from tests.programs import Program, eventually, running

pytestmark = pytest.mark.stack


@contextmanager
def locked_out(live: Live) -> Iterator[None]:
    """Somebody changed the password of capture's user, and its sessions are gone."""
    admin = connect(live.settings.mariadb().url("admin"))
    password = live.settings.mariadb().secrets.capture

    def told(statement: str) -> None:
        with admin.connect() as connection:
            connection.execute(text(statement))

    try:
        told("ALTER USER 'capture'@'%' IDENTIFIED BY 'another'")
        told("KILL USER 'capture'")
        yield
    finally:
        told(f"ALTER USER 'capture'@'%' IDENTIFIED BY '{password}'")
        admin.dispose()


def events(program: Program, name: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in program.said().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == name]


def test_a_silent_and_then_failed_task_is_started_again_until_its_cause_is_mended(live: Live) -> None:
    """Debezium tries to get in again for ever, and says that it runs: only its silence tells."""
    home, who = live.stack.home.path, live.timekeeper()
    capture = Connect(live.settings.connect())
    with running(home, "group"), running(home, "watchdog", "--silent", "12") as tender:
        live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who) == live.expected(who), what="capture works")
        with locked_out(live):
            live.insert(who, "Harbour lease 2.docx", minute=10)
            eventually(lambda: events(tender, "capture_started_again") or not capture.state().running, what="silence")
            (first,) = events(tender, "capture_started_again")
            assert first["because"] == "silent"
            eventually(lambda: capture.state().failed, what="started again, it says what is wrong")
            assert "Access denied" in capture.state().why
        eventually(lambda: live.groups(who) == live.expected(who), 60, tender.said())
        assert [one["because"] for one in events(tender, "capture_started_again")][1:] == ["failed"]
