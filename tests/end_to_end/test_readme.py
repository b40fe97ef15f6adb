"""The commands of the README and the runbook, run as they are pasted, in their order, on a stack that they bring up."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.mariadb.server.engine import connect
from connectors.mariadb.source.directory import list_timekeepers
from connectors.stack.processes.programs import PARTS
from streams.settings import Settings
from tests.contracts.commands import ROOT, fenced
from tests.programs import eventually

pytestmark = pytest.mark.stack

Paste = Callable[[str], subprocess.CompletedProcess[str]]

ELSEWHERE = ("make demo", "make test")
"""Verbs of the README that aren't pasted here: the one brings up the stack that stands here, the other is this."""

DAILY = [line for line in fenced((ROOT / "README.md").read_text(encoding="utf-8")) if not line.startswith(ELSEWHERE)]
LOOKS = "./timeloom ops "
"""Tells how all is at this moment: while somebody is behind, or slow to answer, it exits with another code than 0."""

UP, DOWN = "./timeloom stack up", "./timeloom stack down"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stack that isn't there yet."""
    return tmp_path_factory.mktemp("readme") / "stack"


@pytest.fixture(scope="module")
def paste(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paste]:
    """Runs a line in a shell, in a folder with this repository's history in which `./timeloom` is ours."""
    clone = tmp_path_factory.mktemp("clone")
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", ROOT, clone], check=True)
    (clone / "timeloom").symlink_to(ROOT / "timeloom")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    downloads = ROOT / ".timeloom" / "downloads"
    environment = {**os.environ, "TIMELOOM_HOME": str(home), "TIMELOOM_DOWNLOADS": str(downloads)}

    def pasted(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=clone,
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=280,
        )

    yield pasted
    assert pasted("./timeloom stack reset --yes").returncode == 0


def test_every_command_of_the_readme_runs_in_its_order(paste: Paste) -> None:
    assert DAILY.index(UP) < DAILY.index(DOWN) == len(DAILY) - 1
    for line in DAILY[:-1]:
        done = paste(line)
        if line.startswith(LOOKS):
            tried = [done]
            eventually(lambda: tried[-1].returncode == 0 or tried.append(paste(line)), what=f"{line}: all is well")  # noqa: B023
            done = tried[-1]
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.stdout or ">" in line, line


def test_dead_letters_are_listed(paste: Paste, home: Path) -> None:
    engine = connect(Settings(home=home).mariadb().url("collector"))
    with engine.begin() as connection:
        scope = list_timekeepers(connection)[0].scope
        connection.execute(
            text(
                "INSERT INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words) "
                "VALUES (:firm, :timekeeper, 'test', 'bad', 'window', NOW(6), 'Nowhere/At_All', '{}')"
            ),
            {"firm": scope.firm, "timekeeper": scope.timekeeper},
        )
    engine.dispose()
    listing = "./timeloom ops dlq list --json"
    eventually(lambda: "Nowhere/At_All" in paste(listing).stdout, what="the dead letter is listed")


def test_the_last_command_of_the_readme_stops_everything(paste: Paste) -> None:
    assert paste(DOWN).returncode == 0
    status = paste("./timeloom stack status --json")
    assert status.returncode == 1
    assert status.stdout.count('"state":"down"') == len(PARTS)
