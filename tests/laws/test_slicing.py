"""Law 10: a minute belongs to one entry only, and a day's classes sum to what was captured.

The properties are checked against a brute force that looks at each elementary stretch of time by itself.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.billing.entries.affected_days import days_reached, reach, window
from processors.billing.entries.billing_day import billing_day, day_begins, instant, moment, split_by_day
from processors.billing.entries.imputation import CAPS, spans
from processors.billing.entries.matters import matter_book
from processors.billing.entries.slicing import slice_days
from schemas.billing import Directory, Membership, SlicedDay
from schemas.groups import Disposition
from schemas.values import Activity, Kind, Words

MINUTE = 60_000_000
EMPTY_BOOK = matter_book(Directory())
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland")

# Europe puts its clocks forward on 29 March 2026 and New Zealand back on 5 April: both changes are inside.
START = instant(datetime(2026, 3, 28, tzinfo=UTC))
SPAN_MINUTES = 9 * 24 * 60


@st.composite
def activity_lists(draw: st.DrawFn) -> list[Activity]:
    """Up to 14 activities, some crowded into one hour around 04:00 so that overlaps, points and borders meet."""
    crowded = instant(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    found = []
    for id in range(1, draw(st.integers(1, 14)) + 1):
        near = draw(st.booleans())
        start = (
            crowded + draw(st.integers(0, 120)) * MINUTE
            if near
            else START + draw(st.integers(0, SPAN_MINUTES)) * MINUTE
        )
        length = draw(st.none() | st.integers(0, 90) | st.integers(0, 3000))
        found.append(
            Activity(
                id=id,
                kind=draw(st.sampled_from(Kind)),
                started_at=start,
                ended_at=None if length is None else start + length * MINUTE,
                zone=draw(st.sampled_from(ZONES)),
                words=Words(),
                matter=draw(st.sampled_from((None, 1, 2))),
                billable=draw(st.sampled_from((None, True, False))),
                excluded=draw(st.booleans()) and draw(st.booleans()),
            )
        )
    return found


@st.composite
def placed(draw: st.DrawFn) -> tuple[list[Activity], dict[int, Membership]]:
    """Activities with their groups; one that has no place is still on its way."""
    activities = draw(activity_lists())
    dispositions = {group: draw(st.sampled_from(Disposition)) for group in (1, 2, 3)}
    places = {}
    for activity in activities:
        group = draw(st.sampled_from((1, 2, 3, None)))
        if group is not None and not activity.excluded:
            places[activity.id] = Membership(group, dispositions[group], "")
    return activities, places


def imputed_start(point: Activity, others: list[Activity]) -> int:
    """The rule, word for word: the gap since the last activity's end, at most the cap."""
    at = point.started_at
    ends = [
        min(at, other.ended_at if other.ended_at is not None else other.started_at)
        for other in others
        if other.started_at < at or (other.started_at == at and other.ended_at is None and other.id < point.id)
    ]
    return max([at - CAPS[point.kind], *ends])


def intervals(activities: list[Activity]) -> dict[int, tuple[int, int]]:
    return {
        a.id: (a.started_at, a.ended_at) if a.ended_at is not None else (imputed_start(a, activities), a.started_at)
        for a in activities
    }


def owned(activities: list[Activity]) -> dict[tuple[date, int], int]:
    """Microseconds by day and activity, from looking at every elementary stretch between two borders."""
    timed, zones = intervals(activities), {a.id: a.zone for a in activities}
    borders = {at for interval in timed.values() for at in interval}
    first, last = min(borders), max(borders)
    for zone in ZONES:
        borders |= {
            at
            for n in range(-2, 14)
            if first < (at := day_begins(moment(START).date() + timedelta(days=n), zone)) < last
        }
    ordered = sorted(borders)
    shares: dict[tuple[date, int], int] = defaultdict(int)
    for start, end in pairwise(ordered):
        covering = [(timed[id][0], id) for id in timed if timed[id][0] <= start and end <= timed[id][1]]
        if covering:
            owner = max(covering)[1]
            shares[billing_day(start, zones[owner]), owner] += end - start
    return shares


def measure(timed: list[tuple[int, int]]) -> int:
    """The length of the union."""
    total, until = 0, 0
    for start, end in sorted(timed):
        total += max(0, end - max(start, until))
        until = max(until, end)
    return total


@given(placed())
@settings(max_examples=300)
def test_every_microsecond_belongs_to_the_activity_that_started_last(
    case: tuple[list[Activity], dict[int, Membership]],
):
    activities, places = case
    part_takers = [a for a in activities if a.excluded or a.id in places]
    sliced = slice_days(activities, places, EMPTY_BOOK)
    found = {(p.day, part.activity): part.allocated_us for d in sliced for p in d.slices for part in p.parts}
    expected = owned(part_takers) if part_takers else {}
    excluded = {a.id for a in activities if a.excluded}
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if k[1] not in excluded}


@given(placed())
def test_captured_is_the_measure_of_the_union_and_the_sum_of_the_classes(
    case: tuple[list[Activity], dict[int, Membership]],
):
    activities, places = case
    part_takers = [a for a in activities if a.excluded or a.id in places]
    sliced = slice_days(activities, places, EMPTY_BOOK)
    assert sum(day.minutes.captured_us for day in sliced) == measure(list(intervals(part_takers).values()))
    for day in sliced:
        work = sum(s.allocated_us for s in day.slices if s.disposition is Disposition.WORK)
        assert work == day.minutes.billable_us + day.minutes.non_billable_us
        rest = sum(s.allocated_us for s in day.slices if s.disposition is not Disposition.WORK)
        assert day.minutes.captured_us == work + rest + day.minutes.excluded_us


@given(placed())
def test_every_placed_activity_is_in_one_slice_of_each_day_it_touches(
    case: tuple[list[Activity], dict[int, Membership]],
):
    activities, places = case
    found: dict[int, list[date]] = defaultdict(list)
    for day in slice_days(activities, places, EMPTY_BOOK):
        keys = [(s.group, s.matter) for s in day.slices]
        assert len(keys) == len(set(keys))
        for part in (part for s in day.slices for part in s.parts):
            found[part.activity].append(day.minutes.day)
    assert set(found) == set(places)
    for days in found.values():
        assert len(days) == len(set(days))


@given(placed(), st.randoms(use_true_random=False))
def test_order_of_arrival_changes_nothing(case: tuple[list[Activity], dict[int, Membership]], random: Random):
    activities, places = case
    shuffled = random.sample(activities, len(activities))
    assert slice_days(shuffled, places, EMPTY_BOOK) == slice_days(activities, places, EMPTY_BOOK)


def loaded(activities: list[Activity], days: set[date], zones: set[str]) -> list[Activity]:
    """What a reader gets that reads only the windows of the days."""
    ranges = window(days, zones)
    return [
        a
        for a in activities
        if any(a.started_at <= last and (a.ended_at or a.started_at) >= first for first, last in ranges)
    ]


@given(placed(), st.data())
@settings(max_examples=400)
def test_slicing_only_touched_days_equals_slicing_all(
    case: tuple[list[Activity], dict[int, Membership]], data: st.DataObject
):
    """One activity is changed, comes or goes; what was sliced before and the touched days afterwards are all right."""
    activities, places = case
    before: dict[date, SlicedDay] = {d.minutes.day: d for d in slice_days(activities, places, EMPTY_BOOK)}
    old = data.draw(st.sampled_from(activities))
    new = data.draw(st.none() | st.sampled_from(data.draw(activity_lists())))
    rest = [a for a in activities if a.id != old.id]
    changed = rest if new is None else [*rest, msgspec.structs.replace(new, id=old.id)]
    new_places = {id: place for id, place in places.items() if any(a.id == id and not a.excluded for a in changed)}
    if new is not None and not new.excluded and data.draw(st.booleans()):
        new_places[old.id] = Membership(
            1, next((p.disposition for p in places.values() if p.group == 1), Disposition.WORK), ""
        )

    ranges = [reach(a.started_at, a.ended_at) for a in ([old] if new is None else [old, changed[-1]])]
    zones = {a.zone for a in [*activities, *changed]}
    days = days_reached(ranges, zones)
    after = before | {d.minutes.day: d for d in slice_days(loaded(changed, days, zones), new_places, EMPTY_BOOK, days)}
    everything = {d.minutes.day: d for d in slice_days(changed, new_places, EMPTY_BOOK)}
    assert {day: d for day, d in after.items() if d.slices or d.minutes.captured_us} == {
        day: d for day, d in everything.items() if d.slices or d.minutes.captured_us
    }


@given(st.integers(START, START + SPAN_MINUTES * MINUTE), st.sampled_from(ZONES))
def test_an_instant_is_inside_its_billing_day(at: int, zone: str):
    day = billing_day(at, zone)
    assert day_begins(day, zone) <= at < day_begins(day + timedelta(days=1), zone)


@given(st.integers(START, START + SPAN_MINUTES * MINUTE), st.integers(0, 5 * 24 * 60 * MINUTE), st.sampled_from(ZONES))
def test_splitting_loses_nothing(start: int, length: int, zone: str):
    parts = list(split_by_day(start, start + length, zone))
    assert sum(share for _, share in parts) == length
    assert [day for day, _ in parts] == sorted({day for day, _ in parts})


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 28), 23),  # the night in which clocks go forward belongs to the evening before
        ("Europe/Berlin", date(2026, 3, 29), 24),
        ("Europe/Berlin", date(2026, 10, 24), 25),
        ("America/New_York", date(2026, 3, 7), 23),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # a date that Samoa left out
        ("Asia/Kathmandu", date(2026, 3, 28), 24),
    ],
)
def test_length_of_a_billing_day(zone: str, day: date, hours: int):
    assert day_begins(day + timedelta(days=1), zone) - day_begins(day, zone) == hours * 60 * MINUTE


def test_four_in_the_morning_begins_the_day():
    zone = ZoneInfo("Europe/Berlin")
    assert billing_day(instant(datetime(2026, 11, 3, 3, 59, 59, 999_999, tzinfo=zone)), zone.key) == date(2026, 11, 2)
    assert billing_day(instant(datetime(2026, 11, 3, 4, 0, tzinfo=zone)), zone.key) == date(2026, 11, 3)


def test_imputed_intervals_overlap_nothing():
    at = START
    window_ = Activity(1, Kind.WINDOW, at, at + 20 * MINUTE, "UTC", Words())
    inside = Activity(2, Kind.MAIL, at + 10 * MINUTE, None, "UTC", Words())
    soon = Activity(3, Kind.MAIL, at + 22 * MINUTE, None, "UTC", Words())
    later = Activity(4, Kind.MAIL, at + 90 * MINUTE, None, "UTC", Words())
    lengths = {s.activity.id: (s.end - s.start) // MINUTE for s in spans([later, soon, inside, window_])}
    assert lengths == {1: 20, 2: 0, 3: 2, 4: 6}
