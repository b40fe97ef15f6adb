"""What holds of every measure, confidence and simple rule, whatever is judged."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from processors.evaluation.blocking_recall import ComparedEvents, compared_events, count_blocking
from processors.evaluation.bootstrap import bootstrap_measures
from processors.evaluation.calibration import JudgedConfidence, calibrate
from processors.evaluation.choices import assignment_outcomes
from processors.evaluation.comparison import Case, case_sums, compare, grouping_of
from processors.evaluation.error_causes import ErrorCauses
from processors.evaluation.measures import CONTINGENCY_SUMS, MEASURES, contingency_sums, match_groups, measures
from processors.evaluation.mistakes import wrong_merges, wrong_splits
from processors.evaluation.prequential_blocks import cut_into_blocks, history_of
from processors.evaluation.rule_baselines import (
    DAY_US,
    MINUTE_US,
    ParameterGrid,
    group_by_gap,
    group_by_similarity,
    one_a_day,
    rule_baselines,
)
from processors.evaluation.similarity_baseline import nearest_earlier
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from schemas.values import Activity, Kind, Words
from tests.laws.grouping_strategies import MODEL, TIGHT, activity
from tests.title_model import BY_TITLE

Labels = list[tuple[int, int]]

labels = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30)
streams = st.lists(labels, min_size=1, max_size=5)
days = st.lists(activity(), max_size=12, unique_by=lambda one: one.id)
MIRRORED = {name: name.replace("-P", "-?").replace("-R", "-P").replace("-?", "-R") for name in MEASURES}
unhurried = settings(deadline=None)
GRID = ParameterGrid(gaps_us=(10 * MINUTE_US, 60 * MINUTE_US), lookbacks_us=(DAY_US,), similarities=(0.2, 0.6))


def of(one: Labels) -> dict[str, float]:
    return dict(zip(MEASURES, measures(contingency_sums(one)).tolist(), strict=True))


@given(labels, st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(one: Labels, chance: Random) -> None:
    names = [str(number) for number in range(7)]
    chance.shuffle(names)
    again = [(f"true {names[gold]}", names[6 - group]) for gold, group in one]
    chance.shuffle(again)
    assert contingency_sums(again).tolist() == contingency_sums(one).tolist()


@given(labels)
def test_what_is_right_is_worth_a_hundred(one: Labels) -> None:
    found = of([(gold, gold + 100) for gold, _ in one])
    several = max(Counter(gold for gold, _ in one).values()) > 1
    for name, value in found.items():
        of_several = name.startswith(("EM", "PW"))
        assert value == pytest.approx(100 if several or not of_several else 0), name


@given(labels)
def test_measures_lie_between_nothing_and_a_hundred(one: Labels) -> None:
    for name, value in of(one).items():
        assert (-100 if name == "ARI" else -1e-9) <= value <= 100 + 1e-9, name


@given(labels)
def test_what_is_wrong_is_worth_less(one: Labels) -> None:
    """Of these measures none but a grouping that is the same has a hundred."""
    same = len(set(one)) == len({gold for gold, _ in one}) == len({group for _, group in one})
    found = of(one)
    for name in ("1-VI", "1-1", "B3-F"):
        assert (found[name] > 100 - 1e-9) == same, name


@given(labels)
def test_precision_one_way_is_recall_the_other(one: Labels) -> None:
    back = of([(group, gold) for gold, group in one])
    assert {MIRRORED[name]: value for name, value in of(one).items()} == pytest.approx(back)


@given(labels)
def test_an_event_taken_out_never_raises_recall_and_all_together_it_is_whole(one: Labels) -> None:
    gold, _ = one[0]
    assert of([(gold, 99), *one[1:]])["B3-R"] <= of(one)["B3-R"] + 1e-9
    assert of([(true, 0) for true, _ in one])["B3-R"] == pytest.approx(100)


@given(labels)
def test_no_other_pairing_shares_more(one: Labels) -> None:
    """A greedy one shares half of what the best does at least, and never more than it."""
    both = Counter(one)
    best = match_groups(both)
    assert len({gold for gold, _, _ in best}) == len({group for _, group, _ in best}) == len(best)
    assert all(both[gold, group] == events for gold, group, events in best)
    taken: list[tuple[int, int]] = []
    for gold, group in sorted(both, key=lambda pair: (-both[pair], pair)):
        if all(gold != other and group != its for other, its in taken):
            taken.append((gold, group))
    greedy, most = sum(both[pair] for pair in taken), sum(events for _, _, events in best)
    assert greedy <= most <= 2 * greedy


@given(streams)
def test_pooled_is_all_streams_as_one_lot_of_groups(each: list[Labels]) -> None:
    pooled = contingency_sums([((n, gold), (n, group)) for n, one in enumerate(each) for gold, group in one])
    assert np.sum([contingency_sums(one) for one in each], axis=0) == pytest.approx(pooled)


@unhurried
@given(streams, st.integers(0, 5))
def test_intervals_are_the_same_for_the_same_seed_and_hold_the_streams(each: list[Labels], seed: int) -> None:
    sums = [contingency_sums(one) for one in each]
    found = bootstrap_measures(sums, seed, draws=40)
    assert found == bootstrap_measures(sums, seed, draws=40)
    least, most = measures(np.stack(sums)).min(axis=0), measures(np.stack(sums)).max(axis=0)
    for n, name in enumerate(MEASURES):
        one = found.mean[name]
        assert one.value == pytest.approx(np.mean([measures(own)[n] for own in sums]))
        if len(each) == 1:
            assert (one.low, one.high) == (None, None)
            assert found.pooled[name] == one
        else:
            assert one.low is not None
            assert one.high is not None
            assert least[n] - 1e-9 <= one.low <= one.high <= most[n] + 1e-9
            pooled = found.pooled[name]
            assert pooled.low is not None
            assert pooled.high is not None
            assert pooled.low <= pooled.high


@unhurried
@given(labels, st.integers(2, 4))
def test_streams_that_are_alike_leave_nothing_open(one: Labels, copies: int) -> None:
    found = bootstrap_measures([contingency_sums(one)] * copies, 0, draws=20)
    for name in MEASURES:
        mean = found.mean[name]
        assert (mean.low, mean.high) == (pytest.approx(mean.value), pytest.approx(mean.value))


def test_an_interval_is_as_wide_as_chance_makes_it() -> None:
    """Of four streams two at 100 and two at 0 half a hundred draws are 50 or more; 95 of 100 lie within 0 and 100."""
    right, wrong = contingency_sums([(1, 1), (1, 1)]), contingency_sums([(1, 1), (1, 2)])
    one = bootstrap_measures([right, right, wrong, wrong], 1).mean["ARI"]
    assert (one.low, one.value, one.high) == (0, 50, 100)
    many = bootstrap_measures([right, wrong] * 200, 1).mean["ARI"]
    assert many.low is not None
    assert many.high is not None
    assert 43 < many.low < 47  # the standard deviation of a mean of 400 is 2.5
    assert 53 < many.high < 57


sures = st.lists(
    st.builds(
        JudgedConfidence,
        st.sampled_from([0, 100_000, 500_000, 500_001, 1_000_000]),
        st.booleans(),
        st.booleans(),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=30,
)


@given(sures, st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_worth_of_confidences_hangs_on_no_order_and_has_bounds(
    groups: list[JudgedConfidence], bins: int, chance: Random
) -> None:
    found = calibrate(groups, bins)
    assert found is not None
    mixed = groups.copy()
    chance.shuffle(mixed)
    assert calibrate(mixed, bins) == found
    assert 0 <= found.error <= 1
    assert found.auroc is None or 0 <= found.auroc <= 1
    assert len(found.bins) <= bins
    assert sum(one.groups for one in found.bins) == len(groups)
    assert sum(one.right * one.groups for one in found.bins) == pytest.approx(found.right * len(groups))
    turned = calibrate([replace(one, confidence=1_000_000 - one.confidence) for one in groups], bins)
    assert turned is not None
    assert found.auroc is None or turned.auroc == pytest.approx(1 - found.auroc)


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=60, unique=True), st.integers(1, 10))
def test_bins_of_different_confidences_are_of_equal_mass(confidences: list[int], bins: int) -> None:
    found = calibrate([JudgedConfidence(one, True, True, 1) for one in confidences], bins)
    assert found is not None
    masses = [one.groups for one in found.bins]
    assert len(masses) == min(bins, len(confidences))
    assert max(masses) - min(masses) <= 1
    means = [one.confidence for one in found.bins]
    assert means == sorted(means)


@unhurried
@given(days, st.randoms(use_true_random=False))
def test_a_rule_groups_everything_once_and_hangs_on_no_order(those: list[Activity], chance: Random) -> None:
    mixed = those.copy()
    chance.shuffle(mixed)
    for family in rule_baselines(GRID):
        assert family.group_by_values(mixed) == family.group_by_values(those)
        for found in family.group_by_values(those).values():
            assert found.keys() == {one.id for one in those if not one.excluded}
            starts = {one.id: (one.started_at, one.id) for one in those}
            assert all(found[name] == name and starts[name] <= starts[id] for id, name in found.items())


@unhurried
@given(days)
def test_larger_gaps_and_lower_likenesses_only_join(those: list[Activity]) -> None:
    wide, narrow = group_by_gap(those, 60 * MINUTE_US), group_by_gap(those, 20 * MINUTE_US)
    assert all(wide[id] == wide[name] for id, name in narrow.items())
    near = nearest_earlier(sorted(those, key=lambda one: (one.started_at, one.id)), DAY_US)
    low, high = group_by_similarity(near, 0.2), group_by_similarity(near, 0.7)
    assert all(low[id] == low[name] for id, name in high.items())


@unhurried
@given(days)
def test_a_day_is_together_wherever_it_was(those: list[Activity]) -> None:
    moved = [
        replace(one, started_at=one.started_at + DAY_US, ended_at=one.ended_at and one.ended_at + DAY_US)
        for one in those
    ]
    assert one_a_day(moved) == one_a_day(those)  # these days have no change of clocks in them


@unhurried
@given(st.lists(st.tuples(days, st.randoms(use_true_random=False)), min_size=1, max_size=4))
def test_the_best_of_each_stream_beats_the_best_for_all(each: list[tuple[list[Activity], Random]]) -> None:
    cases = [
        Case(str(n), tuple(those), {one.id: chance.choice("AB") for one in those})
        for n, (those, chance) in enumerate(each)
        if those
    ]
    if not cases:
        return
    column = MEASURES.index("B3-F")
    entrants = {one.name: one for one in compare(cases, rule_baselines(GRID), "B3-F")}
    means = {name: measures(np.stack(one.sums))[:, column].mean() for name, one in entrants.items()}
    for gap in GRID.gaps_us:
        one_gap = [measures(case_sums(case, group_by_gap(case.activities, gap)))[column] for case in cases]
        assert np.mean(one_gap) <= means["time gap"] + 1e-9
    assert means["time gap"] <= means["time gap of each"] + 1e-9


parted = st.tuples(days, st.randoms(use_true_random=False), st.integers(2, 6))


def some_known(those: list[Activity], chance: Random) -> Case:
    return Case("ada", tuple(those), {one.id: chance.choice("AB") for one in those if chance.random() < 0.7})


@unhurried
@given(parted)
def test_blocks_judge_everything_once_each_after_all_before(
    drawn: tuple[list[Activity], Random, int],
) -> None:
    those, chance, number = drawn
    case = some_known(those, chance)
    blocks = cut_into_blocks(case, number)
    assert [one.block for one in blocks] == list(range(number))
    assert Counter(id for one in blocks for id in one.gold) == Counter(case.gold.keys())
    assert max(sizes := [len(one.gold) for one in blocks]) - min(sizes) <= 1
    at = {one.id: (one.started_at, one.id) for one in those}
    last = [at[id] for one in blocks for id in sorted(one.gold, key=at.__getitem__)]
    assert last == sorted(last)
    assert set(blocks[-1].activities) == set(those)


@unhurried
@given(parted)
def test_the_past_has_nothing_of_what_is_judged_next(drawn: tuple[list[Activity], Random, int]) -> None:
    those, chance, number = drawn
    case = some_known(those, chance)
    blocks = cut_into_blocks(case, number)
    for block in blocks[1:]:
        past = history_of(blocks[: block.block])
        assert past.block == 0
        assert not past.gold.keys() & block.gold.keys()
        known = {one.id for one in past.activities}
        assert past.gold.keys() <= known
        assert not known & block.gold.keys()
        assert all(
            (one.started_at, one.id) < (next_.started_at, next_.id)
            for one in past.activities
            for next_ in those
            if next_.id in block.gold
        )
        assert block.gold.keys() <= {one.id for one in block.activities}


@settings(deadline=None, max_examples=30)
@given(days, st.randoms(use_true_random=False), st.sampled_from([MODEL, TIGHT, BY_TITLE]))
def test_blocking_finds_no_more_than_there_is(those: list[Activity], chance: Random, model: Model) -> None:
    case = some_known(those, chance)
    found = count_blocking(case, compared_events(case, model))
    assert found.pairs == sum(events * (events - 1) // 2 for events in Counter(case.gold.values()).values())
    assert found.next_found <= found.next_pairs <= found.pairs
    assert found.next_found <= found.later_found <= found.next_pairs
    assert found.later_found <= found.pairs_found <= min(found.pairs, found.compared)


@settings(deadline=None, max_examples=30)
@given(days, st.randoms(use_true_random=False))
def test_choices_make_the_groups(those: list[Activity], chance: Random) -> None:
    """Each judged event begins a group or joins one, of ours and truly: so many groups there are."""
    case = some_known(those, chance)
    grouping = {one.id: chance.choice("ab") for one in those}
    groups = {name: min(id for id, its in grouping.items() if its == name) for name in grouping.values()}
    named = {id: groups[name] for id, name in grouping.items()}
    found = assignment_outcomes(case, named, compared_events(case, BY_TITLE))
    assert sum(astuple(found)) == len(case.gold)
    assert found.began + found.mixed_in == len(set(case.gold.values()))
    all_seen = assignment_outcomes(case, named, ComparedEvents(0, dict.fromkeys(case.gold, (0,))))
    assert all_seen.unseen == 0
    assert all_seen.began + all_seen.split_off == len({named[id] for id in case.gold})
    assert all_seen.split_off + all_seen.astray == found.split_off + found.astray + found.unseen
    assert (all_seen.began, all_seen.joined, all_seen.mixed_in) == (found.began, found.joined, found.mixed_in)


@settings(deadline=None, max_examples=15)
@given(days)
def test_everybody_has_a_link_to_its_group_but_who_began_it(those: list[Activity]) -> None:
    """The model that ships with nothing pruned: what began a group has nobody before it there."""
    whole = replace(MODEL, pruning=replace(MODEL.pruning, lone_us=0, least=10**6))
    case = Case("ada", tuple(those), {one.id: "A" for one in those})
    grouping = grouping_of(group_all(those, model=whole))
    causes, at = ErrorCauses(case, grouping, whole), {one.id: (one.started_at, one.id) for one in those}
    for id, group in grouping.items():
        found = causes.cause_of(id)
        began = min((other for other, its in grouping.items() if its == group), key=at.__getitem__)
        assert (found.joined_link is None) == (id == began)
        for link in (found.joined_link, found.missed_link):
            assert link is None or at[link.earlier] < at[id]
        if found.joined_link is not None:
            assert grouping[found.joined_link.earlier] == group
        if found.missed_link is not None:
            assert grouping[found.missed_link.earlier] != group


@given(labels)
def test_mistakes_are_all_the_wrong_pairs_and_nothing_else(one: Labels) -> None:
    case = Case("ada", (), {id: gold for id, (gold, _) in enumerate(one)})
    ours = {id: group for id, (_, group) in enumerate(one)}
    sums = dict(zip(CONTINGENCY_SUMS, contingency_sums(one).tolist(), strict=True))
    assert sum(mistake.wrong_pairs for mistake in wrong_merges(case, ours)) == sums["pairs"] - sums["both_pairs"]
    assert sum(mistake.wrong_pairs for mistake in wrong_splits(case, ours)) == sums["gold_pairs"] - sums["both_pairs"]


def test_a_stream_without_words_is_like_nothing_and_an_empty_one_has_nothing() -> None:
    """The matrix of words has no column then, or no row."""
    silent = [Activity(id, Kind.OTHER, id, None, "UTC", Words()) for id in (1, 2)]
    assert [(one.earlier, one.similarity) for one in nearest_earlier(silent, DAY_US)] == [(None, 0), (None, 0)]
    assert nearest_earlier([], DAY_US) == []


def test_many_identical_titles_are_compared_in_bounded_time_and_memory() -> None:
    """A screen saver: each is like the one just before it."""
    saver = [Activity(id, Kind.WINDOW, id, None, "UTC", Words(title="Screen saver")) for id in range(3_000)]
    assert [one.earlier for one in nearest_earlier(saver, DAY_US)] == [None, *range(2_999)]


def test_only_what_is_near_enough_is_looked_at_however_long_the_stream_is() -> None:
    """A title that comes back each day for two years, and on all but the first day there was one the day before."""
    daily = [Activity(id, Kind.OTHER, id * DAY_US, None, "UTC", Words(title="Daily")) for id in range(700)]
    assert [one.earlier for one in nearest_earlier(daily, DAY_US)] == [None, *range(699)]
    assert {one.earlier for one in nearest_earlier(daily, DAY_US - 1)} == {None}
