"""`train` on generated weeks: the same bytes again, better than simple rules, and nothing in the file but data."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from processors.grouping.model.grouping_model import Domain, Embedding, encode_model, load_model
from processors.simulation.dials import Dials
from schemas.errors import TimeloomError
from streams.cli import app
from streams.shared.model_store import shipped_model
from streams.simulate.command import generate_week, write_truth

MONDAY = date(2026, 3, 2)
QUIET = Dials(people=4, days=2)


def week(folder: Path, seed: int) -> Path:
    """A short generated week with its true pieces of work; nothing in it is real."""
    path = folder / f"{seed}.jsonl"
    write_truth(path, generate_week(QUIET, MONDAY, seed).truths, {})
    return path


def ran(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def trained(weeks: Sequence[Path], out: Path, *more: str | Path) -> bytes:
    done = ran("train", *weeks, "--out", out, *more)
    assert done.exit_code == 0, done.output
    return out.read_bytes()


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [week(tmp_path_factory.mktemp("weeks"), seed) for seed in (501, 502)]


@pytest.fixture(scope="module")
def model(weeks: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "mine.json"
    trained(weeks, path, "--name", "mine")
    return path


def test_neither_the_order_of_files_nor_what_they_say_of_matters_is_an_input(
    weeks: list[Path], model: Path, tmp_path: Path
) -> None:
    """The same events in another order, of one week without client, matter and code: the same bytes."""
    lines = [json.loads(line) for line in weeks[0].read_text().splitlines()]
    said = [line.pop(field, None) for line in lines for field in ("client", "matter", "code")]
    assert any(said), "the week says them"
    stripped = tmp_path / "stripped.jsonl"
    stripped.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert trained([weeks[1], stripped], tmp_path / "again.json", "--name", "mine") == model.read_bytes()


def test_the_file_is_data_and_says_where_it_comes_from(model: Path) -> None:
    raw = model.read_bytes()
    found = load_model(raw)
    assert found.version.startswith("mine-")
    assert "of 4 streams" in found.about, "who is in both weeks is one stream"
    assert shipped_model().version in found.about
    assert encode_model(found) == raw
    assert isinstance(json.loads(raw), dict)


def test_it_groups_a_week_that_it_never_saw(model: Path, tmp_path: Path) -> None:
    done = ran("evaluate", week(tmp_path, 503), "--model", model, "--json")
    assert done.exit_code == 0, done.output
    rated = json.loads(done.stdout)["rated"]
    mine, rules = rated[0], [one for one in rated[1:] if "oracle" not in one["name"]]
    best = max(one["measured"]["mean"]["B3-F"]["value"] for one in rules)
    assert mine["measured"]["mean"]["B3-F"]["value"] > best, "simple rules choose their values on that very week"
    preview = ran("preview", week(tmp_path, 504), "--model", model, "--json")
    assert preview.exit_code == 0, preview.output


def refused(*arguments: str | Path) -> TimeloomError:
    error = ran("train", *arguments).exception
    assert isinstance(error, TimeloomError), error
    return error


def test_events_without_true_groups_teach_nothing(weeks: list[Path], tmp_path: Path) -> None:
    bare = tmp_path / "bare.jsonl"
    lines = [json.loads(line) | {"group": None} for line in weeks[0].read_text().splitlines()]
    bare.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    error = refused(bare, "--out", tmp_path / "none.json")
    assert error.exit_code == 2
    assert not (tmp_path / "none.json").exists()


def test_a_base_that_is_cut_short_is_refused(weeks: list[Path], model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.json"
    half.write_bytes(model.read_bytes()[:1_000])
    error = refused(weeks[0], "--base", half, "--out", tmp_path / "none.json")
    assert error.exit_code == 1
    assert "cut short" in str(error)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Fewer events than trees are grown on."""
    few = tmp_path / "few.jsonl"
    lines = [
        {
            "stream": "a",
            "id": str(n),
            "at": f"2026-03-02T0{n}:00:00Z",
            "kind": "document",
            "title": "Lease",
            "group": "g",
        }
        for n in range(1, 6)
    ]
    few.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return few


def test_a_handful_of_events_keeps_the_base_trees(few: Path, tmp_path: Path) -> None:
    learned = load_model(trained([few], tmp_path / "few.json"))
    assert msgspec.to_builtins(learned.similarity) == msgspec.to_builtins(shipped_model().similarity)


def test_the_embedding_is_what_is_asked_for_and_trees_of_another_are_told(few: Path, tmp_path: Path) -> None:
    done = ran("train", few, "--out", tmp_path / "words.json", "--embedding", "tfidf")
    assert done.exit_code == 0, done.output
    assert load_model((tmp_path / "words.json").read_bytes()).embedding is Embedding.TFIDF
    for regime in Domain:
        assert f"too little of {regime} to learn from: its trees are the base's, made with ngrams" in done.stderr
    assert "made with" not in ran("train", few, "--out", tmp_path / "same.json", "--embedding", "ngrams").stderr


def test_an_embedding_that_there_is_not_is_refused(few: Path, tmp_path: Path) -> None:
    error = refused(few, "--out", tmp_path / "none.json", "--embedding", "minilm")
    assert error.exit_code == 2
    assert "give one of ngrams, tfidf" in str(error)
