"""Events into MariaDB and out again, on the real stack: idempotent in, and out as what live has grouped (law 2)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from connectors.mariadb.source.captured_rows import read_all_rows
from connectors.mariadb.source.directory import TimekeeperProfile, list_timekeepers
from schemas.values import WORDS_MAX_BYTES, Activity
from streams.files.preview import GroupLine
from tests.live import Live
from tests.programs import ROOT, Program, eventually, running

pytestmark = pytest.mark.stack

LINES = [
    {"stream": "s", "id": "a", "at": "2026-03-02T08:00:00Z", "until": "2026-03-02T08:20:00Z", "title": "Lease v3.docx"},
    {"stream": "s", "id": "b", "at": "2026-03-02T08:30:00Z", "kind": "mail", "title": "RE: Lease v3.docx"},
    {"stream": "s", "id": "c", "at": "2026-03-02T23:00:00+05:30", "title": "Tax 2025.xlsx", "text": "ü" * 60_000},
]


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


def ran(home: Path, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A command of ours, run to its end, which must be with that exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "streams", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TIMELOOM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def person(live: Live, email: str, firm: str = "local") -> TimekeeperProfile:
    with live.pipeline.connect() as connection:
        (found,) = (one for one in list_timekeepers(connection) if (one.email, one.firm) == (email, firm))
    return found


def activities(live: Live, who: TimekeeperProfile) -> list[Activity]:
    with live.pipeline.connect() as connection:
        return [one for _, one in read_all_rows(connection, who.scope, "activity") if isinstance(one, Activity)]


def written(path: Path, lines: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_an_import_again_changes_nothing_and_a_changed_event_changes_its_row(live: Live, tmp_path: Path) -> None:
    path, home = written(tmp_path / "events.jsonl", LINES), live.stack.home.path

    def imported() -> dict[str, object]:
        said = ran(home, "import", path, "--timekeeper", "again@example.com", "--json").stdout
        return {name: json.loads(said)[name] for name in ("new", "changed", "same")}

    assert imported() == {"new": 3, "changed": 0, "same": 0}
    who = person(live, "again@example.com")
    before = activities(live, who)
    stamps = stamped(live, who)
    assert imported() == {"new": 0, "changed": 0, "same": 3}
    assert (activities(live, who), stamped(live, who)) == (before, stamps)
    written(path, [LINES[0] | {"title": "Lease v4.docx"}, *LINES[1:]])
    assert imported() == {"new": 0, "changed": 1, "same": 2}
    assert [one.words.title for one in activities(live, who)] == ["Lease v4.docx", "RE: Lease v3.docx", "Tax 2025.xlsx"]
    assert [one.id for one in activities(live, who)] == [one.id for one in before]


def stamped(live: Live, who: TimekeeperProfile) -> list[object]:
    query = text("SELECT id, updated_at FROM activity WHERE timekeeper_id = :id ORDER BY id")
    with live.pipeline.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"id": who.scope.timekeeper})]


def test_long_words_are_cut_to_what_the_table_takes_and_that_is_said(live: Live, tmp_path: Path) -> None:
    path = written(tmp_path / "long.jsonl", LINES[2:])
    done = ran(live.stack.home.path, "import", path, "--timekeeper", "long@example.com")
    assert "words over 64 KB" in done.stderr
    (only,) = activities(live, person(live, "long@example.com"))
    assert WORDS_MAX_BYTES - 1 <= len(msgspec.json.encode(only.words)) <= WORDS_MAX_BYTES
    assert only.zone == "Asia/Kolkata"


def test_without_a_name_it_is_me_of_the_local_firm_and_a_stream_can_be_chosen(live: Live, tmp_path: Path) -> None:
    path, home = written(tmp_path / "two.jsonl", [*LINES[:2], LINES[0] | {"stream": "t"}]), live.stack.home.path
    assert "no stream x. Found: s, t" in ran(home, "import", path, "--stream", "x", code=2).stderr
    assert "me: 1 new, 0 changed" in ran(home, "import", path, "--stream", "t").stdout
    assert len(activities(live, person(live, "me"))) == 1
    assert "2 streams are one timekeeper's work now" in ran(home, "import", path).stderr
    assert len(activities(live, person(live, "me"))) == 3


def test_preview_of_an_export_gives_lives_groups_byte_for_byte(live: Live, tmp_path: Path) -> None:
    home, truth = live.stack.home.path, tmp_path / "truth.jsonl"
    ran(home, "simulate", "--people", "2", "--days", "2", "--seed", "11", "--truth", truth)
    true = [json.loads(line) for line in truth.read_text().splitlines()]
    people = [person(live, email, "Generated & Sons (simulated)") for email in sorted({one["stream"] for one in true})]
    assert len(people) == 2
    for who in people:
        own = activities(live, who)
        assert sorted(str(one.id) for one in own) == sorted(one["id"] for one in true if one["stream"] == who.email)
        together(live, who, own[0].id, own[-1].id)
        apart(live, who, own[1].id, own[2].id)
    scopes = [who.scope for who in people]
    eventually(lambda: live.groups(*scopes) == live.expected(*scopes), what="live has grouped everything")

    export = tmp_path / "export.jsonl"
    export.write_text(ran(home, "export", "--firm", "Generated & Sons (simulated)").stdout)
    emails = {who.email: who.scope for who in people}
    lines = [
        msgspec.json.decode(line, type=GroupLine)
        for line in ran(home, "preview", export, "--groups").stdout.encode().splitlines()
    ]
    said = sorted((emails[line.stream], bytes(line.group)) for line in lines)
    assert said == sorted((scope, value) for (scope, _), value in live.groups(*scopes).items())
    assert len(said) > len(people)


def together(live: Live, who: TimekeeperProfile, *ids: int) -> None:
    feedback(live, who, "together", json.dumps(ids), None)


def apart(live: Live, who: TimekeeperProfile, one: int, other: int) -> None:
    feedback(live, who, "apart", json.dumps([one]), json.dumps([other]))


def feedback(live: Live, who: TimekeeperProfile, verb: str, left: str, right: str | None) -> None:
    columns = "firm_id, timekeeper_id, verb, left_ids, right_ids"
    row = {"f": who.scope.firm, "t": who.scope.timekeeper, "v": verb, "l": left, "r": right}
    with live.collector.begin() as connection:
        connection.execute(text(f"INSERT INTO feedback ({columns}) VALUES (:f, :t, :v, :l, :r)"), row)


def test_watch_shows_the_last_word_on_groups_with_their_words(live: Live, tmp_path: Path) -> None:
    home = live.stack.home.path
    ran(home, "import", written(tmp_path / "w.jsonl", LINES), "--timekeeper", "watched@example.com")
    who = person(live, "watched@example.com")
    eventually(lambda: live.groups(who.scope) == live.expected(who.scope), what="there are groups to watch")
    seen = [
        json.loads(line)
        for line in ran(home, "watch", "--for", "5", "--timekeeper", who.email, "--json").stdout.splitlines()
    ]
    assert seen
    assert {one["timekeeper"] for one in seen} == {who.email}
    for one in seen:
        assert (who.scope, one["group"]) in live.groups(who.scope)
        assert set(one["words"]) <= {"Lease v3.docx", "RE: Lease v3.docx", "Tax 2025.xlsx"}


def test_without_a_stack_each_command_says_so_and_exits_3(tmp_path: Path) -> None:
    path = written(tmp_path / "events.jsonl", LINES)
    for command in (["import", path], ["export"], ["simulate"], ["watch", "--for", "1"]):
        assert "stack up" in ran(tmp_path / "nowhere", *command, code=3).stderr
    ran(tmp_path / "nowhere", "preview", path)  # needs none
    ran(tmp_path / "nowhere", "simulate", "--dry-run")
