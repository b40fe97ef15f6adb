"""`ops status` on the real stack: what is broken comes first, and it answers also where a server doesn't."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from connectors.debezium.connector import Connect
from streams.ops.overview import Overview, read_overview
from tests.contracts.test_cli import run
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack
PATIENT_S = 20.0
"""For looks that must not fail because the machine is busy."""


def look(live: Live) -> Overview:
    return read_overview(live.settings, PATIENT_S)


def links(seen: Overview) -> dict[str, bool]:
    return {link.name: link.well for link in seen.links}


@contextmanager
def frozen(live: Live, part: str) -> Iterator[None]:
    """A part of the stack that is there and doesn't answer."""
    pid = live.stack.pid(part)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_whole_way_is_shown_and_a_worker_that_nobody_runs_is_named(live: Live) -> None:
    home, who = live.stack.home.path, live.timekeeper()
    with running(home, "group"), running(home, "bill"):
        live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who) == live.expected(who), what="grouped")
        way = ("mariadb", "kafka", "connect", "capture", "group", "bill", "groups", "disk")
        eventually(lambda: all(links(look(live)).get(name) for name in way), what="all of the way is well")
        seen = look(live)
        assert [link.name for link in seen.links if link.name in way] == list(way)
        assert {one.group for one in seen.consumers} == {"group", "bill"}
        assert seen.binlog is not None
        assert seen.binlog.behind_bytes is not None
        assert 0 <= seen.binlog.behind_bytes < 1_000_000
        assert seen.newest_group_s is not None
        assert seen.newest_group_s < 120
    # The tests' workers aren't the supervisor's, and are gone now.
    eventually(lambda: (link := look(live).broken) and link.name == "group", what="nobody runs group")
    seen = look(live)
    assert seen.all_up
    assert seen.broken is not None
    assert seen.broken.mend == "./timeloom stack up"
    code, out, _err = run("ops", "status", "--within", str(PATIENT_S), TIMELOOM_HOME=str(home))
    assert code == 1
    assert out.splitlines()[0].startswith("group: ")


def test_dead_letters_are_counted_by_reason(live: Live) -> None:
    home, who = live.stack.home.path, live.timekeeper()
    before = (look(live).dead_letters or {}).get("bad_column", 0)
    with running(home, "group"):
        live.insert(who, "Harbour lease.docx", zone="Nowhere/Nothing")
        eventually(lambda: (look(live).dead_letters or {}).get("bad_column") == before + 1, what="counted")
    assert not links(look(live))["dead letters"]


def test_a_paused_connector_is_named_before_what_is_behind_it(live: Live) -> None:
    connect = Connect(live.settings.connect())
    connect.stop()
    try:
        eventually(lambda: connect.state().connector == "STOPPED", what="stopped")
        broken = look(live).broken
        assert broken is not None
        assert broken.name == "capture"
        assert "STOPPED" in broken.said
    finally:
        connect.resume()
    eventually(lambda: links(look(live))["capture"], what="capture writes again")


@pytest.mark.parametrize("part", ["mariadb", "kafka"])
def test_with_a_frozen_server_it_answers_in_three_seconds_and_says_which(live: Live, part: str) -> None:
    with frozen(live, part):
        began = monotonic()
        seen = read_overview(live.settings, 2.0)
        took = monotonic() - began
    assert took < 3
    assert not seen.all_up
    assert seen.broken is not None
    assert (seen.broken.name, seen.broken.mend) == (part, f"./timeloom stack logs {part}")
    eventually(lambda: look(live).all_up, what="all answer again")


def test_without_any_server_it_says_so_and_exits_3(live: Live) -> None:
    nowhere = {
        "TIMELOOM_HOME": str(live.stack.home.path),
        "TIMELOOM_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "TIMELOOM_CONNECT_URL": "http://127.0.0.1:1",
    }
    code, out, _err = run("ops", "status", "--within", str(PATIENT_S), "--json", **nowhere)
    assert code == 3
    seen = json.loads(out)
    assert seen["broken"]["name"] == "kafka"
    assert {link["name"]: link["up"] for link in seen["links"] if not link["well"]}["connect"] is False
    code, _out, err = run("ops", "lag", **nowhere)
    assert code == 3
    assert "Nobody listens at 127.0.0.1:1" in err
