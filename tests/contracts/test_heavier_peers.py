"""The benchmark's judge of other ways to group, without any of their packages: figures worked out by hand."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from benchmarks.peers.judging import LAPS, Ours, in_order, rated
from benchmarks.peers.texts import hashed, hours, weighed, words_in
from connectors.sources.event import Notes
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping, group_by_gap, singletons
from streams.evaluate.evaluation_run import group_cases
from streams.files.labelled_events import labelled_files, read_cases
from streams.shared.model_store import shipped_model

MINUTE_US = 60_000_000
TITLES = {"a": "Re: Lease Quarrymill", "b": "Budget", "c": "Lease", "d": "Budget", "e": "Lease"}
TIMES = {"a": "09:00", "b": "09:10", "c": "12:00", "d": "12:10", "e": "12:20"}
ACTORS = {"a": "Bo"}
GROUPS = {"a": "x", "b": "x", "c": "y", "d": "z", "e": "y"}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """One stream of five events, written in the wrong order; nothing in it is real."""
    path = tmp_path / "events.jsonl"
    lines = [
        {
            "stream": "ada",
            "id": id,
            "at": f"2026-03-02T{TIMES[id]}:00Z",
            "title": TITLES[id],
            "actor": ACTORS.get(id, ""),
            "group": GROUPS[id],
        }
        for id in "debca"
    ]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    notes = Notes()
    (found,) = read_cases(labelled_files([path], notes), notes, skip_system=False)
    return found


class Gaps:
    """A peer with two values whose clock is made up: the third event more takes four milliseconds, others one."""

    name, again = "gaps", True

    def tries(self, case: Case) -> Iterator[tuple[str, Grouping]]:
        for said in ("none", "1 h"):
            yield said, self.group(case, said)

    def group(self, case: Case, said: str) -> Grouping:
        return group_by_gap(case.activities, 60 * MINUTE_US) if said == "1 h" else singletons(case.activities)

    def one_more(self, case: Case, before: int, said: str) -> Iterator[float]:
        yield from [0.001, 0.001, 0.004][: len(case.activities) - before]


def test_a_peer_has_its_best_value_and_its_figures_by_hand(case: Case) -> None:
    """ab|cde for ab|ce|d: precision (1 + 1 + 2/3 + 1/3 + 2/3) / 5, recall 1; alone they'd have 1 and 3/5, F 75.

    Of the two groups of several one is right, and of the two true ones one was found: EM-F 50.
    """
    ordered = in_order(case)
    found = rated([ordered], ordered, Gaps(), choose_from=5, sizes=())
    assert (found.chosen, found.values, found.groups) == ("1 h", 2, 2)
    mean = {name: one.value for name, one in found.measured.mean.items()}
    assert mean["B3-F"] == pytest.approx(100 * 2 * (11 / 15) / (11 / 15 + 1))
    assert mean["EM-F"] == pytest.approx(50)


def test_values_are_chosen_on_the_first_events_only(case: Case) -> None:
    """Of one event all values make the same, so the first counts; all five speak for the pause."""
    ordered = in_order(case)
    assert [one.words.title for one in in_order(case, 2).activities] == [TITLES["a"], TITLES["b"]]
    assert list(in_order(case, 2).gold.values()) == ["x", "x"]
    assert rated([ordered], ordered, Gaps(), choose_from=1, sizes=()).chosen == "none"
    assert rated([ordered], ordered, Gaps(), choose_from=5, sizes=()).chosen == "1 h"


def test_one_more_event_is_timed_at_each_size_that_the_stream_has(case: Case) -> None:
    """Among 2: 1, 1 and 4 ms; among 3: 1 and 1 ms; none among 5. A stream of 3: 2 * (0 + 1) / 2 + (1 + 1) / 2 ms."""
    ordered = in_order(case)
    found = rated([ordered], ordered, Gaps(), choose_from=5, sizes=(2, 3, 5))
    assert [(one.open, one.laps, one.p50_ms, one.p99_ms) for one in found.one_more] == [(2, 3, 1, 4), (3, 2, 1, 1)]
    assert found.stream_s == 0.002


def test_ours_has_the_figures_that_evaluate_has(case: Case) -> None:
    model = shipped_model()
    ordered = in_order(case)
    found = rated([ordered], ordered, Ours(model), choose_from=5, sizes=(3,))
    (groups,) = group_cases([case], model).groups
    assert found.name == model.version
    assert found.groups == len(groups)
    assert [one.laps for one in found.one_more] == [2]
    assert LAPS > 2


def test_peers_read_cleaned_words_and_times(case: Case) -> None:
    """Quarrymill and Bo are in one of five, lease in three, budget in two: ln 6, ln 2, ln 3; vectors of length one."""
    activities = in_order(case).activities
    assert [words_in(one) for one in activities] == [
        ["lease", "quarrymill", "bo"],
        ["budget"],
        ["lease"],
        ["budget"],
        ["lease"],
    ]
    matrix = weighed(activities).toarray()
    rare, known, length = 1.7917595, 0.6931472, 2.6270244
    assert matrix[0].tolist() == pytest.approx([known / length, rare / length, rare / length, 0], abs=1e-6)
    assert matrix[1].tolist() == matrix[3].tolist() == [0, 0, 0, 1]
    assert hours(activities).tolist() == pytest.approx([0, 1 / 6, 3, 19 / 6, 10 / 3])
    points = hashed(activities, 8)
    assert (points**2).sum(axis=1).tolist() == pytest.approx([1] * 5)
    assert points[1].tolist() == points[3].tolist()
