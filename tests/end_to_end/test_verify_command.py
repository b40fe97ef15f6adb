"""`verify` as it is typed: what it prints, how it exits, and which program it names where nothing answers."""

import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from connectors.debezium.connector import Connect
from tests.live import Live
from tests.programs import ROOT, eventually, running

pytestmark = pytest.mark.stack

STABLE = {"activities", "grouped", "outliers", "dead_letters", "in_flight", "missing", "extra", "double", "minutes"}
"""Names that programs rely on."""


def typed(live: Live, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams", "verify", *arguments],
        cwd=ROOT,
        env={**os.environ, "TIMELOOM_HOME": str(live.stack.home.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_counts_names_and_exits(live: Live) -> None:
    home = live.stack.home.path
    with running(home, "group"), running(home, "bill"):
        who = live.timekeeper()
        rows = [live.insert(who, f"Harbour lease draft {n}.docx", minute=n * 6) for n in range(3)]
        typed(live, "--mend", "--within", "120")  # other tests leave what they planted
        right = typed(live, "--json", "--within", "120")
        said = json.loads(right.stdout)
        assert said.keys() >= STABLE
        assert said["minutes"].keys() >= {"captured", "billable", "non_billable", "held", "outlier", "excluded"}
        assert (right.returncode, said["ok"], said["minutes"]["conserved"]) == (0, True, True)
        with live.pipeline.begin() as connection:
            connection.execute(text("DELETE FROM group_member WHERE activity_id = :id"), {"id": rows[1]})
        wrong = typed(live, "--json", "--within", "120")
        said = json.loads(wrong.stdout)
        assert (wrong.returncode, said["missing"]) == (1, 1)
        assert [one["activity"] for one in said["findings"]["row_missing"]] == [rows[1]]
        shown = typed(live, "--within", "120")
        assert shown.returncode == 1
        assert f"activity {rows[1]} is in no group" in shown.stdout
        assert "./timeloom verify --mend" in shown.stdout
        mended = typed(live, "--mend", "--json", "--within", "120")
        said = json.loads(mended.stdout)
        assert (mended.returncode, said["missing"], said["mended"]["retaken"]) == (0, 0, 1)


def test_it_names_the_program_that_does_not_answer(live: Live) -> None:
    live.insert(live.timekeeper(), "Harbour lease.docx")
    answers: list[subprocess.CompletedProcess[str]] = []
    # Until capture has had the time to write them, the marks of everybody aren't on `changes`.
    eventually(lambda: answers.append(typed(live, "--within", "3")) or "`group`" in answers[-1].stderr, 90)
    without_group = answers[-1]
    assert without_group.returncode == 3
    assert "`group` isn't running" in without_group.stderr
    assert "./timeloom stack up" in without_group.stderr
    with running(live.stack.home.path, "group"):
        # The group worker may take a while to come up; until then the marks are still on `changes`.
        eventually(lambda: "`bill` isn't running" in typed(live, "--within", "3").stderr, 90, "bill is named")
    capture = Connect(live.settings.connect())
    capture.stop()
    try:
        eventually(lambda: capture.state().connector == "STOPPED", what="capture has stopped")
        without_capture = typed(live, "--within", "3")
    finally:
        capture.resume()
    assert without_capture.returncode == 3
    assert "capture isn't running" in without_capture.stderr
    eventually(lambda: capture.state().running, what="capture runs again")


def test_a_server_that_is_down_is_told(live: Live) -> None:
    env = {**os.environ, "TIMELOOM_HOME": str(live.stack.home.path / "nowhere")}
    command = [sys.executable, "-m", "streams", "verify"]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 3
    assert "./timeloom stack up" in told.stderr
