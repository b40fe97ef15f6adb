"""Rows that capture never saw: `ops snapshot` has them read while others come, and says how far it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from connectors.debezium.connector import Connect
from connectors.mariadb.server.engine import connect
from schemas.keys import Scope
from streams.ops.snapshot import SnapshotProgress, read_progress
from tests.contracts.test_cli import run
from tests.live import Live
from tests.programs import eventually, running


@pytest.mark.stack
def test_rows_past_the_binlog_become_groups(live: Live) -> None:
    who = live.timekeeper()
    first = live.insert(who, "before.docx - Editor (generated)")
    past_the_binlog(live, who, 2_500)
    home = str(live.stack.home.path)
    with running(live.stack.home.path, "group"):
        eventually(lambda: [name for _, name in live.groups(who)] == [first])
        assert live.groups(who) != live.expected(who), "nobody has seen the rows yet"
        with capture_stopped(live):
            code, out, err = run("ops", "snapshot", "start", "--table", "activity", TIMELOOM_HOME=home)
            assert (code, err) == (0, ""), out
            assert read_progress(live.settings).state == "waiting"
            again = run("ops", "snapshot", "start", TIMELOOM_HOME=home)
            assert again == (1, "One is waiting already: ./timeloom ops snapshot status\n", "")
        live.insert(who, "meanwhile.docx - Editor (generated)", minute=3)
        seen: list[SnapshotProgress] = []
        eventually(
            lambda: seen.append(read_progress(live.settings)) or seen[-1].state == "done", what=lambda: told(live, seen)
        )
        assert {(one.kind, one.state) for one in seen} <= {("incremental", s) for s in ("waiting", "running", "done")}
        assert [one.done for one in seen] == sorted(one.done for one in seen)
        eventually(lambda: live.groups(who) == live.expected(who))
        assert read_progress(live.settings).state == "done", "it was done when it was said to be"
    done = json.loads(run("ops", "snapshot", "status", "--json", TIMELOOM_HOME=home)[1])
    assert done["done"] == done["rows"] >= 2_502
    assert done["tables"] == ["activity"]


def told(live: Live, seen: list[SnapshotProgress]) -> str:
    """What was seen last, and by what."""
    connect = Connect(live.settings.connect())
    return f"{seen[-3:]}\n{connect.state()}\n{connect.offset()}"


@contextmanager
def capture_stopped(live: Live) -> Iterator[None]:
    """So that what is asked for meanwhile waits."""
    connect = Connect(live.settings.connect())
    connect.stop()
    eventually(lambda: connect.state().connector == "STOPPED")
    try:
        yield
    finally:
        connect.resume()
        eventually(lambda: connect.state().running)


def past_the_binlog(live: Live, who: Scope, count: int) -> None:
    """As a restored backup or a replication that filters would bring them."""
    engine = connect(live.settings.mariadb().url("admin"), pool_size=1)
    with engine.connect() as connection:
        connection.execute(text("SET SESSION sql_log_bin = 0"))
        connection.execute(
            text(
                "INSERT INTO activity "
                "(firm_id, timekeeper_id, source, source_id, kind, started_at, ended_at, zone, words) "
                "SELECT :f, :t, 'test', CONCAT('past ', seq), 'document', TIMESTAMPADD(MINUTE, seq, '2026-04-01'), "
                "TIMESTAMPADD(MINUTE, seq + 1, '2026-04-01'), 'UTC', "
                "JSON_OBJECT('title', CONCAT('past ', seq DIV 40, '.docx (generated)')) "
                f"FROM seq_1_to_{count}"
            ),
            {"f": who.firm, "t": who.timekeeper},
        )
        connection.commit()
    engine.dispose()


def test_a_table_that_is_not_there_is_wrong_usage() -> None:
    code, _, err = run("ops", "snapshot", "start", "--table", "mark")
    assert code == 2
    assert "activity, feedback, release" in err
