"""Models are rows: added once, activated and taken back for a firm's people, on the real stack."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from connectors.mariadb.source.captured_rows import read_all_rows
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model, load_model
from schemas.errors import StackError
from schemas.groups import encode_group
from schemas.keys import Scope
from schemas.outcomes import Reason
from schemas.values import Activity
from streams.shared.model_store import shipped_bytes, shipped_model
from tests.entries import EVERY, close_the_week, kept, row, settles
from tests.live import Live
from tests.llm_server import language_model
from tests.programs import Program, eventually, running
from tests.timesheets import stored

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


def file_of(folder: Path, name: str) -> tuple[Path, Model]:
    """A model that joins nothing that isn't all but certain."""
    raw = msgspec.json.decode(shipped_bytes())
    joining = {regime: one | {"over": 50_000_000, "merging": 50_000_000} for regime, one in raw["joining"].items()}
    raw.pop("manifest", None)  # its other parts weren't learned with this
    return written(folder, raw | {"name": name, "joining": joining})


def renamed(folder: Path, name: str) -> tuple[Path, Model]:
    """The model that ships, by another name."""
    return written(folder, msgspec.json.decode(shipped_bytes()) | {"name": name})


def written(folder: Path, raw: dict[str, Any]) -> tuple[Path, Model]:
    path = folder / f"{raw['name']}.json"
    path.write_bytes(msgspec.json.encode(raw))
    return path, load_model(path.read_bytes())


def model(live: Live, *words: str, exits: int = 0) -> str:
    """What `model` prints, on either stream."""
    done = subprocess.run(
        [sys.executable, "-m", "streams", "model", *words],
        env={**os.environ, "TIMELOOM_HOME": str(live.stack.home.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits, done.stdout + done.stderr
    return done.stdout + done.stderr


def firm_of(live: Live, who: Scope) -> str:
    with live.pipeline.connect() as connection:
        return str(connection.execute(text("SELECT name FROM firm WHERE id = :f"), {"f": who.firm}).scalar_one())


def expected(live: Live, who: Scope, by: Model) -> dict[tuple[Scope, int], bytes]:
    with live.pipeline.connect() as connection:
        activities = [a for _, a in read_all_rows(connection, who, "activity") if isinstance(a, Activity)]
    return {(who, name): encode_group(group) for name, group in group_all(activities, model=by).items()}


def grouped_by(live: Live, who: Scope, by: Model) -> None:
    eventually(lambda: live.groups(who) == expected(live, who, by), what=f"groups of {who} are those of {by.version}")


def test_a_model_is_added_activated_and_taken_back(live: Live, tmp_path: Path) -> None:
    who, other = live.timekeeper(), live.timekeeper()
    for one in (who, other):
        for n in range(4):
            live.insert(one, f"Harbour lease draft {n}.docx", minute=n * 6)
        grouped_by(live, one, shipped_model())
    path, mine = file_of(tmp_path, "mine")
    firm = firm_of(live, who)
    assert mine.version in model(live, "add", str(path), "--firm", firm)
    assert "already" in model(live, "add", str(path), "--firm", firm)
    model(live, "activate", mine.version, "--firm", firm)
    grouped_by(live, who, mine)
    assert len(live.groups(who)) > len(live.groups(other)), "it groups otherwise"
    listed = json.loads(model(live, "list", "--json", "--firm", firm))
    assert {one["version"]: one["timekeepers"] for one in listed} == {
        shipped_model().version: [],
        mine.version: ["x@example.com"],
    }
    assert "x@example.com" in model(live, "show", mine.version, "--firm", firm)
    model(live, "activate", shipped_model().version, "--firm", firm)
    grouped_by(live, who, shipped_model())
    for back in (mine, shipped_model()):
        assert back.version in model(live, "rollback", "--firm", firm, "--timekeeper", "x@example.com")
        grouped_by(live, who, back)
    model(live, "rollback", "--firm", firm, exits=1)
    grouped_by(live, other, shipped_model())


NARRATED = "SELECT narrative_id FROM entry WHERE timekeeper_id = :timekeeper AND narrative_id IS NOT NULL"


def narrated(live: Live, who: Scope, title: str) -> int:
    """The activity of a week that has one alone, and is closed, with a narrative that was bought."""
    activity = live.insert(who, title)
    settles(live, who)
    close_the_week(live, who)
    eventually(lambda: row(live, NARRATED, who), what=f"the narrative of {title}")
    return activity


def test_an_activation_that_changes_no_content_buys_nothing(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, other = live.timekeeper(), live.timekeeper()
    path, mine = renamed(tmp_path, "renamed")
    firm = firm_of(live, who)
    model(live, "add", str(path), "--firm", firm)
    with language_model() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with running(live.stack.home.path, "bill", "--llm", *EVERY):
            first = narrated(live, who, "Harbour lease.docx")
            bought, before, groups = row(live, NARRATED, who), stored(live.pipeline, who), live.groups(who)
            model(live, "activate", mine.version, "--firm", firm)
            grouped_by(live, who, mine)
            said = {name: value for (_, name), value in expected(live, who, mine).items()}
            eventually(lambda: kept(live, who) == said, what="bill has what the other model says")
            assert live.groups(who) != groups, "the groups name the model that they are decided by"
            # Whatever was to be bought for the first is asked for before what comes later.
            second = narrated(live, other, "Audit of the bakery.xlsx")
    entries = [entry for call in server.calls for entry in call.question["entries"]]
    asked = [activity["id"] for entry in entries for activity in entry["activities"]]
    assert [asked.count(activity) for activity in (first, second)] == [1, 1]
    assert row(live, NARRATED, who) == bought
    assert stored(live.pipeline, who) == before


def test_another_firms_model_and_one_that_nobody_has_are_refused(live: Live, tmp_path: Path) -> None:
    who, other = live.timekeeper(), live.timekeeper()
    live.insert(other, "Harbour lease.docx")
    path, mine = file_of(tmp_path, "theirs")
    model(live, "add", str(path), "--firm", firm_of(live, who))
    assert "has no model" in model(live, "activate", mine.version, "--firm", firm_of(live, other), exits=2)
    with live.collector.begin() as connection:  # and who writes the row by hand comes no further
        row = {"f": other.firm, "t": other.timekeeper, "v": mine.version}
        connection.execute(
            text("INSERT INTO activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, :v)"), row
        )
    eventually(
        lambda: Reason.UNKNOWN_MODEL in [one.reason for one in live.dead_letters() if one.firm == other.firm],
        what="the activation is a dead letter",
    )
    grouped_by(live, other, shipped_model())


def test_what_a_version_holds_cant_be_changed(live: Live, tmp_path: Path) -> None:
    who = live.timekeeper()
    path, mine = file_of(tmp_path, "kept")
    model(live, "add", str(path), "--firm", firm_of(live, who))
    for engine in (live.collector, live.pipeline):
        for change in ("UPDATE model SET bytes = ''", "DELETE FROM model"):
            with pytest.raises(StackError, match="refuses"), engine.begin() as connection:
                connection.execute(text(f"{change} WHERE version = :v"), {"v": mine.version})


def test_what_is_no_model_isnt_added(live: Live, tmp_path: Path) -> None:
    who = live.timekeeper()
    path, _ = file_of(tmp_path, "half")
    path.write_bytes(path.read_bytes()[:500])
    assert "cut short" in model(live, "add", str(path), "--firm", firm_of(live, who), exits=1)


def test_a_worker_that_starts_anew_has_the_model_again(live: Live, tmp_path: Path, group: Program) -> None:
    who = live.timekeeper()
    first = [live.insert(who, f"Harbour lease draft {n}.docx", minute=n * 6) for n in range(3)]
    path, mine = file_of(tmp_path, "again")
    firm = firm_of(live, who)
    model(live, "add", str(path), "--firm", firm)
    model(live, "activate", mine.version, "--firm", firm)
    grouped_by(live, who, mine)
    group.kill()
    live.delete(first[0])
    with running(live.stack.home.path, "group"):
        grouped_by(live, who, mine)
