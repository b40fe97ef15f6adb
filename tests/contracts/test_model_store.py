"""A process has the model that ships and those of firms that were named, each firm's for itself, without any stack."""

from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from processors.grouping.model.grouping_model import Model, load_model
from processors.partition.activated_models import named_in_changes, named_in_working_set
from processors.partition.partition import Partition
from schemas.changes import WorkingSetRow, encode_working_set_row
from schemas.errors import ModelError
from schemas.keys import OriginKey, RowKey, decode_dead_letter_key, encode_key
from schemas.topics import CHANGES, DEAD_LETTERS, ConsumerRecord
from streams.shared.model_store import ModelStore, read_model_file, shipped_bytes, shipped_model

FIRM, OTHER, TIMEKEEPER = 7, 8, 70


def renamed(name: str) -> bytes:
    """The shipped model under another name: other bytes, so another version."""
    raw = msgspec.json.decode(shipped_bytes())
    return msgspec.json.encode(raw | {"name": name})


MINE = renamed("mine")
VERSION = load_model(MINE).version


class Database:
    """What `fetch` is asked, and what it finds: firm and version."""

    def __init__(self, rows: dict[tuple[int, str], bytes]) -> None:
        self.rows = rows
        self.asked: list[tuple[int, str]] = []

    def fetch(self, firm: int, version: str) -> bytes | None:
        self.asked.append((firm, version))
        return self.rows.get((firm, version))


def activation(firm: int, model: str, offset: int = 40, op: str = "c") -> ConsumerRecord:
    row = {"id": 5, "firm_id": firm, "timekeeper_id": TIMEKEEPER, "model_version": model, "said": 0}
    sides = {"before": row, "after": None} if op == "d" else {"before": None, "after": row}
    event = sides | {"op": op, "source": {"table": "activation", "ts_ms": 1}}
    return ConsumerRecord(3, offset, b"{}", msgspec.json.encode(event))


def test_a_firms_model_is_fetched_once_and_is_here_for_that_firm_only() -> None:
    database = Database({(FIRM, VERSION): MINE})
    shelf = ModelStore(database.fetch)
    before = shelf.models_of(FIRM)
    shelf.load([(FIRM, VERSION)])
    shelf.load([(FIRM, VERSION), (OTHER, VERSION)])
    assert database.asked == [(FIRM, VERSION), (OTHER, VERSION)]
    assert set(before) == {shipped_model().version, VERSION}, "who asked before has it too"
    assert set(shelf.models_of(OTHER)) == {shipped_model().version}


def test_a_model_that_asks_for_what_nobody_knows_is_refused_before_anybody_is_grouped_by_it(tmp_path: Path) -> None:
    raw = msgspec.json.decode(shipped_bytes())
    edges = raw["similarity"]["work"]["edges"]
    edges["horoscope"] = edges.pop(min(edges))
    raw.pop("manifest", None)
    path = tmp_path / "later.json"
    path.write_bytes(msgspec.json.encode(raw))
    with pytest.raises(ModelError, match=r"later\.json: the model uses horoscope, which this Time"):
        read_model_file(path)
    version = load_model(path.read_bytes()).version
    shelf = ModelStore(Database({(FIRM, version): path.read_bytes()}).fetch)
    with capture_logs() as logs:
        shelf.load([(FIRM, version)])
    assert version not in shelf.models_of(FIRM)
    assert [one["event"] for one in logs] == ["model_unusable"]


def test_the_model_that_ships_is_never_asked_for() -> None:
    database = Database({})
    ModelStore(database.fetch).load([(FIRM, shipped_model().version)])
    assert database.asked == []


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (MINE[:100], "cut short"),
        (msgspec.json.encode(msgspec.json.decode(MINE) | {"format": 9}), "format 9"),
        (renamed("other"), "its bytes are those of other-"),
    ],
    ids=["cut short", "of a later format", "of another version"],
)
def test_a_row_that_cant_be_used_is_told_and_left_out(raw: bytes, told: str) -> None:
    shelf = ModelStore(Database({(FIRM, VERSION): raw}).fetch)
    with capture_logs() as logs:
        shelf.load([(FIRM, VERSION)])
    assert [one["event"] for one in logs] == ["model_unusable"]
    assert told in logs[0]["error"]
    assert VERSION not in shelf.models_of(FIRM)


def test_what_names_a_model_is_an_activation_and_nothing_else() -> None:
    key = encode_key(RowKey(FIRM, TIMEKEEPER, "activation", 5))
    row = msgspec.Raw(b'{"id":5,"firm_id":7,"timekeeper_id":70,"model_version":"m","said":0}')
    kept = [
        ConsumerRecord(3, 1, key, encode_working_set_row(WorkingSetRow(40, row))),
        ConsumerRecord(3, 2, key, encode_working_set_row(WorkingSetRow(41))),
    ]
    garbage = [ConsumerRecord(3, 3, b'"activation"', b"{"), ConsumerRecord(3, 4, None, None)]
    assert named_in_working_set(kept + garbage) == {(FIRM, "m")}
    changes = [activation(FIRM, "a"), activation(FIRM, "gone", op="d"), ConsumerRecord(3, 42, b"", b'{"activation"')]
    assert named_in_changes(changes + garbage) == {(FIRM, "a")}


def decided(shelf: ModelStore, firm: int) -> list[OriginKey]:
    """The dead letters of an activation of VERSION by somebody of that firm."""
    record = activation(firm, VERSION)
    partition = Partition(3, shelf, shipped_model().version)
    shelf.load(named_in_changes([record]))
    return [decode_dead_letter_key(out.key) for out in partition.absorb([record]) if out.topic == DEAD_LETTERS.name]  # type: ignore[misc]


def test_another_firms_model_groups_nobody_here() -> None:
    shelf = ModelStore(Database({(FIRM, VERSION): MINE}).fetch)
    assert decided(shelf, FIRM) == []
    assert decided(shelf, OTHER) == [OriginKey(CHANGES.name, 3, 40)]


def test_the_same_bytes_are_the_same_model_whoever_has_them() -> None:
    shelf = ModelStore(Database({(FIRM, VERSION): MINE, (OTHER, VERSION): MINE}).fetch)
    shelf.load([(FIRM, VERSION), (OTHER, VERSION)])
    models: list[Model] = [shelf.models_of(firm)[VERSION] for firm in (FIRM, OTHER)]
    assert [one.version for one in models] == [VERSION, VERSION]
