"""Empty, enormous and endlessly repeated input: no explosion, nothing lost. And models that are none."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from processors.grouping.batch import group_all
from processors.grouping.candidates.blocking import Candidates
from processors.grouping.describe.embedding import embed
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.model.grouping_model import Embedding, Model, encode_model, load_model, with_manifest
from processors.grouping.working_set import WorkingSet
from schemas.errors import ModelError
from schemas.groups import Disposition
from schemas.keys import RowKey
from schemas.values import Activation, Activity, Kind, Words
from tests.laws.grouping_strategies import MINUTE, MODEL, MORNING, TIGHT, fresh, said

RAW = (
    b'{"kind":"timeloom grouping model","format":2,"name":"tiny","about":"","apps":[],"rarity":{},"rarity_else":1000,'
    b'"opening":{},"reach":{"recent":{"most":3,"within_us":1000}},"similarity":{"work":{"edges":{"title":[1]},'
    b'"trees":[[[[0,1,-1,-2,0]],[0,9]]]},"talk":{"edges":{"gap":[5]},"trees":[[[[0,0,-1,-2,0]],[0,-9]]]}},'
    b'"joining":{"talk":{"over":0,"floor":1},"work":{"over":0,"floor":1}},"merging":{},'
    b'"pruning":{"lone_us":0,"loose":0,"least":3},'
    b'"confidence":{"logit":{"prior":0,"curves":{"size":{"edges":[2],"values":[0,9]}}},"shown_from":0}}'
)


def window(id: int, *, at: int = MORNING, lasts: int = MINUTE, title: str = "Screen saver", text: str = "") -> Activity:
    return Activity(id, Kind.WINDOW, at, at + lasts, "UTC", Words(title=title, text=text))


@pytest.mark.parametrize("spread_us", [0, 10 * MINUTE])
def test_cost_grows_with_the_neighbourhood_not_with_the_set(spread_us: int) -> None:
    """Each of ten thousand equal titles is compared with a bounded number of others."""
    table, candidates = ActivityTable(MODEL), Candidates(MODEL)
    for id in range(10_000):
        place = (MORNING + id * spread_us, id)
        candidates.add(place, table.add([window(id, at=place[0])])[0])
    bound = 2 * sum(reach.most for reach in MODEL.reach.values())
    assert max(len(candidates.before((MORNING + id * spread_us, id))) for id in range(10_000)) <= bound
    assert max(len(candidates.after((MORNING + id * spread_us, id))) for id in range(10_000)) <= bound


def test_ten_thousand_equal_titles_at_one_instant_are_one_piece_of_work() -> None:
    groups = group_all((window(id) for id in range(10_000)), model=MODEL)
    assert [len(group.members) for group in groups.values()] == [10_000]
    assert groups[0].captured_us == MINUTE


def test_a_year_long_activity_breaks_nothing() -> None:
    year = Activity(1, Kind.OTHER, MORNING, MORNING + 365 * 1440 * MINUTE, "UTC", Words())
    rest = [window(id, at=MORNING + id * 1440 * MINUTE, title="Lease Quarrymill") for id in range(2, 300)]
    groups = group_all([year, *rest], model=MODEL)
    assert sum(len(group.members) for group in groups.values()) == 299
    assert max(group.captured_us for group in groups.values()) >= 365 * 1440 * MINUTE


def test_enormous_texts_are_read_as_far_as_a_page_and_hashed_whole() -> None:
    long = "Übergabe " * 7_000
    first, second = window(1, text=long), window(2, text=long + "end")
    groups = group_all([first, second], model=MODEL)
    assert len(groups) == 1
    hashes = [member.hash for member in groups[1].members]
    assert hashes[0] != hashes[1]


def test_an_empty_set_and_empty_words() -> None:
    assert dict(group_all([], model=MODEL)) == {}
    alone = Activity(1, Kind.OTHER, 0, None, "UTC", Words())
    assert group_all([alone], model=MODEL)[1].disposition is Disposition.WORK


@pytest.mark.parametrize("how", Embedding)
@pytest.mark.parametrize("text", ["", "a", "ab", "🙂", "\ud83d", "שלום\u202e", "\u0000\u0000\u0000", "ﷺ " * 60_000])
def test_every_text_has_a_vector(text: str, how: Embedding) -> None:
    assert embed([text], how, lambda word: 10**9).shape == (1, 256)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (RAW[:200], "cut short"),
        (b"", "cut short"),
        (b"\xff\xfe", "can't be read"),
        (b'{"kind":"something else","format":1}', "isn't a grouping model"),
        (b"[]", "can't be read"),
        (RAW.replace(b'"format":2', b'"format":3'), "format 3"),
        (RAW.replace(b'"format":2', b'"format":1'), "format 1"),
        (RAW.replace(b'"talk":', b'"chat":'), "isn't whole"),
        (RAW.replace(b"[[0,1,-1,-2,0]]", b"[[0,1,-1,-1,0]]"), "a tree"),
        (RAW.replace(b'"title":[1]', b'"title":[1,1]'), "ascending order"),
        (RAW.replace(b"[[0,1,-1,-2,0]]", b"[[1,1,-1,-2,0]]"), "no edges"),
        (RAW.replace(b'"over":0,', b""), "isn't whole"),
        (RAW.replace(b"[[0,1,-1,-2,0]]", b"[[0,40000000000,-1,-2,0]]"), "isn't whole.*255.*trees"),
        (RAW.replace(b"[[0,1,-1,-2,0]]", b"[[-1,1,-1,-2,0]]"), "isn't whole.*>= 0.*trees"),
        (RAW.replace(b'"title":[1]', b'"title":[2147483648]'), "isn't whole.*2147483647.*edges"),
        (RAW.replace(b'"opening":{}', b'"opening":{"lease":4000000000}'), "isn't whole.*100000.*opening"),
        (RAW.replace(b'"rarity":{}', b'"rarity":{"lease":70000}'), "isn't whole.*10000.*rarity"),
        (RAW.replace(b'"floor":1', b'"floor":99999999999999999999'), "isn't whole"),
        (RAW.replace(b'"about":""', b'"about":' + b"[" * 100_000), "can't be read"),
        (RAW.replace(b'"values":[0,9]', b'"values":[0]'), "one value more"),
        (RAW.replace(b'"most":3', b'"most":0'), "looks back"),
        (RAW.replace(b'"about":""', b'"about":"","version":"mine"'), "hash of the file"),
        (
            RAW.replace(b'"about":""', b'"about":"","embedding":"minilm"'),
            "by 'minilm', this Timeloom knows only n",
        ),
    ],
)
def test_a_model_that_is_none_is_refused_with_the_reason(raw: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        load_model(raw)


@pytest.mark.parametrize(
    ("parts", "strange"),
    [
        ({"rarity": {"lease": 5}}, "similarity and merging and confidence"),
        ({"opening": {"lease": 5}}, "similarity and merging and confidence"),
        ({"embedding": "tfidf"}, "similarity and merging and confidence"),
        ({"joining": {"talk": {"over": 1, "floor": 1}, "work": {"over": 0, "floor": 1}}}, "confidence"),
        ({"pruning": {"lone_us": 9, "loose": 9, "least": 9}}, "confidence"),
    ],
)
def test_parts_of_two_models_are_no_model(parts: dict[str, Any], strange: str) -> None:
    whole = json.loads(encode_model(with_manifest(load_model(RAW))))
    assert load_model(json.dumps(whole).encode()).manifest is not None
    assert whole | parts != whole
    with pytest.raises(ModelError, match=f"^the model's {strange} were calibrated with other parts"):
        load_model(json.dumps(whole | parts).encode())


def test_what_rests_on_nothing_may_be_other() -> None:
    whole = json.loads(encode_model(with_manifest(load_model(RAW))))
    assert load_model(json.dumps(whole | {"name": "mine", "about": "mended"}).encode()).name == "mine"


def test_a_model_is_named_by_its_bytes() -> None:
    assert load_model(RAW).version == load_model(RAW).version != load_model(RAW + b" ").version
    assert load_model(RAW).version.startswith("tiny-")
    assert json.loads(msgspec.json.encode(load_model(RAW)))["joining"]["work"]["floor"] == 1


def activate(working_set: WorkingSet, version: int, id: int, model: Model | None) -> bool:
    value = None if model is None else Activation(id, model.version)
    return working_set.apply(RowKey(7, 8, "activation", id), version, value)


def test_the_activation_with_the_highest_id_chooses_the_model() -> None:
    working_set = WorkingSet({model.version: model for model in (MODEL, TIGHT)}, MODEL.version)
    rows = [window(id, at=MORNING + id * 20 * MINUTE, title=f"Lease {id % 3} Quarrymill") for id in range(1, 9)]
    for row in rows:
        working_set.apply(RowKey(7, 8, "activity", row.id), 1, row)
    for version, (id, model, wanted) in enumerate(
        [(5, TIGHT, TIGHT), (4, MODEL, TIGHT), (5, None, MODEL), (4, None, MODEL), (6, TIGHT, TIGHT)], 10
    ):
        activate(working_set, version, id, model)
        working_set.decide()
        alone = fresh(wanted)
        for row in rows:
            alone.apply(RowKey(7, 8, "activity", row.id), 1, row)
        alone.decide()
        assert working_set.model == wanted.version
        assert said(working_set) == said(alone)


def test_an_activation_of_an_unknown_model_is_refused_and_changes_nothing() -> None:
    working_set = fresh()
    unknown = replace(MODEL, version="nowhere-000000000000")
    assert not working_set.has_version(unknown.version)
    with pytest.raises(ModelError, match="nowhere"):
        activate(working_set, 3, 1, unknown)
    assert working_set.model == MODEL.version
    assert activate(working_set, 3, 1, MODEL)


def test_a_default_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(ModelError, match="default model"):
        WorkingSet({}, "first")
