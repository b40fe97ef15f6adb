"""Moving a consumer: what would change is said, what would stay unread is found, and undoing leads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.monitoring.offset_moves import Move, OffsetPosition, plan_moves, plan_undo


@st.composite
def standings(draw: st.DrawFn) -> OffsetPosition:
    begin, length = draw(st.integers(0, 50)), draw(st.integers(0, 50))
    end = begin + length
    place = draw(st.none() | st.integers(begin, end))
    start = begin if place is None else place
    following = draw(st.none() | st.integers(start, end - 1)) if start < end else None
    return OffsetPosition(begin=begin, end=end, place=place, next=following)


@given(standings(), st.data())
def test_a_move_skips_exactly_where_an_unread_record_lies_before_its_end(
    at: OffsetPosition, data: st.DataObject
) -> None:
    target = data.draw(st.integers(at.begin, at.end))
    found = plan_moves({3: at}, {3: target})
    if not found:
        assert target == (at.begin if at.place is None else at.place)
        return
    (move,) = found
    assert (move.partition, move.before, move.after) == (3, at.place, target)
    unread = [] if at.next is None else [offset for offset in range(at.next, at.end) if offset < target]
    assert move.skips == bool(unread)


@given(standings(), st.integers(0, 200))
def test_a_target_that_is_not_there_is_refused(at: OffsetPosition, target: int) -> None:
    if at.begin <= target <= at.end:
        plan_moves({0: at}, {0: target})
    else:
        with pytest.raises(ValueError, match=f"partition 0 has offsets {at.begin} to {at.end}; {target} isn't one"):
            plan_moves({0: at}, {0: target})


@given(standings(), st.data())
def test_putting_back_leads_to_where_it_would_have_gone_on(at: OffsetPosition, data: st.DataObject) -> None:
    target = data.draw(st.integers(at.begin, at.end))
    for move in plan_moves({0: at}, {0: target}):
        moved = OffsetPosition(begin=at.begin, end=at.end, place=move.after)
        (back,) = plan_undo({0: moved}, [move])
        assert back.after == (at.begin if at.place is None else at.place)


def test_what_is_gone_by_the_topics_rules_is_put_back_to_the_beginning() -> None:
    (back,) = plan_undo({0: OffsetPosition(begin=40, end=90, place=80)}, [Move(partition=0, before=10, after=80)])
    assert back == Move(partition=0, before=80, after=40)


def test_putting_back_says_that_it_passes_over_what_was_to_be_read_again() -> None:
    """It was at 100, was put to 10 and has come to 60: the records from there on aren't read again."""
    reset = [Move(partition=0, before=100, after=10)]
    (back,) = plan_undo({0: OffsetPosition(begin=0, end=200, place=60, next=60)}, reset)
    assert back == Move(partition=0, before=60, after=100, skips=True)
    (back,) = plan_undo({0: OffsetPosition(begin=0, end=200, place=98, next=100)}, reset)
    assert not back.skips, "98 and 99 are marks"
    (back,) = plan_undo({0: OffsetPosition(begin=0, end=200, place=150, next=150)}, reset)
    assert back == Move(partition=0, before=150, after=100)
