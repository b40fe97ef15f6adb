"""A timekeeper's groups are a function of a set: no order, no duplicate, no way there makes a difference of a byte."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from processors.grouping.outcome.group_measures import FEW, Measured, measure
from schemas.groups import encode_group
from schemas.keys import RowKey
from schemas.values import Activity, Kind, Words
from tests.laws.grouping_strategies import (
    MODEL,
    Change,
    activities,
    apply,
    fresh,
    histories,
    live,
    models,
    said,
    words_said,
)

quick = settings(max_examples=40, deadline=None)
thorough = settings(max_examples=60, deadline=None)


def whole(history: list[Change], model: Model) -> dict[int, bytes]:
    values, feedback = live(history)
    return {name: encode_group(group) for name, group in group_all(values, feedback, model=model).items()}


@thorough
@given(histories, models)
def test_deciding_what_was_touched_is_deciding_everything(history: list[Change], model: Model) -> None:
    working_set = fresh(model)
    for version, step in enumerate(history):
        apply(working_set, version, step)
        working_set.decide()
        assert said(working_set) == whole(history[: version + 1], model)


@quick
@given(histories, models, st.randoms(use_true_random=False), st.data())
def test_order_duplicates_and_stale_versions_change_nothing(
    history: list[Change], model: Model, random: Random, data: st.DataObject
) -> None:
    arrivals = list(enumerate(history)) + data.draw(st.lists(st.sampled_from(list(enumerate(history))), max_size=10))
    random.shuffle(arrivals)
    working_set, highest = fresh(model), {}
    for version, step in arrivals:
        row = step[:2]
        assert apply(working_set, version, step) == (version > highest.get(row, -1))
        highest[row] = max(version, highest.get(row, -1))
        if random.random() < 0.5:
            working_set.decide()
    working_set.decide()
    assert said(working_set) == whole(history, model)


@quick
@given(histories)
def test_what_is_said_to_be_changed_and_gone_adds_up_to_all_groups(history: list[Change]) -> None:
    working_set, heard = fresh(), {}
    for version, step in enumerate(history):
        apply(working_set, version, step)
        decision = working_set.decide()
        assert not decision.gone & decision.changed.keys()
        for name in decision.gone:
            del heard[name]
        for name, group in decision.changed.items():
            assert heard.get(name) != encode_group(group), "said, though it is what it was"
            heard[name] = encode_group(group)
        assert heard == said(working_set)
    assert working_set.decide().changed == {}


@quick
@given(activities, activities, models)
def test_deleting_what_was_added_restores_the_groups(kept: list[Activity], added: list[Activity], model: Model) -> None:
    working_set = fresh(model)
    for value in kept:
        apply(working_set, 0, ("activity", value.id, value))
    working_set.decide()
    before = said(working_set)
    new = [value for value in added if value.id not in {old.id for old in kept}]
    for version, value in ((1, 1), (2, None)):
        for row in new:
            apply(working_set, version, ("activity", row.id, row if value else None))
        working_set.decide()
    assert said(working_set) == before


@quick
@given(activities, words_said)
def test_every_activity_is_in_one_group_and_an_excluded_one_in_none(values: list[Activity], feedback: list) -> None:
    groups = group_all(values, feedback, model=MODEL)
    grouped = [member.id for group in groups.values() for member in group.members]
    assert sorted(grouped) == sorted(value.id for value in values if not value.excluded)
    for name, group in groups.items():
        ids = [member.id for member in group.members]
        assert ids == sorted(ids)
        assert name == ids[0]


@quick
@given(activities)
def test_captured_is_the_measure_of_the_union(values: list[Activity]) -> None:
    by_id = {value.id: value for value in values}
    for group in group_all(values, model=MODEL).values():
        spans = sorted(
            (by_id[member.id].started_at, by_id[member.id].ended_at or by_id[member.id].started_at)
            for member in group.members
        )
        captured, reached = 0, 0
        for begin, end in spans:
            captured += max(0, end - max(begin, reached))
            reached = max(reached, end)
        assert group.captured_us == captured
        assert (group.started_at, group.ended_at) == (spans[0][0], max(end for _, end in spans))


spans = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), min_size=1, max_size=2 * FEW)


@quick
@given(st.lists(spans, min_size=1, max_size=4))
def test_small_and_large_groups_are_measured_alike(groups: list[list[tuple[int, int]]]) -> None:
    start = np.array([begin for group in groups for begin, _ in group], dtype=np.int64)
    end = start + np.array([lasts for group in groups for _, lasts in group], dtype=np.int64)
    nothing = np.zeros(len(start), dtype=np.int64)
    starts = np.cumsum([0, *map(len, groups[:-1])])
    covered = [len({at for begin, lasts in group for at in range(begin, begin + lasts)}) for group in groups]
    assert measure(Measured(start, end, nothing, nothing, nothing > 0), starts).captured_us == covered


@quick
@given(activities, activities)
def test_work_that_comes_late_takes_no_smaller_name(early: list[Activity], late: list[Activity]) -> None:
    """Ids grow with insertion, so a group that a late activity joins keeps the name that its members gave it."""
    working_set = fresh()
    for value in early:
        apply(working_set, 0, ("activity", value.id, value))
    working_set.decide()
    for value in late:
        apply(working_set, 1, ("activity", value.id + 100, replace(value, id=value.id + 100)))
    working_set.decide()
    for name, group in working_set.groups.items():
        old = [member.id for member in group.members if member.id <= 100]
        assert name == (min(old) if old else group.members[0].id)


@quick
@given(activities, st.integers(1, 3), st.booleans())
def test_claims_about_billing_never_move_an_activity(values: list[Activity], matter: int, billable: bool) -> None:
    claimed = [replace(value, matter=matter, billable=billable) for value in values]
    plain, other = (group_all(rows, model=MODEL) for rows in (values, claimed))
    assert [[m.id for m in group.members] for group in plain.values()] == [
        [m.id for m in group.members] for group in other.values()
    ]


def test_a_row_that_was_deleted_is_not_revived_by_a_late_retry() -> None:
    working_set = fresh()
    value = Activity(1, Kind.WINDOW, 0, 60_000_000, "UTC", Words(title="Lease"))
    assert apply(working_set, 5, ("activity", 1, None))
    assert not apply(working_set, 4, ("activity", 1, value))
    working_set.decide()
    assert working_set.groups == {}


def test_rows_of_two_timekeepers_never_meet() -> None:
    working_set = fresh()
    apply(working_set, 0, ("activity", 1, None))
    for other in (RowKey(7, 9, "activity", 1), RowKey(9, 8, "activity", 1)):
        with pytest.raises(ValueError, match="given to the working set of"):
            working_set.apply(other, 1, None)
