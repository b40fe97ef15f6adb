"""`evaluate --folds` and `--prequential`: whoever is judged is new to the model, and that is what the figures say."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from processors.evaluation.comparison import Case
from processors.evaluation.measures import MEASURES
from processors.grouping.model.grouping_model import Model, encode_model
from schemas.errors import SourceError, TimeloomError
from schemas.values import Activity, Kind, Words
from streams.cli import app
from streams.evaluate.cross_validation import cross_validate, evaluate_prequentially
from tests.title_model import BY_TITLE

TITLES = ("Lease Quarrymill", "Budget Thistledown", "Travel plans")
HOUR_US = 3_600_000_000


def stream(name: str, events: int) -> Case:
    """An event an hour, in turn of each title; the true groups are the titles. The last is context."""
    activities = [
        Activity(id, Kind.DOCUMENT, id * HOUR_US, None, "UTC", Words(title=TITLES[id % 3]))
        for id in range(1, events + 2)
    ]
    return Case(name, tuple(activities), {id: TITLES[id % 3] for id in range(1, events + 1)})


STREAMS = [stream("ada", 6), stream("bob", 9), stream("cleo", 7), stream("dai", 1)]


class Teacher:
    """Makes models by title, and remembers from what."""

    def __init__(self) -> None:
        self.taught: list[tuple[Model, Sequence[Case]]] = []

    def __call__(self, cases: Sequence[Case], name: str) -> Model:
        model = msgspec.structs.replace(BY_TITLE, name=name)
        self.taught.append((model, cases))
        return model

    def of(self, model: Model) -> Sequence[Case]:
        """From what a model learned."""
        return next(cases for one, cases in self.taught if one is model)


def test_out_of_fold_nobody_is_judged_by_a_model_that_learned_from_them() -> None:
    teacher = Teacher()
    trial = cross_validate(STREAMS, 3, teacher)
    assert len(teacher.taught) == 3
    assert (trial.name, trial.kind, trial.setup) == ("out of fold", "learned", "3 folds")
    folds: dict[str, set[str]] = {}
    for case, model, groups in zip(STREAMS, trial.models, trial.groups, strict=True):
        taught = {one.stream for one in teacher.of(model)}
        assert case.stream not in taught
        folds.setdefault(model.name, set()).add(case.stream)
        assert {member.id for group in groups.values() for member in group.members} == {a.id for a in case.activities}
    for model, cases in teacher.taught:
        assert {one.stream for one in cases} == {one.stream for one in STREAMS} - folds[model.name], "all others teach"
        assert all(one in STREAMS for one in cases), "whole"
    assert cross_validate(STREAMS[::-1], 3, Teacher()).groups == trial.groups[::-1], "dealt the same in any order"


def test_more_folds_than_streams_are_refused() -> None:
    with pytest.raises(SourceError, match=r"--folds 5: only 4 streams can be judged\. Give fewer folds"):
        cross_validate(STREAMS, 5, Teacher())


def test_prequential_models_learn_from_all_that_was_before_and_nothing_else() -> None:
    teacher = Teacher()
    judged, trial = evaluate_prequentially(STREAMS, 3, teacher)
    assert (trial.name, trial.kind, trial.setup) == ("prequential", "learned", "3 blocks")
    # Dai has one event, of which nothing comes after.
    assert [(one.stream, one.block, sorted(one.gold)) for one in judged] == [
        ("ada", 1, [3, 4]),
        ("bob", 1, [4, 5, 6]),
        ("cleo", 1, [4, 5]),
        ("ada", 2, [5, 6]),
        ("bob", 2, [7, 8, 9]),
        ("cleo", 2, [6, 7]),
    ]
    for case, model in zip(judged, trial.models, strict=True):
        past = {one.stream: one for one in teacher.of(model)}
        assert set(past) == {"ada", "bob", "cleo", "dai"}
        first = min(case.gold)
        assert sorted(past[case.stream].gold) == list(range(1, first))
        assert max(one.id for one in past[case.stream].activities) == first - 1
    with pytest.raises(SourceError, match="no stream has two events with a true group"):
        evaluate_prequentially([stream("dai", 1)], 3, Teacher())


def file(path: Path, *streams: Case) -> Path:
    path.write_bytes(
        b"".join(
            msgspec.json.encode(
                {
                    "stream": one.stream,
                    "id": str(activity.id),
                    "at": f"2026-03-02T{activity.id:02d}:00:00Z",
                    "kind": "document",
                    "title": activity.words.title,
                    "group": one.gold.get(activity.id),
                }
            )
            + b"\n"
            for one in streams
            for activity in one.activities
        )
    )
    return path


def ran(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("judged")
    page = folder / "report.html"
    return ran(file(folder / "e.jsonl", *STREAMS), "--folds", "2", "--prequential", "--blocks", "3", "--html", page)


def test_both_stand_beside_the_fixed_model_and_the_peers(tmp_path: Path) -> None:
    done = ran(file(tmp_path / "e.jsonl", *STREAMS), "--folds", "2", "--prequential", "--blocks", "3", "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    rated, later = found["rated"], found["prequential"]
    assert [(one["name"], one["kind"]) for one in rated[1:3]] == [("out of fold", "learned"), ("singletons", "peer")]
    assert set(rated[1]["streams"]) == {"ada", "bob", "cleo", "dai"}
    assert rated[1]["confidence"]["groups"] > 0, "pooled over the folds"
    assert rated[1]["blocking"]["pairs"] == (1 + 1 + 1) + (3 + 3 + 3) + (3 + 1 + 1)
    assert sum(rated[1]["choices"].values()) == found["events"]
    assert rated[2]["blocking"] is rated[2]["choices"] is rated[2]["confidence"] is None
    assert not any(one["blocks"] for one in rated)
    assert (later["events"], later["streams"], later["prequential"]) == (14, 3, None)
    assert [one["name"] for one in later["rated"][:2]] == [rated[0]["name"], "prequential"]
    assert [one["name"] for one in later["rated"][2:]] == [one["name"] for one in rated[2:]]
    for one in later["rated"]:
        assert [(block["number"], block["streams"]) for block in one["blocks"]] == [(2, 3), (3, 3)]
        assert all(set(block["mean"]) == set(MEASURES) for block in one["blocks"])
    # In a block of two or three events no title comes back, so that alone is right.
    assert next(one for one in later["rated"] if one["name"] == "singletons")["streams"]["bob"]["B3-F"] == 100


def test_the_tables_and_the_progress_name_them(judged: Result) -> None:
    assert judged.exit_code == 0, judged.output
    assert "out of fold (2 folds)" in judged.stdout
    assert "Each block by itself: 14 judged events, 14 true groups, 3 streams: mean over streams" in judged.stdout
    assert "Block by block: mean over streams" in judged.stdout
    assert "block 2" in judged.stdout
    assert "prequential (3 blocks): Blocking compares an event with" in judged.stdout
    assert "✓ fold 2 of 2: learned from" in judged.stderr
    assert "✓ block 3 of 3: learned from" in judged.stderr


def test_the_page_has_the_reliability_of_what_was_out_of_fold(judged: Result) -> None:
    page = Path(judged.stdout.rpartition("Wrote ")[2].strip()).read_text(encoding="utf-8")
    of_folds = page.partition("<h2>out of fold (2 folds)</h2>")[2]
    assert "Blocking compares an event with" in of_folds
    assert "What its confidences are worth" in of_folds
    assert "<circle" in of_folds
    assert "Trained on the past, judged on the next" in page
    assert "<th>block 3</th>" in page


def test_what_is_not_learned_is_taken_from_the_base(tmp_path: Path) -> None:
    """Of so few events no trees are grown: those of the base make the groups, and it goes by titles."""
    base, events = tmp_path / "base.json", file(tmp_path / "e.jsonl", *STREAMS)
    base.write_bytes(encode_model(BY_TITLE))
    done = ran(events, "--folds", "4", "--base", base, "--json")
    assert done.exit_code == 0, done.output
    learned = json.loads(done.stdout)["rated"][1]
    assert (learned["name"], learned["chosen"]) == ("out of fold", "4 folds")
    assert {name: one["B3-F"] for name, one in learned["streams"].items()} == dict.fromkeys(
        ("ada", "bob", "cleo", "dai"), pytest.approx(100)
    )
    assert ran(events, "--folds", "4", "--base", tmp_path / "none.json").exception is not None


def test_too_few_streams_for_the_folds_are_told(tmp_path: Path) -> None:
    error = ran(file(tmp_path / "e.jsonl", *STREAMS[:1]), "--folds", "2").exception
    assert isinstance(error, TimeloomError)
    assert error.exit_code == 2
    assert "only 1 stream can be judged" in str(error)
