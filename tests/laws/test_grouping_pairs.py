"""A pair's score depends on the pair and the model: not on the batch, and it is the sum of its named contributions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.grouping.features import FEATURES, MISSING, Pairs, features
from processors.grouping.similarity import NAMES, contributions, score
from processors.grouping.table import Table
from schemas.values import Activity, Kind, Words
from tests.laws.grouping_strategies import MODEL, activities

quick = settings(max_examples=40, deadline=None)


def pairs_of(values: list[Activity]) -> tuple[Table, list[tuple[int, int, int]]]:
    """All pairs (earlier, later, steps) of these, in the order of events."""
    table = Table(MODEL)
    for value in values:
        table.add(value)
    order = [value.id for value in sorted(values, key=lambda value: (value.started_at, value.id))]
    return table, [(order[i], order[j], j - i) for j in range(len(order)) for i in range(j)]


def of(table: Table, pairs: list[tuple[int, int, int]]) -> Pairs:
    earlier, later, steps = (list(column) for column in zip(*pairs, strict=True))
    return table.pairs(earlier, later, np.ones(len(later), dtype=np.int64), steps)


@quick
@given(activities.filter(lambda values: len(values) > 1), st.integers(1, 7))
def test_batches_of_any_size_score_the_same_bytes(values: list[Activity], size: int) -> None:
    table, pairs = pairs_of(values)
    at_once = score(MODEL, features(of(table, pairs)))
    pieces = [score(MODEL, features(of(table, pairs[at : at + size]))) for at in range(0, len(pairs), size)]
    assert at_once.dtype == np.int64
    assert np.concatenate(pieces).tobytes() == at_once.tobytes()


@quick
@given(activities.filter(lambda values: len(values) > 1))
def test_contributions_sum_to_the_score(values: list[Activity]) -> None:
    table, pairs = pairs_of(values)
    matrix = features(of(table, pairs))
    parts = contributions(MODEL, matrix)
    assert parts.shape == (len(pairs), len(NAMES))
    assert [sum(row) for row in parts.tolist()] == score(MODEL, matrix).tolist()


def told(first: Activity, second: Activity, steps: int = 1) -> dict[str, int]:
    """The features of one pair that aren't missing, by name."""
    table = Table(MODEL)
    table.add(first)
    table.add(second)
    row = features(of(table, [(first.id, second.id, steps)]))[0].tolist()
    return {name: value for name, value in zip(FEATURES, row, strict=True) if value != MISSING}


def test_what_is_missing_is_missing_and_not_zero() -> None:
    silent = [Activity(id, Kind.OTHER, 1_000_000 * id, None, "UTC", Words()) for id in (1, 2)]
    assert told(*silent) == {"point_gap": 1, "other_steps": 1}


def test_titles_are_compared_without_what_applications_add() -> None:
    first = Activity(1, Kind.WINDOW, 0, 60_000_000, "UTC", Words(title="(2) RE: Lease Quarrymill - Outlook"), "Outlook")
    second = Activity(2, Kind.MAIL, 90_000_000, None, "UTC", Words(title="Lease Quarrymill"), "Mail")
    assert told(first, second) == {
        "span_gap": 30,
        "other_steps": 1,
        "likeness": 1000,
        "rare_words": 2000,
        "word_share": 1000,
        "title": 1,
        "app": 0,
        "kind": 0,
    }


def test_people_files_and_pages_are_shared_by_name() -> None:
    first = Words(url="https://a.test/x#top", actor="Ann", people=("bob@b.test",), files=("p/a.txt", "p/b.txt"))
    second = Words(url="https://a.test/y", actor="ann", people=("Bob@b.test", "c@c.test"), files=("p/b.txt", "q/d.txt"))
    row = told(*(Activity(id, Kind.MAIL, id, None, "UTC", words) for id, words in ((1, first), (2, second))))
    assert {name: row[name] for name in ("page", "files", "folders", "people", "actor")} == {
        "page": 1,
        "files": 500,
        "folders": 1000,
        "people": 1000,
        "actor": 1,
    }


def test_talk_tells_who_speaks_to_whom() -> None:
    def line(id: int, actor: str, text: str) -> Activity:
        return Activity(id, Kind.MESSAGE, id * 60_000_000, None, "UTC", Words(actor=actor, text=text))

    asked, answered = line(1, "ann", "does the printer work?"), line(2, "bob", "ann: no")
    assert told(asked, answered)["spoken_to"] == 3
    assert told(answered, asked)["spoken_to"] == 0
    assert told(answered, line(3, "cas", "dee: hi"))["spoken_to"] == 1
    assert told(asked, answered)["talk_gap"] == 60
    assert "point_gap" not in told(asked, answered)
