"""What people say holds at once; of contradicting words the later one wins, and the loser is listed."""

from hypothesis import given, settings

from processors.grouping.clustering.constraints import resolve
from schemas.values import Activity, Apart, Feedback, Together
from tests.laws.grouping_strategies import TIGHT, activities, apply, fresh, models, words_said

quick = settings(max_examples=80, deadline=None)
PLACES = {id: (id * 1_000_000, id) for id in range(1, 7)}


def grouped(values: list[Activity], feedback: list[Feedback], model=TIGHT) -> tuple[dict[int, int], tuple[int, ...]]:
    """Each activity's group, and the losers."""
    working_set = fresh(model)
    for value in values:
        apply(working_set, 0, ("activity", value.id, value))
    for word in feedback:
        apply(working_set, 0, ("feedback", word.id, word))
    working_set.decide()
    groups = {member.id: name for name, group in working_set.groups.items() for member in group.members}
    return groups, working_set.losers


@quick
@given(activities, words_said, models)
def test_words_that_nobody_contradicts_hold(values: list[Activity], feedback: list[Feedback], model) -> None:
    groups, losers = grouped(values, feedback, model)
    for word in feedback:
        if word.id in losers:
            continue
        if isinstance(word, Together):
            assert len({groups[id] for id in word.ids if id in groups}) <= 1
        else:
            left, right = ({groups[id] for id in side if id in groups} for side in (word.left, word.right))
            assert not left & right


@quick
@given(activities, words_said)
def test_the_last_word_never_loses(values: list[Activity], feedback: list[Feedback]) -> None:
    _, losers = grouped(values, feedback)
    for word in feedback[-1:]:
        contradicts_itself = isinstance(word, Apart) and set(word.left) & set(word.right)
        assert contradicts_itself or word.id not in losers


def test_a_later_apart_beats_a_together_and_the_other_way_round() -> None:
    tied = resolve([Apart(1, (1,), (2,)), Together(2, (1, 2))], PLACES)
    assert (tied.bundle, tied.losers) == ({1: (1, 2)}, (1,))
    parted = resolve([Together(1, (1, 2)), Apart(2, (1,), (2,))], PLACES)
    assert (parted.apart, parted.losers) == ({1: {2}, 2: {1}}, (1,))


def test_what_is_left_of_a_contradicted_word_holds() -> None:
    kept = resolve([Together(1, (1, 2, 3)), Apart(2, (3,), (1, 2))], PLACES)
    assert kept.bundle == {1: (1, 2), 3: (3,)}
    assert kept.losers == (1,)
    moved = resolve([Apart(1, (1, 2), (3,)), Together(2, (1, 3))], PLACES)
    assert moved.apart == {1: {2}, 2: {1}}
    assert moved.losers == (1,)


def test_a_word_binds_while_its_activities_are_in_the_set() -> None:
    assert resolve([Together(1, (1, 9))], PLACES).bundle.get(1, (1,)) == (1,)
    assert resolve([Together(1, (1, 9)), Apart(2, (9,), (8,))], PLACES).losers == ()


def test_ties_are_by_the_earliest_in_the_order_of_events() -> None:
    late_first = {1: (50, 1), 2: (10, 2), 3: (20, 3)}
    assert resolve([Together(1, (1, 2))], late_first).first == {1: 2, 2: 2}


def test_ten_thousand_tied_activities_take_no_quadratic_time() -> None:
    many = {id: (id, id) for id in range(10_000)}
    word = resolve([Together(1, tuple(range(10_000))), Together(2, tuple(range(9_999, -1, -1)))], many)
    assert len(word.bundle[0]) == 10_000
