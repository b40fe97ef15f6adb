"""A pair's score depends on its list and the model: not on the batch, and it is the sum of its named contributions."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.grouping.candidates.blocking import Candidates
from processors.grouping.candidates.candidate_pairs import Pairs
from processors.grouping.describe.embedding import TOGETHER, embed
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.features.context_features import ComparisonLists
from processors.grouping.features.pair_features import CONTENTS, FEATURES, MISSING, OWNED, PAIRED, features
from processors.grouping.model.grouping_model import Domain, Embedding, Model, Similarity
from processors.grouping.model.trees import Split, Tree
from processors.grouping.similarity.classifier import FIRST, Classifier, classifiers
from schemas.values import Activity, Kind, Words
from tests.laws.grouping_strategies import MODEL, activities, models

quick = settings(max_examples=40, deadline=None)
several = activities.filter(lambda values: len(values) > 1)


def lists_of(values: list[Activity], model: Model = MODEL) -> tuple[ActivityTable, list[list[int]]]:
    """Each of these with all before it in the order of events: the list, and last itself."""
    table = ActivityTable(model)
    table.add(values)
    order = [value.id for value in sorted(values, key=lambda value: (value.started_at, value.id))]
    return table, [order[: at + 1] for at in range(1, len(order))]


def of(table: ActivityTable, lists: list[list[int]]) -> ComparisonLists:
    counts = np.array([len(one) - 1 for one in lists])
    ids = np.array([other for one in lists for other in one])
    ends = np.cumsum(counts + 1)
    pairs = Pairs(
        ids=ids,
        own=ends - 1,
        counts=counts,
        earlier=np.delete(np.arange(len(ids)), ends - 1),
        steps=np.array([back for one in lists for back in range(len(one) - 1, 0, -1)]),
    )
    return table.lists(pairs, table.slots(ids.tolist()))


def scored(lists: ComparisonLists) -> tuple[list[int], npt.NDArray[np.int64]]:
    classifier, each = classifiers(MODEL)[Domain.WORK], np.repeat(np.arange(len(lists.counts)), lists.counts)
    found = classifier.stepped(features(lists))
    scores = classifier.score(found, lists.which, lists.counts)
    return scores.tolist(), classifier.contributions(
        found.rows(np.arange(len(each)), lists.which, each, np.arange(len(FEATURES)))
    )


@quick
@given(activities, models, st.data())
def test_pairs_of_some_and_of_all_are_what_each_one_sees(
    values: list[Activity], model: Model, data: st.DataObject
) -> None:
    candidates = Candidates(model)
    for value, tokens in zip(values, ActivityTable(model).add(values), strict=True):
        candidates.add((value.started_at, value.id), tokens)
    places = sorted((value.started_at, value.id) for value in values)
    asked = data.draw(st.lists(st.sampled_from(places), unique=True)) if places else []
    for some in (places, asked, places[-1:]):
        found, end = candidates.pairs(some), 0
        assert found.ids[found.own].tolist() == [id for _, id in sorted(some)]
        for place, count in zip(sorted(some), found.counts.tolist(), strict=True):
            begin, end = end, end + count
            others = candidates.before(place)
            assert found.ids[found.earlier[begin:end]].tolist() == [id for _, id in others]
            assert found.steps[begin:end].tolist() == candidates.steps(place, others)
        assert end == len(found.earlier) == len(found.of)


@quick
@given(several, st.integers(1, 7))
def test_batches_of_any_size_score_the_same(values: list[Activity], size: int) -> None:
    table, lists = lists_of(values)
    pieces = [scored(of(table, lists[at : at + size])) for at in range(0, len(lists), size)]
    scores, parts = scored(of(table, lists))
    assert [score for piece, _ in pieces for score in piece] == scores
    assert np.concatenate([piece for _, piece in pieces]).tobytes() == parts.tobytes()


@quick
@given(several)
def test_contributions_sum_to_the_score(values: list[Activity]) -> None:
    table, lists = lists_of(values)
    scores, parts = scored(of(table, lists))
    assert parts.shape == (len(scores), len(FEATURES))
    assert parts.sum(axis=1).tolist() == scores


@quick
@given(st.lists(st.text(max_size=700) | st.text("ab ", max_size=9), max_size=9), st.sampled_from(Embedding))
def test_texts_are_embedded_together_as_alone(texts: list[str], how: Embedding) -> None:
    assert embed(texts, how, len).tolist() == [embed([text], how, len)[0].tolist() for text in texts]


def test_of_more_texts_than_are_embedded_in_one_go_each_is_as_alone() -> None:
    texts = [f"lease {number}" for number in range(2 * TOGETHER + 1)]
    for how in Embedding:
        found = embed(texts, how, len)
        assert all((found[at] == embed([texts[at]], how, len)[0]).all() for at in (0, TOGETHER, 2 * TOGETHER))


def test_words_count_as_often_as_they_are_there_times_what_they_weigh() -> None:
    """On paper: 2 * 3 of one word and 8 of another, 10 in all, are 76.2 and 101.6 of 127."""
    weights = {"lease": 3, "quarrymill": 8, "the": 0}
    [found] = embed(["lease the lease quarrymill"], Embedding.TFIDF, weights.__getitem__)
    assert sorted(abs(found[found != 0].astype(int)).tolist()) == [76, 102]


def test_n_grams_of_a_word_share_what_it_weighs() -> None:
    """On paper: "abc" has 3 + 2 n-grams and weighs 300, "xy" has 2 + 1 and weighs 100: squares of 9 to 1."""
    weights = {"abc": 300, "xy": 100}
    one, other, both = (
        embed([text], Embedding.NGRAMS, weights.__getitem__)[0].astype(int) for text in ("abc", "xy", "xy abc")
    )
    assert ((one != 0).sum(), (other != 0).sum()) == (5, 3), "of one weight each, cut off at 127"
    assert not (one * other).any(), "no two of these n-grams have one hash, so what the two weigh is told apart"
    of_one, of_other = (np.abs(both[of != 0]).mean() for of in (one, other))
    # 300 / sqrt(5) to 100 / sqrt(3), of a length of 360: 152.7, cut off at 127, and 65.7.
    assert (of_one, round(of_other)) == (127, 66)


def test_spelling_counts_in_n_grams_and_not_in_words_and_order_in_neither() -> None:
    kindred, turned = (
        [Activity(id, Kind.OTHER, id, None, "UTC", Words(title=title)) for id, title in enumerate(titles, 1)]
        for titles in (("quarrymill", "quarrymills"), ("lease quarrymill", "quarrymill lease"))
    )
    grams, words = (replace(MODEL, embedding=how) for how in (Embedding.NGRAMS, Embedding.TFIDF))
    assert likeness(kindred, words) == 0 < 700 < likeness(kindred, grams) < 1000
    assert likeness(turned, words) == likeness(turned, grams) == 1000


def likeness(values: list[Activity], model: Model) -> int:
    """Of the first and the last of these, as that model sees it."""
    table = ActivityTable(model)
    table.add(values)
    found = features(of(table, [[values[0].id, values[-1].id]]))
    return int(found.contents[0][list(CONTENTS).index("likeness")])


def told(*values: Activity) -> list[dict[str, int]]:
    """The features of the last of these with each before it, by name, that aren't missing; its own are in each."""
    table, lists = lists_of(list(values))
    last = of(table, lists[-1:])
    found = features(last)
    rows: list[Any] = [
        [*pair, *found.contents[which], *found.own[0]]
        for pair, which in zip(found.pairs, last.which.tolist(), strict=True)
    ]
    return [{name: int(value) for name, value in zip(FEATURES, row, strict=True) if value != MISSING} for row in rows]


def paired(*values: Activity) -> dict[str, int]:
    """Of the last two, only what is the pair's."""
    return {name: value for name, value in told(*values)[-1].items() if name in PAIRED or name in CONTENTS}


def test_what_is_hopeless_after_the_first_trees_stays_below_the_floor() -> None:
    """A tree of three levels says 0.1 for each of up to three words shared, and each of many trees says so."""
    edges = {"rare_words": (500, 1_500, 2_500)}
    splits = tuple(Split(0, 3 - at, at + 1 if at < 2 else ~0, ~(3 - at), 0) for at in range(3))
    classifier = Classifier(Similarity(edges, (Tree(splits, (0, 100_000, 200_000, 300_000)),) * (FIRST + 40)))
    titles = ("lease", "lease quarrymill", "lease quarrymill thistledown", "lease quarrymill thistledown")
    values = [Activity(id, Kind.OTHER, id, None, "UTC", Words(title=title)) for id, title in enumerate(titles, 1)]
    table, lists = lists_of(values, replace(MODEL, rarity={}, rarity_else=1_000, version="each word alike"))
    last = of(table, lists[-1:])
    found, alone = classifier.stepped(features(last)), np.zeros(3, dtype=np.int64)
    whole = classifier.score(found, last.which, last.counts)
    assert whole.tolist() == [100_000 * (FIRST + 40) * shared for shared in (1, 2, 3)]
    floored = classifier.score(found, last.which, last.counts, floor=100_000 * FIRST * 2)
    assert floored.tolist() == [100_000 * FIRST, *whole[1:]], "one that may not be kept isn't asked further"
    parts = classifier.contributions(found.rows(np.arange(3), last.which, alone, np.arange(len(FEATURES))))
    assert parts.sum(axis=1).tolist() == whole.tolist()


def test_what_is_missing_is_missing_and_not_zero() -> None:
    silent = [Activity(id, Kind.OTHER, 1_000_000 * id, None, "UTC", Words()) for id in (1, 2)]
    assert paired(*silent) == {"gap": 1, "steps": 1, "days": 0, "spans": 0, "earlier_talk": 0, "earlier_length": 0}


def test_titles_are_compared_without_what_applications_add() -> None:
    first = Activity(1, Kind.WINDOW, 0, 60_000_000, "UTC", Words(title="(2) RE: Lease Quarrymill - Outlook"), "Outlook")
    second = Activity(2, Kind.MAIL, 90_000_000, None, "UTC", Words(title="Lease Quarrymill"), "Mail")
    found = paired(first, second)
    assert {name: found[name] for name in ("gap", "spans", "likeness", "word_share", "title", "app", "kind")} == {
        "gap": 30,
        "spans": 1,
        "likeness": 1000,
        "word_share": 1000,
        "title": 1,
        "app": 0,
        "kind": 0,
    }
    assert found["beginning"] == 16, "all of it"


def test_people_files_and_pages_are_shared_by_name() -> None:
    first = Words(url="https://a.test/x#top", actor="Ann", people=("bob@b.test",), files=("p/a.txt", "p/b.txt"))
    second = Words(url="https://a.test/y", actor="ann", people=("Bob@b.test", "c@c.test"), files=("p/b.txt", "q/d.txt"))
    row = paired(*(Activity(id, Kind.MAIL, id, None, "UTC", words) for id, words in ((1, first), (2, second))))
    assert {name: row[name] for name in ("page", "files", "shared_files", "folders", "people", "actor")} == {
        "page": 1,
        "files": 500,
        "shared_files": 1,
        "folders": 1000,
        "people": 1000,
        "actor": 1,
    }


def test_words_written_in_one_are_words_of_a_title_too() -> None:
    first = Activity(1, Kind.COMMIT, 0, None, "UTC", Words(title="x", files=("src/EntityLoader.java",)))
    second = Activity(2, Kind.COMMIT, 60_000_000, None, "UTC", Words(title="Let the loader wait for its entity"))
    found = paired(first, second)
    assert found["title_in_files"] > 0
    assert "files_in_title" not in found


def line(id: int, actor: str, text: str) -> Activity:
    return Activity(id, Kind.MESSAGE, id * 60_000_000, None, "UTC", Words(actor=actor, text=text))


def test_talk_tells_who_speaks_to_whom() -> None:
    asked, answered = line(1, "ann", "does the printer work?"), line(2, "bob", "ann: no")
    assert paired(asked, answered)["speaks"] == 3
    assert paired(asked, answered, line(3, "ann", "why?"))["spoken"] == 2
    assert paired(answered, line(3, "cas", "dee: hi"))["speaks"] == 1
    assert paired(asked, line(2, "bob", "ann no"))["speaks"] == 3, "a name without a colon, of somebody in sight"
    assert paired(line(1, "cas", "hello"), line(2, "bob", "ann no"))["speaks"] == 0, "and of nobody"


def test_names_are_called_without_a_colon_too_if_they_are_no_usual_words() -> None:
    assert paired(line(1, "ann", "does it work?"), line(2, "bob", "(thanks, ann!)"))["speaks"] == 3
    assert paired(line(1, "the", "does it work?"), line(2, "bob", "the printer does"))["speaks"] == 0


def test_talk_tells_who_is_in_talk_with_whom() -> None:
    """Bob meets Ann, and Dee Cas; then Ann speaks to nobody."""
    rows = told(
        line(1, "ann", "does the printer work?"),
        line(2, "bob", "ann: no"),
        line(3, "cas", "who has the keys?"),
        line(4, "dee", "cas: not me"),
        line(5, "ann", "oh"),
    )
    names = ("said_since", "people_since", "partner", "partner_now", "mine_partner", "answered", "talk_since")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (3, 3, 0, 1, 1, 1, 3),  # hers, to nobody yet
        (2, 2, 2, 2, 3, 0, 2),  # bob's, to her
        (1, 1, 0, 1, 1, 1, 1),  # cas's, to nobody yet
        (0, 0, 1, 1, 1, 0, 0),  # dee's, to cas
    ]
    own = {name: rows[0][name] for name in ("own_said", "own_partners", "own_said_since", "called", "spoken_to_since")}
    assert own == {"own_said": 1, "own_partners": 1, "own_said_since": 3, "called": 1, "spoken_to_since": 3}


def test_who_changes_the_name_stays_who_it_was() -> None:
    away = line(2, "ann", "ann is now known as ann_away")
    rows = told(line(1, "ann", "does the printer work?"), away, line(3, "bob", "ann: no"), line(4, "ann_away", "oh"))
    assert [row["spoken"] for row in rows] == [0, 0, 2]
    assert [row["said_since"] for row in rows] == [1, 1, 0], "a machine's line is said by nobody"


def test_talk_tells_what_came_since() -> None:
    rows = told(
        line(1, "ann", "does the printer work?"),
        line(2, "bob", "ann: no"),
        line(3, "cas", "who has the keys?"),
        line(4, "ann", "cas: i have"),
        line(5, "bob", "cas: me too"),
    )
    names = ("mine_since", "after_mine", "theirs_since", "theirs_first", "speaks", "addressed_since")
    assert [tuple(row.get(name) for name in names) for row in rows] == [
        (1, -1, 1, 1, 1, 3),
        (0, 0, 0, 1, 1, None),
        (0, 1, 0, 1, 3, None),
        (0, 2, 0, 0, 2, 3),
    ]
    own = {name: rows[0][name] for name in OWNED if name in rows[0]}
    assert (own["own_steps"], own["own_pause"], own["listed"], own["dense"]) == (3, 180, 4, 2)
    assert (own["own_target"], own["own_length"]) == (2, 3)
