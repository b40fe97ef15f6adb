"""Training: whole-number trees say what LightGBM's say, what is shown is right, words are counted as by hand."""

import random
from collections.abc import Sequence
from math import ceil, log

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.grouping.features.pair_features import FEATURES, MISSING
from processors.grouping.model.grouping_model import Domain, Pruning, encode_model
from processors.grouping.outcome.confidence import ConfidenceFeatures, confidence
from processors.grouping.similarity.forest import Forest
from processors.training.boosting import HIGHEST, Objective, Settings, TrainingData, similarity_of
from processors.training.confidence_training import SHOWN_RIGHT, fit_confidence, shown_from
from processors.training.examples import Examples, examples, joined
from processors.training.held_out_results import surely_better
from processors.training.labelled_streams import Labelled, enough_streams, labelled_only
from processors.training.model_training import learn
from processors.training.tree_training import LEAST_LISTS, TrainingLists, train_trees
from processors.training.vocabulary import DOUBT, RAREST, vocabulary
from schemas.groups import SCORE_SCALE
from schemas.values import Activity, Kind, Words
from streams.shared.model_store import shipped_model
from tests.title_model import BY_TITLE

LISTS, PAIRS = 150, 6


def drawn_examples(seed: int) -> Examples:
    """Lists of which the pair with the least gap is mostly right, some with features missing for all or for one."""
    chance = np.random.default_rng(seed)
    rows = np.full((LISTS * PAIRS, len(FEATURES)), MISSING, dtype=np.int32)
    rows[:, 0] = chance.integers(0, 10**6, len(rows))
    for column in range(1, 8):
        rows[:, column] = np.where(chance.random(len(rows)) < 0.3, MISSING, chance.integers(-1000, 1000, len(rows)))
    rows[chance.integers(0, len(rows), 9), 3] = HIGHEST
    counts = np.full(LISTS, PAIRS)
    best = rows[:, 0].reshape(LISTS, PAIRS).argmin(axis=1)
    right = (np.arange(PAIRS) == best[:, None]) | (chance.random((LISTS, PAIRS)) < 0.05)
    ids = np.arange(len(rows))
    stands = np.where(right.ravel(), 1, chance.integers(1, 4, len(rows)))
    return Examples(rows=rows, right=right.ravel(), stands=stands, counts=counts, later=ids, earlier=ids)


def test_of_wrong_lines_long_gone_by_a_fourth_stands_for_all() -> None:
    lines = [Activity(id, Kind.MESSAGE, id, None, "UTC", Words(actor=f"ann{id}", text="yes")) for id in range(1, 62)]
    found = examples(lines, {line.id: line.id == 1 or line.id == 61 for line in lines}, shipped_model(), Domain.TALK)
    last = found.some(np.arange(len(found.counts)) == len(found.counts) - 1)
    # The first of the 60 before the last is right; 20 are near; of 39 between, (61 + id) is divided by 4 for ten.
    assert last.earlier.tolist() == [1, *range(3, 40, 4), *range(41, 61), -1]
    assert last.stands.tolist() == [1, *[4] * 10, *[1] * 20, 1]
    assert last.right.tolist() == [True] + [False] * 31


@pytest.mark.parametrize(("leaves", "levels"), [(2, 1), (4, 2), (16, -1)])
def test_trees_of_whole_numbers_say_what_lightgbm_says(leaves: int, levels: int) -> None:
    drawn = drawn_examples(leaves)
    ground = TrainingData(drawn, np.ones(LISTS))
    booster = ground.grow(np.ones(LISTS, dtype=np.bool_), Settings(leaves, levels, 0.2, 40)).more(40).booster
    similarity = similarity_of(booster, 40)
    assert len(similarity.trees) > 20, "it learned something"
    steps = np.zeros(drawn.rows.shape, dtype=np.uint8)
    for name, edges in similarity.edges.items():
        values = drawn.rows[:, FEATURES.index(name)]
        steps[:, FEATURES.index(name)] = np.where(
            values == MISSING, 0, np.searchsorted(np.array(edges), values, side="right") + 1
        )
    found = Forest(similarity.trees_over(FEATURES), len(FEATURES)).score(steps)
    known = np.where(drawn.rows == MISSING, np.nan, drawn.rows.astype(np.float64))
    assert np.abs(found / SCORE_SCALE - booster.predict(known)).max() < 40 / SCORE_SCALE, "but for rounding"


def test_a_tree_that_may_ask_a_share_of_the_features_asks_no_more() -> None:
    ground = TrainingData(drawn_examples(3), np.ones(LISTS))
    every = np.ones(LISTS, dtype=np.bool_)
    alone = similarity_of(ground.grow(every, Settings(16, -1, 0.2, 10, share=1 / len(FEATURES))).more(10).booster, 10)
    assert all(len({split.feature for split in tree.splits}) == 1 for tree in alone.trees)
    whole = similarity_of(ground.grow(every, Settings(16, -1, 0.2, 10)).more(10).booster, 10)
    assert any(len({split.feature for split in tree.splits}) > 1 for tree in whole.trees)


def test_what_is_learned_from_some_lists_hangs_on_those_only() -> None:
    drawn, some = drawn_examples(5), np.arange(LISTS) % 3 > 0
    how = Settings(4, 2, 0.2, 20)
    one = TrainingData(drawn, np.ones(LISTS)).grow(some, how).more(20).booster
    other = drawn.right.copy()
    other[np.repeat(~some, PAIRS)] ^= True
    learned = msgspec.structs.replace(drawn, right=other)
    two = TrainingData(learned, np.ones(LISTS))
    again = two.grow(some, how).more(20).booster
    assert msgspec.to_builtins(similarity_of(one, 20)) == msgspec.to_builtins(similarity_of(again, 20))


def test_gradients_are_those_of_the_loss() -> None:
    drawn, chance = drawn_examples(2), np.random.default_rng(2)
    weights = chance.random(LISTS) + 0.5
    objective, scores = Objective(drawn, weights), chance.normal(size=LISTS * PAIRS)
    gradient, _ = objective(scores, None)
    for row in range(0, len(scores), 97):
        by = np.zeros(len(scores))
        by[row] = 1e-5
        slope = (objective.loss(scores + by) - objective.loss(scores - by)) / 2e-5
        assert gradient[row] / weights.sum() == pytest.approx(slope, abs=1e-6)


def drawn_lessons(seed: int) -> TrainingLists:
    """In three folds, as many as it takes."""
    drawn = [drawn_examples(seed + number) for number in range(LEAST_LISTS // LISTS + 1)]
    lists = LISTS * len(drawn)
    return TrainingLists(joined(drawn), np.arange(lists) % 3, np.ones(lists))


def test_beyond_the_least_loss_as_many_times_as_many_trees_are_grown_for_each_fold() -> None:
    once, twice = (train_trees(drawn_lessons(4), 3, (Settings(4, 2, 0.2, 50, beyond=by),), print) for by in (1, 2))
    assert once is not None
    assert twice is not None
    for one, two in zip((once.of_all, *once.of_folds), (twice.of_all, *twice.of_folds), strict=True):
        assert len(two.trees) == 2 * len(one.trees)
    assert twice.loss == once.loss


@pytest.mark.parametrize("ahead", [0.0, 0.02, 0.9])
def test_a_later_way_is_taken_only_where_it_is_as_far_ahead_as_it_must(ahead: float) -> None:
    said: list[str] = []
    first, later = Settings(2, 1, 0.2, 25), Settings(4, 2, 0.2, 100, ahead=ahead)
    found = train_trees(drawn_lessons(4), 3, (first, later), said.append)
    losses = [float(one.rpartition(" ")[2]) for one in said]
    assert 0.1 * losses[0] < losses[1] < 0.98 * losses[0], "it loses a little less"
    assert found is not None
    assert found.loss == pytest.approx(losses[0] if ahead == 0.9 else losses[1], abs=1e-4)


def test_one_stream_that_gains_much_makes_nothing_surely_better() -> None:
    before = np.array([50.0, 60.0, 70.0, 40.0])
    assert not surely_better(np.add(before, [40, -1, -1, -1]), before)
    assert surely_better(np.add(before, [4, 5, 3, 6]), before)
    assert not surely_better(before, before)
    assert surely_better(before[:1] + 1, before[:1]), "of one there is no telling"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, SCORE_SCALE - 1), st.booleans()), max_size=40))
def test_of_what_is_shown_so_many_are_right_and_nothing_more_could_be_shown(groups: list[tuple[int, bool]]) -> None:
    found = shown_from([sure for sure, _ in groups], [right for _, right in groups])

    def share(least: int) -> float:
        shown = [right for sure, right in groups if sure >= least]
        return sum(shown) / len(shown) if shown else 1.0

    assert share(found) >= SHOWN_RIGHT
    assert all(share(sure) < SHOWN_RIGHT for sure, _ in groups if sure < found)


def judged(chance: random.Random, groups: int) -> list[tuple[ConfidenceFeatures, bool]]:
    """Groups whose signs say nothing about whether they are right."""
    names = ConfidenceFeatures.__struct_fields__
    return [
        (ConfidenceFeatures(**{name: chance.randrange(9) for name in names}), chance.random() < 0.7)  # type: ignore[arg-type]
        for _ in range(groups)
    ]


def test_what_is_shown_is_chosen_by_curves_that_did_not_see_it() -> None:
    chance = random.Random(3)
    folds = [judged(chance, 40) for _ in range(2)]
    seen = [one for fold in folds for one in fold]
    found = fit_confidence(folds)
    sure = [confidence(found, signs) for signs, _ in seen]
    assert shown_from(sure, [right for _, right in seen]) < SCORE_SCALE, "of what it saw, it is sure of some, and right"
    assert found.shown_from == SCORE_SCALE


@given(st.lists(st.integers(0, 50), max_size=12), st.sets(st.integers(0, 11)), st.integers(1, 5))
def test_of_few_streams_blocks_of_time_are_made_and_nothing_is_lost(
    minutes: list[int], known: set[int], folds: int
) -> None:
    every = [Activity(id, Kind.COMMIT, at, None, "UTC", Words()) for id, at in enumerate(minutes)]
    gold = {one.id: one.id % 3 for one in every if one.id in known}
    blocks = enough_streams([labelled_only(Labelled("ada", every, gold))], folds)
    assert len({one.name for one in blocks}) == len(blocks)
    ordered = [(one.started_at, one.id) for block in blocks for one in block.activities]
    assert ordered == sorted((one.started_at, one.id) for one in every)
    assert {id: group for block in blocks for id, group in block.gold.items()} == gold
    assert all(block.gold.keys() <= {one.id for one in block.activities} for block in blocks)
    sizes = [len(block.activities) for block in blocks]
    assert max(sizes, default=0) <= ceil(len(every) / folds) or folds == 1


def test_streams_that_are_enough_are_left_whole() -> None:
    streams = [Labelled(name, [], {}) for name in "abcd"]
    assert enough_streams(streams, 4) == streams
    assert enough_streams([], 4) == []


def test_words_are_counted_once_an_activity_and_openings_by_true_groups() -> None:
    said = [("new lease", 1)] * 6 + [("lease lease", 1)] * 5 + [("lease lost", 2)]
    activities = [
        Activity(id, Kind.DOCUMENT, id, None, "UTC", Words(title=title)) for id, (title, _) in enumerate(said, 1)
    ]
    gold = {id: group for id, (_, group) in enumerate(said, 1)}
    found = vocabulary([Labelled("ada", activities, gold)], frozenset())
    # 12 activities: "lease" in all, "new" in six; "lost" in one, which is too few to know.
    assert found.rarity == {"lease": 0, "new": round(RAREST * log(13 / 7) / log(13))}
    assert found.rarity_else == RAREST
    # Two of twelve begin a group. "lease" is in both of the two; nothing else is in ten activities or more.
    usual = 2 / 12
    told = log((2 + DOUBT * usual) / (10 + DOUBT * (1 - usual)) / (usual / (1 - usual)))
    assert found.opening == {"lease": round(1000 * told)}


def test_a_word_of_less_than_three_people_is_in_no_model_of_many() -> None:
    titles = {"ada": "lease Secretname", "ben": "lease Secretname", "cy": "lease", "dee": "lease"}
    streams = [
        Labelled(name, [Activity(id, Kind.DOCUMENT, id, None, "UTC", Words(title=title)) for id in range(20)], {0: 0})
        for name, title in titles.items()
    ]
    assert set(vocabulary(streams, frozenset()).rarity) == {"lease"}
    assert set(vocabulary(streams[:2], frozenset()).rarity) == {"lease", "secretname"}, "both said it"
    blocks = enough_streams(streams[:1], 4)
    assert set(vocabulary(blocks, frozenset()).rarity) == {"lease", "secretname"}, "it is one person's own"


def test_what_is_excluded_teaches_nothing_and_the_order_of_arrival_neither() -> None:
    def streams(titles: Sequence[str], *, excluded: bool) -> list[Labelled]:
        every = [
            Activity(id, Kind.DOCUMENT, id % 7 * 60, None, "UTC", Words(title=title), excluded=excluded and id > 40)
            for id, title in enumerate(titles)
        ]
        return [Labelled(name, every, {one.id: one.id % 5 for one in every}) for name in "abcd"]

    titles = [f"lease {id % 5}" for id in range(41)]
    plain = streams(titles, excluded=False)
    by = encode_model(learn(BY_TITLE, plain, "mine"))
    assert encode_model(learn(BY_TITLE, streams([*titles, *["Divorce"] * 9], excluded=True), "mine")) == by
    backwards = [msgspec.structs.replace(one, activities=one.activities[::-1]) for one in plain]
    assert encode_model(learn(BY_TITLE, backwards, "mine")) == by


def test_where_one_fold_has_nearly_all_the_others_teach_it_nothing() -> None:
    """250 documents of one person and one of each of three others: trees of three lists wouldn't split."""
    streams = [
        Labelled(
            name,
            every := [
                Activity(id, Kind.DOCUMENT, id * 60_000_000, None, "UTC", Words(title=f"lease {id % 9}"))
                for id in range(1, count + 1)
            ],
            {one.id: one.id % 9 for one in every},
        )
        for name, count in (("ada", 260), ("ben", 3), ("cy", 3), ("dee", 3))
    ]
    assert learn(BY_TITLE, streams, "mine").similarity[Domain.WORK] is not BY_TITLE.similarity[Domain.WORK]


def test_where_all_is_pruned_the_confidence_is_the_bases() -> None:
    """A lone moment in a window claims nothing, so nobody can be right or wrong about it."""
    base = msgspec.structs.replace(BY_TITLE, pruning=Pruning(lone_us=60_000_000, loose=0, least=2))
    moment = Activity(1, Kind.WINDOW, 0, 1_000_000, "UTC", Words(title="Lease"))
    assert learn(base, [Labelled("ada", [moment], {1: "lease"})], "mine").confidence == base.confidence


@pytest.mark.parametrize("folds", [(0,), (0, 2)], ids=["all lists in one fold", "a fold without any"])
def test_a_fold_without_lists_stops_nobody(folds: tuple[int, ...]) -> None:
    lists = 240
    rows = np.full((2 * lists, len(FEATURES)), MISSING, dtype=np.int32)
    rows[::2, FEATURES.index("title")] = np.arange(lists) % 2
    right = np.stack((np.arange(lists) % 2 == 1, np.arange(lists) % 2 == 0), axis=1).ravel()
    nowhere = np.full(2 * lists, -1)
    learned = Examples(rows, right, np.ones(2 * lists, np.int64), np.full(lists, 2), nowhere, nowhere)
    lessons = TrainingLists(learned, np.array(folds)[np.arange(lists) * len(folds) // lists], np.ones(lists))
    found = train_trees(lessons, 3, (Settings(4, 2, 0.2, 100),), lambda _: None)
    assert found is not None
    assert len(found.of_folds) == 3
    assert found.of_folds[1] == found.of_all, "of the fold without lists nothing was learned"
    assert found.loss < 0.2
