"""What a person keeps out is nowhere, and a stack that is down is told at once: the commands as somebody types them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.source.directory import list_timekeepers
from schemas.topics import TOPICS
from tests.end_to_end.test_import_export import LINES, activities, person, ran, written
from tests.live import Live
from tests.programs import Program, eventually, running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


SECRET = "quokkafarm"
"""Stands in everything that is excluded, and nowhere else."""


def files_of_every_kind(folder: Path) -> Path:
    """One thing to keep and one to exclude in each kind of file; each excluded one lasts ten minutes."""
    at = "2026-03-02T"
    written(
        folder / "a.jsonl",
        [
            LINES[0],
            LINES[0] | {"id": "x", "title": f"The {SECRET} file", "at": f"{at}10:00:00Z", "until": f"{at}10:10:00Z"},
        ],
    )
    (folder / "b.csv").write_text(
        f"start,end,title,url\n2026-03-02 9:00,9:10,Mail,\n2026-03-02 9:10,9:20,x,{SECRET}.example\n"
    )
    (folder / "c.md").write_text(f"# 2026-03-02\n## 9:15-9:25: {SECRET.upper()}\nall of it\n## 9:30-9:40: Draft\n")
    meeting = "BEGIN:VEVENT\nUID:{0}\nSUMMARY:{0}\nDTSTART:20260302T{1}00Z\nDTEND:20260302T{1}10Z\nEND:VEVENT\n"
    events = meeting.replace("00Z", "0000Z").replace("10Z", "1000Z")
    (folder / "d.ics").write_text(
        f"BEGIN:VCALENDAR\n{events.format('kept', '11')}{events.format(SECRET, '12')}END:VCALENDAR\n"
    )
    windows = [
        {"timestamp": f"{at}13:00:00Z", "duration": 600, "data": {"app": SECRET, "title": "no word"}},
        {"timestamp": f"{at}13:10:00Z", "duration": 600, "data": {"app": "Word", "title": "Lease"}},
    ]
    bucket = {"id": "w", "type": "currentwindow", "hostname": "desk", "events": windows}
    (folder / "e.json").write_text(json.dumps(bucket))
    return folder


def test_what_is_excluded_is_in_no_row_and_on_no_topic(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "exclusions.toml"
    rules.write_text(f'apps = ["{SECRET}"]\ntitles = ["*{SECRET}*"]\nurls = ["{SECRET}.example"]\n')
    monkeypatch.setenv("TIMELOOM_EXCLUSIONS", str(rules))
    folder = tmp_path / "files"
    folder.mkdir()
    home, arguments = live.stack.home.path, (files_of_every_kind(folder), "--timekeeper", "private@example.com")
    done = ran(home, "import", *arguments)
    assert "5 new, 0 changed, 0 as they were; 5 excluded (50 min), written nowhere." in done.stdout
    assert SECRET not in (done.stdout + done.stderr).casefold()
    again = json.loads(ran(home, "import", *arguments, "--json").stdout)
    assert (again["same"], again["excluded"], again["excluded_minutes"]) == (5, 5, 50.0)
    who = person(live, "private@example.com")
    eventually(lambda: live.groups(who.scope) == live.expected(who.scope), what="what was kept is grouped")
    assert live.groups(who.scope)
    assert not [one for one in activities(live, who) if SECRET in f"{one}".casefold()]
    with live.pipeline.connect() as connection:
        names = connection.execute(
            text("SELECT source_id FROM activity WHERE timekeeper_id = :id"), {"id": who.scope.timekeeper}
        )
        assert not [name for name in names.scalars() if SECRET in name.casefold()]
    for topic in TOPICS:
        for record in read_to_end(live.settings.kafka(), topic.name, list(range(topic.partitions))):
            assert SECRET.encode() not in (record.value or b"").lower()
    ran(home, "preview", folder)  # the same rules, and the same silence
    assert SECRET not in ran(home, "preview", folder, "--json").stdout.casefold()


def test_an_import_that_stops_goes_on_where_it_stood(live: Live, tmp_path: Path) -> None:
    lines = [LINES[0] | {"id": f"{n}", "title": f"File {n}"} for n in range(600)]
    path = written(tmp_path / "long.jsonl", [*lines[:550], {"id": "bad"}, *lines[550:]])
    home, whose = live.stack.home.path, ("--timekeeper", "stopped@example.com")
    ran(home, "import", tmp_path / "mistyped", *whose, code=2)
    with live.pipeline.connect() as connection:
        assert "stopped@example.com" not in [one.email for one in list_timekeepers(connection)]
    stopped = ran(home, "import", path, *whose, code=2).stderr
    assert f"{path}, line 551: has no `stream`" in stopped
    assert "The 500 events before are imported; import again when it is mended." in stopped
    assert len(activities(live, person(live, "stopped@example.com"))) == 500
    written(path, lines)
    assert "100 new, 0 changed, 500 as they were" in ran(home, "import", path, *whose).stdout
    assert len(activities(live, person(live, "stopped@example.com"))) == 600


def test_with_the_servers_away_each_command_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMELOOM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("TIMELOOM_DATABASE_HOST", "127.0.0.1")
    monkeypatch.setenv("TIMELOOM_DATABASE_PORT", "1")
    for user in ("ADMIN", "COLLECTOR", "CAPTURE", "PIPELINE"):
        monkeypatch.setenv(f"TIMELOOM_{user}_PASSWORD", "x")
    path = written(tmp_path / "events.jsonl", LINES)
    for command in (["watch"], ["verify"], ["timesheet"], ["export"], ["import", path]):
        began = time.monotonic()
        said = ran(tmp_path, *command, code=3).stderr
        assert said.count("\n") == 1
        assert "Start it: " in said
        assert "./timeloom stack up" in said
        assert time.monotonic() - began < 15  # 1 to 2 s; the rest is Python's start on a machine that has other work
