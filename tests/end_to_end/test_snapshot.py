"""Rows that capture never saw: `ops snapshot` has them read while others come, and says how far it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from connectors.debezium.connector import Connect
from connectors.debezium.snapshots import Underway, underway
from connectors.mariadb.engine import connect
from schemas.keys import Scope
from streams.ops.snapshot import Snapshot, status
from tests.contracts.test_cli import run
from tests.live import Live
from tests.programs import eventually, running

KEY = (
    "aced0005757200135b4c6a6176612e6c616e672e4f626a6563743b90ce589f1073296c0200007870000000017372000e6a6176612e6c616e67"
    "2e4c6f6e673b8be490cc8f23df0200014a000576616c7565787200106a6176612e6c616e672e4e756d62657286ac951d0b94e08b0200007870"
    "0000000000009c40"
)
"""Java's bytes of an array with the number 40,000, as the connector keeps it."""


def test_what_the_connector_keeps_of_a_snapshot() -> None:
    place = {"ts_sec": 1, "file": "mariadb-bin.000001", "pos": 111564, "gtids": "0-223344-240", "server_id": 223344}
    assert underway(place) is None
    assert underway({}) is None
    assert underway({**place, "snapshot": "INITIAL"}) == Underway(initial=True)
    left = [{"incremental_snapshot_collections_id": f"timeloom.{table}"} for table in ("feedback", "release")]
    assert underway(
        {
            **place,
            "snapshot": "INCREMENTAL",
            "incremental_snapshot_correlation_id": "snapshot-1",
            "incremental_snapshot_primary_key": KEY,
            "incremental_snapshot_collections": json.dumps(left),
        }
    ) == Underway(False, "snapshot-1", ("feedback", "release"), 40_000)


def test_rate_and_what_is_left() -> None:
    """3,000 of 9,000 rows in 10 s: 300 a second, and 20 s for the other 6,000."""
    seen = Snapshot(state="running", rows=9_000, done=3_000, seconds=10.0)
    assert (seen.per_s, seen.left_s) == (300.0, 20.0)
    assert Snapshot(state="running", rows=9_000, seconds=10.0).left_s is None


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
            assert status(live.settings).state == "waiting"
            again = run("ops", "snapshot", "start", TIMELOOM_HOME=home)
            assert again == (1, "One is waiting already: ./timeloom ops snapshot status\n", "")
        live.insert(who, "meanwhile.docx - Editor (generated)", minute=3)
        seen: list[Snapshot] = []
        eventually(lambda: seen.append(status(live.settings)) or seen[-1].state == "done")
        assert {(one.kind, one.state) for one in seen} <= {("incremental", s) for s in ("waiting", "running", "done")}
        assert [one.done for one in seen] == sorted(one.done for one in seen)
        eventually(lambda: live.groups(who) == live.expected(who))
        # It may have said so before the first chunk: a chunk is begun a moment before the connector keeps its place.
        eventually(lambda: status(live.settings).state == "done")
    done = json.loads(run("ops", "snapshot", "status", "--json", TIMELOOM_HOME=home)[1])
    assert done["done"] == done["rows"] >= 2_502
    assert done["tables"] == ["activity"]


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
