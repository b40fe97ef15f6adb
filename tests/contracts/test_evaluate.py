"""`evaluate` on a few labelled events: figures worked out by hand, a page that loads nothing, clear errors."""

import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from connectors.sources.formats.gold_labels import true_groups
from processors.evaluation.measures import MEASURES
from processors.grouping.features.pair_features import FEATURES
from processors.grouping.model.grouping_model import ClusteringThresholds, Domain, encode_model, load_model
from processors.grouping.outcome.reasons import AGAINST, OF_CONTEXT, WORDS, in_words
from schemas.errors import SourceError, TimeloomError
from schemas.groups import FeatureContribution
from streams.cli import app
from streams.shared.model_store import shipped_model
from tests.title_model import BY_TITLE

VERSION = load_model(encode_model(BY_TITLE)).version
LEASE, BUDGET = "Lease Quarrymill draft 4.docx - Word", "Budget Thistledown 2031.xlsx - Excel"
NASTY = "<script>alert('x')</script> & \"quoted\" <img src=http://example.test/x.png>"


def event(id: str, at: str, title: str, group: str | None, stream: str = "ada", **more: Any) -> dict[str, Any]:
    """Half an hour in a window, on a day in March; nobody in it is real."""
    until = f"2026-03-02T{at[:2]}:{int(at[3:]) + 29:02d}:00Z"
    line = {"stream": stream, "id": id, "at": f"2026-03-02T{at}:00Z", "until": until, "app": "Office", "title": title}
    return {**line, "group": group, **more}


DAY = [
    event("a", "09:00", LEASE, "lease"),
    event("b", "09:30", LEASE, "lease"),
    event("c", "13:00", BUDGET, "budget"),
    event("d", "13:30", BUDGET, "budget"),
]
"""What a model that goes by titles puts right."""
WRONG = [
    event("a", "09:00", LEASE, "x", "bob"),
    event("b", "09:30", LEASE, "y", "bob"),
    event("c", "10:00", LEASE, None, "bob"),
]
"""What it puts together, and a person says belongs apart; of the third nobody knows."""


def file(path: Path, *lines: dict[str, Any]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def ran(events: Path, *arguments: str | Path) -> Result:
    """By a model whose groups can be told on paper, where no other is named."""
    model = events.parent / "by-title.json"
    model.write_bytes(encode_model(BY_TITLE))
    named = [] if "--model" in arguments else ["--model", str(model)]
    return CliRunner().invoke(app, ["evaluate", str(events), *map(str, arguments), *named])


def figures(events: Path, *arguments: str | Path) -> dict[str, Any]:
    done = ran(events, *arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(events: Path, *arguments: str | Path) -> TimeloomError:
    error = ran(events, *arguments).exception
    assert isinstance(error, TimeloomError), error
    return error


def test_a_model_is_judged_beside_simple_rules(tmp_path: Path) -> None:
    """Ada's four events are right; Bob's two are together, so precision is half, pairs are all wrong."""
    found = figures(file(tmp_path / "events.jsonl", *DAY, *WRONG))
    assert (found["events"], found["streams"], found["true_groups"], found["by"]) == (6, 2, 4, "B3-F")
    model, *peers = found["rated"]
    assert (model["name"], model["kind"], model["groups"]) == (VERSION, "model", 3)
    assert model["streams"]["ada"] == dict.fromkeys(MEASURES, pytest.approx(100))
    bob = model["streams"]["bob"]
    assert (bob["B3-P"], bob["B3-R"], bob["ARI"], bob["1-1"], bob["EM-F"]) == (50, 100, 0, 50, 0)
    assert model["measured"]["mean"]["B3-P"]["value"] == 75
    assert model["measured"]["pooled"]["B3-P"]["value"] == pytest.approx(500 / 6)
    assert model["measured"]["mean"]["B3-P"]["low"] == 50
    assert model["measured"]["mean"]["B3-P"]["high"] == 100
    assert {peer["kind"] for peer in peers} == {"peer"}
    by_name = {peer["name"]: peer for peer in peers}
    assert list(by_name) == ["singletons", "one a day", "time gap", "time gap of each", "lexical"]
    assert (by_name["singletons"]["groups"], by_name["one a day"]["groups"]) == (6, 2)
    assert by_name["singletons"]["streams"]["ada"]["B3-F"] == pytest.approx(200 / 3)
    assert by_name["one a day"]["streams"]["ada"]["B3-P"] == 50


def test_rules_have_the_values_that_are_best_by_the_measure_that_is_named(tmp_path: Path) -> None:
    """A minute is between Ada's events and Bob's: to part them all is right for Bob, to part none for Ada, who alone
    has an exact match to lose.
    """
    path = file(tmp_path / "events.jsonl", *DAY, *WRONG)
    for by, chosen, ada, bob in (("B3-F", "1 min", 66.7, 100), ("EM-F", "2 min", 100, 66.7)):
        rated = {one["name"]: one for one in figures(path, "--by", by)["rated"]}
        assert rated["time gap"]["chosen"] == chosen
        assert rated["time gap"]["streams"]["ada"]["B3-F"] == pytest.approx(ada, abs=0.05)
        assert rated["time gap"]["streams"]["bob"]["B3-F"] == pytest.approx(bob, abs=0.05)
        assert rated["time gap of each"]["chosen"] == "oracle"
    best = {one["name"]: one for one in figures(path)["rated"]}["time gap of each"]["streams"]
    assert (best["ada"]["B3-F"], best["bob"]["B3-F"]) == (100, 100)


def test_what_confidences_are_worth_is_said(tmp_path: Path) -> None:
    """Two of three groups are right."""
    events = file(tmp_path / "events.jsonl", *DAY, *WRONG)
    worth = figures(events)["rated"][0]["confidence"]
    assert (worth["groups"], worth["right"]) == (3, pytest.approx(2 / 3))
    assert sum(one["groups"] for one in worth["bins"]) == 3
    assert "66.7% of 3 groups are right" in ran(events).stdout


def test_the_table_has_the_figures_and_where_they_lie(tmp_path: Path) -> None:
    out = ran(file(tmp_path / "events.jsonl", *DAY, *WRONG)).stdout
    assert "6 judged events, 4 true groups, 2 streams: mean over streams" in out
    assert "6 judged events, 4 true groups, 2 streams: pooled" in out
    row = next(line for line in out.splitlines() if line.strip().startswith(VERSION))
    assert row.split()[1:3] == ["3", "83.3"]  # B-cubed F: (100 + 2/3 of 100) / 2
    assert "67–100" in out
    alone = ran(file(tmp_path / "one.jsonl", *DAY)).stdout
    assert "mean over streams" not in alone
    assert "1 stream: pooled" in alone


def test_several_files_and_packed_ones_are_judged_as_one(tmp_path: Path) -> None:
    whole = figures(file(tmp_path / "whole.jsonl", *DAY, *WRONG))
    packed = tmp_path / "bob.jsonl.gz"
    packed.write_bytes(gzip.compress(file(tmp_path / "bob.jsonl", *WRONG).read_bytes()))
    assert figures(file(tmp_path / "ada.jsonl", *DAY), packed) == whole
    twice = file(tmp_path / "twice.jsonl", *reversed(DAY), *DAY)
    assert figures(twice, packed) == whole


def test_context_and_machines_are_grouped_and_not_judged(tmp_path: Path) -> None:
    context = event("e", "14:00", BUDGET, "lease", annotated=False)
    machine = event("f", "14:30", BUDGET, "lease", system=True)
    path = file(tmp_path / "events.jsonl", *DAY, context, machine)
    assert figures(path, "--skip-system")["rated"][0]["streams"]["ada"]["B3-F"] == 100
    judged = figures(path)
    assert judged["events"] == 5
    assert judged["rated"][0]["streams"]["ada"]["B3-F"] < 100
    assert judged["rated"][0]["groups"] == figures(path, "--skip-system")["rated"][0]["groups"] == 2


def test_labels_and_what_people_said_change_no_group(tmp_path: Path) -> None:
    """Only whom the groups are compared with: all labels turned round, the groups are as many and as sure."""
    said = {"stream": "bob", "id": "feedback-1", "kind": "feedback", "apart": [["a"], ["b"]]}
    before = figures(file(tmp_path / "one.jsonl", *WRONG))["rated"][0]
    done = ran(file(tmp_path / "two.jsonl", *WRONG, said), "--json")
    assert json.loads(done.stdout)["rated"][0] == before
    assert "Note: feedback, releases and activations were left out" in done.stderr
    relabelled = [{**line, "group": "same"} for line in WRONG]
    after = figures(file(tmp_path / "three.jsonl", *relabelled))["rated"][0]
    assert after["groups"] == before["groups"]
    assert after["confidence"]["bins"][0]["confidence"] == before["confidence"]["bins"][0]["confidence"]


def test_what_people_said_has_no_label_even_if_it_is_called_as_an_event(tmp_path: Path) -> None:
    said = {"stream": "ada", "id": "feedback-1", "kind": "feedback", "together": ["feedback-1", "b"]}
    path = file(tmp_path / "events.jsonl", event("feedback-1", "09:00", LEASE, "lease"), said)
    assert true_groups([path]) == {"ada": {"feedback-1": "lease"}}


def test_the_seed_moves_the_intervals_and_nothing_else(tmp_path: Path) -> None:
    bobs = [{**line, "stream": f"bob {n}"} for n in range(3) for line in WRONG]
    path = file(tmp_path / "events.jsonl", *DAY, *bobs)
    assert figures(path) == figures(path, "--seed", "0")
    other = figures(path, "--seed", "1")
    values = [one["measured"]["mean"]["ARI"]["value"] for one in figures(path)["rated"]]
    assert [one["measured"]["mean"]["ARI"]["value"] for one in other["rated"]] == values


def test_every_model_that_is_named_is_judged(tmp_path: Path) -> None:
    events = file(tmp_path / "events.jsonl", *DAY)
    lone, both = tmp_path / "loner.json", tmp_path / "titles.json"
    lone.write_bytes(
        encode_model(
            replace(BY_TITLE, name="loner", joining=dict.fromkeys(Domain, ClusteringThresholds(over=10**9, floor=0)))
        )
    )
    both.write_bytes(encode_model(BY_TITLE))
    found = figures(events, "--model", both, "--model", lone)
    first, second = found["rated"][:2]
    assert (first["name"], first["groups"]) == (VERSION, 2)
    assert second["name"].startswith("loner-")
    assert (second["kind"], second["groups"]) == ("model", 4)
    assert refused(events, "--model", tmp_path / "none.json").exit_code == 1


def test_the_model_that_ships_is_judged_where_none_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(file(tmp_path / "events.jsonl", *DAY)), "--json"])
    assert json.loads(done.stdout)["rated"][0]["name"] == shipped_model().version


class Reader(HTMLParser):
    """Collects what a browser would make of a page: elements, what they load, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.colours: list[str] = []
        self.shapes: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action", "data")]
        self.loads += [f"{name}=" for name, _ in attrs if name.startswith("on")]
        if tag in ("rect", "circle"):
            self.shapes.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "rect":
            self.colours.append(dict(attrs)["class"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(tmp_path: Path, *lines: dict[str, Any]) -> Reader:
    page = tmp_path / "report.html"
    done = ran(file(tmp_path / "events.jsonl", *lines), "--html", page)
    assert done.exit_code == 0, done.output
    assert f"Wrote {page}" in done.stdout
    return Reader(page.read_text(encoding="utf-8"))


def test_the_page_loads_nothing_and_escapes_what_people_wrote(tmp_path: Path) -> None:
    nasty = [event(id, at, NASTY, group, NASTY) for id, at, group in (("a", "09:00", "x"), ("b", "09:30", NASTY))]
    page = read_page(tmp_path, *DAY, *nasty)
    assert not page.loads
    assert not {"script", "img", "iframe", "link", "object"} & set(page.tags)
    assert "@import" not in page.text
    assert "url(" not in page.text
    assert page.text.count(NASTY) >= 3  # the day, its block, its legend or a mistake


def test_the_page_shows_the_day_in_two_lanes_and_the_mistake_with_its_reasons(tmp_path: Path) -> None:
    """Of Bob's group one true group has its colour, the other one none."""
    page = read_page(tmp_path, *DAY, *WRONG)
    assert page.colours == ["c0", "c0", "c0", "cnone"]
    text = " ".join(page.text.split())
    assert "bob, Mon 2 Mar 2026 (UTC) · B3-F of the stream 66.7 · 1 wrong pair" in text
    assert "ada, Mon" not in text
    mistake = text.partition("Put together, and belong apart")[2]
    assert "1 wrong pair, bob: a group of 2 judged events [work, " in mistake
    assert "the same title (+" in mistake
    assert "truly: x, 1 event: Lease Quarrymill" in mistake
    assert "y, 1 event: Lease Quarrymill" in mistake
    assert "Taken apart" not in text


def test_a_true_group_that_was_taken_apart_is_shown_with_what_we_made_of_it(tmp_path: Path) -> None:
    text = " ".join(read_page(tmp_path, *[{**line, "group": "all"} for line in DAY]).text.split())
    assert "4 missed pairs, ada: all, a true group of 4 events, of which we made: 2 events:" in text
    assert text.count(f"{LEASE} (×2)") >= 1


def test_the_worst_mistakes_are_told_with_the_links_that_made_them(tmp_path: Path) -> None:
    """Of Ada's the lease and the budget belong together and have other titles; Bob's belong apart and have the same."""
    apart = [{**line, "group": "all"} for line in DAY]
    events = file(tmp_path / "events.jsonl", *apart, *WRONG)
    lines = [line.strip() for line in ran(events, "--mistakes", "3").stdout.splitlines()]
    at = lines.index(f"{VERSION}: put together, and belong apart")
    assert lines[at + 1 :] == [
        "1. bob, 1 wrong pair: a group of 2 judged events [work, 88% sure: the same title (+3.0)], truly:",
        f"- x, 1 event (a): {LEASE}",
        f"- y, 1 event (b): {LEASE}",
        f"“{LEASE}” was joined to “{LEASE}”, at +3.0. For: the same title (+3.0) [title: 1 or more]",
        "it is the first of its own",
        "",
        f"{VERSION}: taken apart, and belong together",
        "1. ada, 4 missed pairs: all, a true group of 4 events, of which we made:",
        f"- 2 events (a, b): {LEASE} (×2) [work, 88% sure: the same title (+3.0)]",
        f"- 2 events (c, d): {BUDGET} (×2) [work, 88% sure: the same title (+3.0)]",
        f"“{BUDGET}” began a group",
        f"its own that it was not joined to: “{LEASE}”, the best of 2, at -1.0. "
        "Against: another title (-1.0) [title: below 1]",
    ]
    found = figures(events, "--mistakes", "1")["mistakes"]
    assert [(one["name"], len(one["merges"]), len(one["splits"])) for one in found] == [(VERSION, 1, 1)]
    cause = found[0]["splits"][0]["pieces"][1]["cause"]
    assert (cause["event"], cause["joined"], cause["own"], cause["missed"]["earlier"]) == ("c", None, 2, "b")
    assert figures(events)["mistakes"] == []
    page = tmp_path / "report.html"
    ran(events, "--html", page)
    text = " ".join(Reader(page.read_text(encoding="utf-8")).text.split())
    assert f"“{BUDGET}” began a group its own that it was not joined to: “{LEASE}”, the best of 2, at -1.0." in text


def test_a_block_lies_where_its_time_is_and_the_axis_has_the_time_of_the_place(tmp_path: Path) -> None:
    """Bob's hour in Berlin is 59 minutes from 44 to 900: his second block begins after 30, and each is 29 long."""
    page = read_page(tmp_path, *[{**line, "zone": "Europe/Berlin"} for line in WRONG])
    minute = (900 - 44) / 59
    boxes = [shape for tag, shape in page.shapes if tag == "rect"]
    assert [float(box["x"]) for box in boxes] == pytest.approx([44, 44 + 30 * minute] * 2, abs=0.05)
    assert [float(box["width"]) for box in boxes] == pytest.approx([29 * minute - 0.6] * 4, abs=0.05)
    ours, gold = {box["y"] for box in boxes[:2]}, {box["y"] for box in boxes[2:]}
    assert len(ours) == len(gold) == 1  # one after the other, so in one row
    assert float(min(gold)) > float(min(ours)) + float(boxes[0]["height"])
    assert re.findall(r"\b1\d:\d\d\b(?! Lease)", page.text) == [f"10:{minutes:02d}" for minutes in range(0, 60, 5)]
    assert "10:00 Lease Quarrymill" in page.text
    assert "10:30 Lease Quarrymill" in page.text


def test_the_diagram_has_a_dot_where_each_bin_is(tmp_path: Path) -> None:
    bins = figures(file(tmp_path / "same.jsonl", *DAY, *WRONG))["rated"][0]["confidence"]["bins"]
    dots = [shape for tag, shape in read_page(tmp_path, *DAY, *WRONG).shapes if tag == "circle"]
    assert len(dots) == len(bins) > 0
    for dot, one in zip(dots, bins, strict=True):
        assert float(dot["cx"]) == pytest.approx(100 * one["confidence"], abs=0.01)
        assert float(dot["cy"]) == pytest.approx(100 - 100 * one["right"], abs=0.01)  # upwards is less in SVG


def test_a_page_without_a_mistake_has_no_lanes(tmp_path: Path) -> None:
    page = read_page(tmp_path, *DAY)
    assert "Days on which it went most wrong" not in page.text
    assert not page.colours


def test_every_feature_has_its_words_for_and_against_or_around() -> None:
    assert WORDS.keys() == AGAINST.keys()
    assert not WORDS.keys() & OF_CONTEXT.keys()
    assert WORDS.keys() | OF_CONTEXT.keys() == set(FEATURES)
    assert in_words(FeatureContribution("title", -700_000)) == "another title (-0.7)"
    assert in_words(FeatureContribution("pause", -700_000)) == "how long nothing happened (-0.7)"
    assert in_words(FeatureContribution("of_another_version", 700_000)) == "of another version (+0.7)"


@pytest.mark.parametrize("feature", sorted(WORDS))
def test_every_reason_is_said_in_words(feature: str) -> None:
    assert re.fullmatch(r"[a-z' ]{8,45} \(\+1\.5\)", in_words(FeatureContribution(feature, 1_500_000)))


def test_events_without_true_groups_can_not_be_judged(tmp_path: Path) -> None:
    unknown = file(tmp_path / "events.jsonl", *[{**line, "group": None} for line in DAY])
    error = refused(unknown)
    assert error.exit_code == 2
    assert "no event has a true group to judge by. Add `group`" in str(error)
    assert str(unknown) in str(error)
    context = file(tmp_path / "context.jsonl", *[{**line, "annotated": False} for line in DAY])
    assert "no event has a true group" in str(refused(context))
    machines = file(tmp_path / "machines.jsonl", *[{**line, "system": True} for line in DAY])
    assert "no event has a true group" in str(refused(machines, "--skip-system"))


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"group": ["lease"]}, "`group` must be a text or a whole number, or null"),
        ({"group": True}, "`group` must be a text or a whole number, or null"),
        ({"group": 1.5}, "`group` must be a text or a whole number, or null"),
        ({"annotated": None}, "`annotated` must be true or false"),
        ({"system": "no"}, "`system` must be true or false"),
        ({"id": "a", "group": "other"}, "event 'a' of stream 'ada' has another label than in"),
        ({"stream": 3}, "`stream` must be a text, and is a number"),
    ],
)
def test_a_label_that_can_not_be_is_told_with_its_line(tmp_path: Path, label: dict[str, Any], said: str) -> None:
    path = file(tmp_path / "events.jsonl", *DAY, {**event("e", "15:00", LEASE, "lease"), **label})
    with pytest.raises(SourceError, match=re.escape(f"{path}, line 5: ")) as told:
        true_groups([path])
    assert said in str(told.value)
    assert refused(path).exit_code == 2


def test_what_has_no_true_groups_is_refused_by_its_kind(tmp_path: Path) -> None:
    table = tmp_path / "times.csv"
    table.write_text("start,end,title\n2026-03-02 9:00,2026-03-02 9:30,Lease\n")
    assert "is of kind table, which has no true groups" in str(refused(table))
    assert "there is no such file or folder" in str(refused(tmp_path / "none.jsonl"))


def test_a_page_that_can_not_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    error = refused(tmp_path / "not even read.jsonl", "--html", tmp_path / "nowhere" / "report.html")
    assert error.exit_code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}. Make it" in str(error)
