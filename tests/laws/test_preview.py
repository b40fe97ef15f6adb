"""`preview`: one line an event of a stable shape, whatever the file's order, and blind to true labels."""

import gzip
import json
import random
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from connectors.sources.event import Event, Notes
from connectors.sources.formats.event_lines import read_events
from connectors.sources.formats.event_writer import event_line, remark_line
from connectors.sources.instants import instant_of
from connectors.sources.numbering import streams_of
from processors.billing.timesheet import SheetOwner, timesheet_of
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import encode_model
from schemas.billing import Directory
from schemas.groups import Disposition, encode_group
from schemas.values import Apart, Kind, Together, Words
from streams.cli import app
from streams.files.preview import preview_lines
from streams.shared.model_store import shipped_model
from streams.simulate.command import generate_week, parse_dials, write_truth
from tests.title_model import BY_TITLE

ROOT = Path(__file__).parents[2]
MODEL = shipped_model()
OWNER = SheetOwner("somebody")
LABELS = ("group", "client", "matter", "code", "annotated", "system")
UNKNOWN = ("true_group", "groups", "n_files")
TITLES = ("Lease v3.docx - Word", "RE: Lease", "Tax 2025.xlsx", "Inbox - Outlook", "Screen saver")


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A generated week of two people in the event form, with the true groups in it."""
    path = tmp_path / "week.jsonl"
    write_truth(path, generate_week(parse_dials({"people": 2, "days": 2}, []), date(2026, 3, 2), seed=3).truths, {})
    return path


def ran(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As a program of its own, which is what its exit code and an error's one line hang on."""
    command = [sys.executable, "-m", "streams", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def inside(*arguments: str | Path) -> Result:
    """In this process, which has read the model already."""
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_json_has_one_line_an_event_with_these_five_fields(week: Path) -> None:
    done = ran("preview", week, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    asked = [json.loads(line) for line in week.read_text().splitlines()]
    assert sorted((one["stream"], one["id"]) for one in lines) == sorted((one["stream"], one["id"]) for one in asked)
    ids = {(one["stream"], one["id"]) for one in asked}
    for one in lines:
        assert list(one) == ["stream", "id", "group", "confidence", "outlier"]
        assert (one["stream"], one["group"]) in ids
        assert 0 <= one["confidence"] <= 1
        assert one["outlier"] in (True, False)
        assert not one["outlier"] or one["group"] == one["id"]


def test_the_order_of_the_file_and_the_true_labels_in_it_change_nothing(week: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in week.read_text().splitlines()]
    random.Random(1).shuffle(lines)
    for line in lines:
        line |= {"group": f"g{len(line['title'])}", "client": line["id"], "matter": "m", "code": "L110"}
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(line) + "\n" for line in [*lines, *lines[:5]]))
    for how in ("--json", "--groups"):
        assert inside("preview", week, how).stdout == inside("preview", other, how).stdout != ""


def test_poisoned_labels_and_unknown_fields_in_a_packed_file_change_no_byte(week: Path, tmp_path: Path) -> None:
    """What is known of an event beside what was done, also where it is nonsense, is never read to group it."""
    model = tmp_path / "by-title.json"
    model.write_bytes(encode_model(BY_TITLE))
    told = [json.loads(line) for line in week.read_text().splitlines()]
    bare = [{name: value for name, value in line.items() if name not in LABELS} for line in told]
    poisons: list[object] = [None, 7, 1.5, True, "one", ["one"], {"group": ["one"]}, "x" * 10_000]
    poisoned = [
        line | {name: poisons[(at + number) % len(poisons)] for number, name in enumerate((*LABELS, *UNKNOWN))}
        for at, line in enumerate(bare)
    ]
    plain, packed = tmp_path / "plain.jsonl", tmp_path / "packed.jsonl.gz"
    plain.write_text("".join(json.dumps(line) + "\n" for line in bare))
    packed.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in poisoned).encode()))
    for named in ((), ("--model", model)):
        without, with_ = (inside("preview", path, "--json", *named) for path in (plain, packed))
        assert (without.exit_code, with_.exit_code) == (0, 0)
        assert with_.stdout == without.stdout != ""
        assert without.stderr == ""
        for name in UNKNOWN:
            assert f"the field {name!r} is none that is read" in with_.stderr
        assert not any(f"the field {name!r}" in with_.stderr for name in LABELS), "known, and not read"


def test_the_timesheet_names_each_stream_and_a_bad_file_exits_2(week: Path, tmp_path: Path) -> None:
    shown = inside("preview", week, "--days", "1")
    assert shown.exit_code == 0
    assert "ada.quillmoor@generated.test" in shown.stdout
    assert "Mon 2 Mar 2026" not in shown.stdout
    assert "Tue 3 Mar 2026" in shown.stdout
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    refused = ran("preview", bad)
    assert refused.returncode == 2
    assert f"{bad}, line 1" in refused.stderr
    assert ran("preview", week, "--model", bad).returncode == 1


events = st.builds(
    Event,
    stream=st.sampled_from(["one", "two"]),
    id=st.from_regex(r"[a-c]{1,3}", fullmatch=True),
    seq=st.sampled_from([0, 1]),
    at=st.integers(0, 5).map(lambda hours: instant_of("2026-03-02T08:00:00Z")[0] + hours * 900_000_000),
    until=st.none(),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    kind=st.sampled_from([Kind.WINDOW, Kind.MAIL]),
    app=st.just(""),
    words=st.builds(Words, title=st.sampled_from(TITLES)),
    excluded=st.booleans(),
)
sets = st.lists(events, min_size=1, max_size=30, unique_by=lambda one: (one.stream, one.id))


@given(sets, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_any_order_gives_the_same_lines_and_minutes(found: list[Event], order: random.Random) -> None:
    def said(items: list[Event]) -> list[object]:
        result: list[object] = []
        for stream in streams_of(items, Notes()):
            groups = group_all(stream.activities, stream.feedback, model=MODEL)
            result += [list(preview_lines(stream, groups)), timesheet_of(OWNER, stream.activities, groups, Directory())]
            result.append([encode_group(groups[name]) for name in sorted(groups)])
        return result

    shuffled = list(found)
    order.shuffle(shuffled)
    assert said(found) == said(shuffled)


@given(sets)
@settings(max_examples=60, deadline=None)
def test_every_event_has_one_line_and_is_an_outlier_only_where_it_is_alone(found: list[Event]) -> None:
    for stream in streams_of(found, Notes()):
        groups = group_all(stream.activities, stream.feedback, model=MODEL)
        lines = list(preview_lines(stream, groups))
        assert [line.id for line in lines] == [stream.names[one.id] for one in stream.activities]
        excluded = {stream.names[one.id] for one in stream.activities if one.excluded}
        pruned = {stream.names[name] for name, one in groups.items() if one.disposition is Disposition.OUTLIER}
        assert {line.id for line in lines if line.outlier} == excluded | pruned


@given(sets, st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_written_in_the_event_form_is_read_back_as_it_was(found: list[Event], data: st.DataObject) -> None:
    """Exported ids are numbers; groups of what is read back are those of the activities, to the byte."""
    for stream in streams_of(found, Notes()):
        ids = [one.id for one in stream.activities]
        pick = st.lists(st.sampled_from(ids), min_size=1, max_size=3).map(tuple)
        said = (Together(3, data.draw(pick)), Apart(7, data.draw(pick), data.draw(pick)))
        lines = [event_line(stream.name, one) for one in stream.activities] + [
            remark_line(stream.name, s) for s in said
        ]
        with NamedTemporaryFile() as file:
            file.write(b"".join(lines))
            file.flush()
            (again,) = streams_of(read_events(Path(file.name), Notes()), Notes())
        assert (again.activities, again.feedback) == (stream.activities, said)
