"""Somebody changes a captured table while rows are written: nothing is lost, whatever it is that they did."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
import requests
from sqlalchemy import Engine, text

from connectors.debezium.connector import NAME, Connect
from connectors.kafka.records.open_dead_letters import Letter, read_letters
from processors.audit.findings import Kind
from schemas.groups import Group
from schemas.keys import Scope
from streams.ops.dlq.retry import Retry
from streams.shared.catch_up import wait_for_marks
from streams.shared.model_store import shipped_model
from streams.stack.prepare import prepare
from streams.verify.audit import Auditor
from streams.verify.repair import Repairer
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack

WITHIN_S = 90
SKIP = "schema.history.internal.skip.unparseable.ddl"


def run(admin: Engine, statement: str) -> None:
    with admin.begin() as connection:
        connection.execute(text(statement))


class Load:
    """Activities, one after the other; `zone` is what the column is called at the moment."""

    def __init__(self, live: Live, who: Scope) -> None:
        self.live, self.who, self.zone, self.rows = live, who, "zone", 0
        self.lock = threading.Lock()
        self._stop = threading.Event()

    def work(self) -> None:
        while not self._stop.is_set():
            with self.lock:  # a statement that names the column, and its renaming, can't be at once
                self.insert()
            self._stop.wait(0.02)

    def insert(self) -> None:
        names = f"firm_id, timekeeper_id, source, source_id, kind, started_at, {self.zone}, words"
        row = {"f": self.who.firm, "t": self.who.timekeeper, "n": self.rows, "words": '{"title": "Harbour lease.docx"}'}
        values = ":f, :t, 'load', :n, 'window', ADDTIME('2026-03-02 08:00', SEC_TO_TIME(60 * :n)), 'UTC', :words"
        with self.live.collector.begin() as connection:
            connection.execute(text(f"INSERT INTO activity ({names}) VALUES ({values})"), row)
        self.rows += 1

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def loaded(live: Live, who: Scope) -> Iterator[Load]:
    load = Load(live, who)
    thread = threading.Thread(target=load.work)
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join()


def more(load: Load, rows: int = 10) -> None:
    seen = load.rows
    eventually(lambda: load.rows >= seen + rows, what="the load goes on")


def waiting(live: Live, who: Scope) -> list[Letter]:
    return [one for one in read_letters(live.settings.kafka()).open if one.said.firm == who.firm]


def clean(live: Live, who: Scope, rows: int) -> None:
    verdict = Auditor(live.pipeline, live.settings.kafka(), WITHIN_S).verify([who])
    assert verdict.clean, verdict.damage
    assert verdict.audits[who].activities == verdict.audits[who].grouped + verdict.audits[who].outliers == rows
    assert live.groups(who) == live.expected(who)


def test_columns_come_go_and_are_renamed_under_load(live: Live, admin: Engine) -> None:
    who = live.timekeeper()
    with running(live.stack.home.path, "group") as group:
        with loaded(live, who) as load:
            more(load)
            run(admin, "ALTER TABLE activity ADD COLUMN colour VARCHAR(10) DEFAULT 'red'")
            more(load)
            run(admin, "ALTER TABLE activity DROP COLUMN colour")
            more(load)
            with load.lock:
                run(admin, "ALTER TABLE activity RENAME COLUMN zone TO tz")
                load.zone = "tz"
            try:
                eventually(lambda: len(waiting(live, who)) >= 10, what=group.said)
            finally:
                with load.lock:
                    run(admin, "ALTER TABLE activity RENAME COLUMN tz TO zone")
                    load.zone = "zone"
            more(load)
        with running(live.stack.home.path, "bill", "--no-llm"):
            wait_for_marks(live.pipeline, live.settings.kafka(), [who], WITHIN_S)  # all that was written has been read
            letters = waiting(live, who)
            assert {one.said.reason for one in letters} == {"missing_column"}
            done = Retry(live.settings.kafka(), live.collector, live.pipeline, WITHIN_S).retry(letters)
            assert (done.again, done.left) == ([], [])
            assert waiting(live, who) == []
            clean(live, who, load.rows)


def test_what_truncate_took_is_found_and_said_again(live: Live, admin: Engine) -> None:
    """Capture doesn't see it: it is no change of a row."""
    who = live.timekeeper()
    live.insert(who, "Harbour lease.docx")
    row = {"f": who.firm, "t": who.timekeeper, "m": shipped_model().version}
    with live.collector.begin() as connection:
        statement = "INSERT INTO activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, :m)"
        connection.execute(text(statement), row)
    home = live.stack.home.path
    with running(home, "group"), running(home, "bill", "--no-llm"):
        auditor = Auditor(live.pipeline, live.settings.kafka(), WITHIN_S)
        assert auditor.verify([who]).clean
        run(admin, "TRUNCATE TABLE activation")
        found = auditor.verify([who])
        assert {one.kind for one in found.damage[who]} == {Kind.DECISION_EXTRA}
        mended, _ = Repairer(auditor, live.collector, live.pipeline, live.settings.kafka()).repair(found)
        assert mended.clean


UNREADABLE = "ALTER TABLE activity ADD CONSTRAINT IF NOT EXISTS ck_never CHECK (octet_length(kind) < 1000)"


@pytest.mark.long
def test_a_statement_that_capture_can_not_read_is_passed_over_by_hand(live: Live, admin: Engine) -> None:
    """As the runbook says: only where it changed no column of a captured table; then nothing is lost by it."""
    who = live.timekeeper()
    home, capture = live.stack.home.path, Connect(live.settings.connect())
    with running(home, "group"), running(home, "bill", "--no-llm"):
        before = live.insert(who, "Harbour lease.docx")
        run(admin, UNREADABLE)
        after = live.insert(who, "Harbour lease, fair copy.docx", minute=10)
        try:
            eventually(lambda: capture.state().task == "FAILED", what="the task has failed")
            assert "parse" in capture.state().trace
            answer = requests.patch(
                f"{live.settings.connect()}/connectors/{NAME}/config", json={SKIP: "true"}, timeout=10
            )
            assert answer.ok, answer.text
            eventually(lambda: {before, after} <= members(live, who), WITHIN_S, "what was behind it came through")
        finally:
            prepare(live.settings)
            run(admin, "ALTER TABLE activity DROP CONSTRAINT ck_never")
        later = live.insert(who, "Harbour lease, signed.docx", minute=20)
        eventually(lambda: later in members(live, who), WITHIN_S, "and what comes now does")
        config = requests.get(f"{live.settings.connect()}/connectors/{NAME}/config", timeout=10).json()
        assert SKIP not in config
        clean(live, who, 3)


def members(live: Live, who: Scope) -> set[int]:
    groups = [msgspec.json.decode(group, type=Group) for group in live.groups(who).values()]
    return {member.id for group in groups for member in group.members}
