"""Which periods a cadence closes, and when. The cases are worked out by hand from a calendar."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.billing.cadence import BOUNDS, next_due, periods, periods_due
from processors.billing.entries.billing_day import day_begins, instant
from schemas.billing import Cadence, Occurrence
from schemas.errors import ConfigurationError

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def cadence(rrule: str, dtstart: datetime, zone: str = BERLIN, cutoff_minutes: int = 0) -> Cadence:
    return Cadence(1, rrule, dtstart, zone, cutoff_minutes)


def wall(text: str) -> datetime:
    """A time on somebody's wall clock."""
    return datetime.fromisoformat(text)


def utc(text: str) -> int:
    return instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


def spans(of: Cadence, most: int) -> list[tuple[str, str]]:
    return [(str(p.starts_on), str(p.ends_on)) for p, _ in zip(periods(of), range(most), strict=False)]


def test_a_week_from_monday_to_monday() -> None:
    weekly = cadence("FREQ=WEEKLY;BYDAY=MO", wall("2026-11-02"))
    assert spans(weekly, 2) == [("2026-11-02", "2026-11-09"), ("2026-11-09", "2026-11-16")]


def test_the_first_period_begins_where_the_cadence_does() -> None:
    """From a Wednesday: five days to the first Monday."""
    weekly = cadence("FREQ=WEEKLY;BYDAY=MO", wall("2026-11-04"))
    assert spans(weekly, 2) == [("2026-11-04", "2026-11-09"), ("2026-11-09", "2026-11-16")]


def test_the_31st_rolls_back_to_the_last_day_of_shorter_months() -> None:
    monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=31", wall("2026-01-31"))
    assert spans(monthly, 4) == [
        ("2026-01-31", "2026-02-28"),
        ("2026-02-28", "2026-03-31"),
        ("2026-03-31", "2026-04-30"),
        ("2026-04-30", "2026-05-31"),
    ]


def test_a_leap_year_has_a_29th_of_february() -> None:
    monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=30", wall("2028-01-30"))
    assert spans(monthly, 2) == [("2028-01-30", "2028-02-29"), ("2028-02-29", "2028-03-30")]


def test_the_31st_without_rolling_leaves_months_out() -> None:
    monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=31;SKIP=OMIT", wall("2026-01-31"))
    assert spans(monthly, 3) == [
        ("2026-01-31", "2026-03-31"),
        ("2026-03-31", "2026-05-31"),
        ("2026-05-31", "2026-07-31"),
    ]


def test_a_monthly_rule_without_a_day_takes_that_of_its_start() -> None:
    monthly = cadence("FREQ=MONTHLY", wall("2026-01-31"))
    assert spans(monthly, 2) == [("2026-01-31", "2026-02-28"), ("2026-02-28", "2026-03-31")]


def test_twice_a_month() -> None:
    semi_monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=1,16", wall("2026-02-01"))
    assert spans(semi_monthly, 3) == [
        ("2026-02-01", "2026-02-16"),
        ("2026-02-16", "2026-03-01"),
        ("2026-03-01", "2026-03-16"),
    ]


def test_the_15th_and_the_last() -> None:
    semi_monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=15,31", wall("2026-01-31"))
    assert spans(semi_monthly, 3) == [
        ("2026-01-31", "2026-02-15"),
        ("2026-02-15", "2026-02-28"),
        ("2026-02-28", "2026-03-15"),
    ]


def test_every_other_month_counts_months_and_not_days() -> None:
    bimonthly = cadence("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=31", wall("2026-02-28"))
    assert spans(bimonthly, 2) == [("2026-02-28", "2026-04-30"), ("2026-04-30", "2026-06-30")]


def test_count_counts_what_was_rolled() -> None:
    assert spans(cadence("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2", wall("2026-01-31")), 9) == [("2026-01-31", "2026-02-28")]


def test_until_in_utc_is_the_instant_it_says() -> None:
    """16 November begins in Berlin at 23:00 UTC of the 15th."""
    rule = "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261115T230000Z"
    assert spans(cadence(rule, wall("2026-11-02")), 9)[-1] == ("2026-11-09", "2026-11-16")
    rule = "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261115T225959Z"
    assert spans(cadence(rule, wall("2026-11-02")), 9)[-1] == ("2026-11-02", "2026-11-09")


@pytest.mark.parametrize(
    ("dtstart", "zone", "cutoff_minutes", "due"),
    [
        # At midnight the last billing day still runs: until 04:00, which in Berlin's winter is 03:00 UTC.
        (wall("2026-11-02"), BERLIN, 0, "2026-11-09T03:00"),
        (wall("2026-11-02"), BERLIN, 90, "2026-11-09T04:30"),
        (wall("2026-11-02T18:00"), BERLIN, 0, "2026-11-09T17:00"),
        (wall("2026-11-02T18:00"), NEW_YORK, 0, "2026-11-09T23:00"),
        # Summer time begins on Sunday 29 March 2026 at 02:00; Monday's 09:00 is 07:00 UTC.
        (wall("2026-03-23T09:00"), BERLIN, 0, "2026-03-30T07:00"),
        # It ended in New York on Sunday 1 November 2026; Monday's 09:00 is 14:00 UTC.
        (wall("2026-10-26T09:00"), NEW_YORK, 0, "2026-11-02T14:00"),
    ],
)
def test_when_the_first_week_is_due(dtstart: datetime, zone: str, cutoff_minutes: int, due: str) -> None:
    weekly = cadence("FREQ=WEEKLY;BYDAY=MO", dtstart, zone, cutoff_minutes)
    assert next(periods(weekly)).due_at == utc(due)


def test_a_wall_time_that_clocks_jump_over_counts_from_before_the_jump() -> None:
    """Lord Howe Island, 4 October 2026: 02:00 +10:30 becomes 02:30 +11:00. But 04:00, 17:00 UTC, is later anyway."""
    daily = cadence("FREQ=DAILY", wall("2026-10-03T02:15"), "Australia/Lord_Howe")
    assert next(periods(daily)) == Occurrence(date(2026, 10, 3), date(2026, 10, 4), utc("2026-10-03T17:00"))


def test_due_is_what_ended_and_was_not_closed() -> None:
    weekly = cadence("FREQ=WEEKLY;BYDAY=MO", wall("2026-11-02"))
    assert periods_due(weekly, utc("2026-11-09T02:59:59"), None) == []
    assert [p.starts_on for p in periods_due(weekly, utc("2026-11-09T03:00"), None)] == [date(2026, 11, 2)]
    assert [p.starts_on for p in periods_due(weekly, utc("2026-11-24T00:00"), date(2026, 11, 9))] == [
        date(2026, 11, 9),
        date(2026, 11, 16),
    ]


def test_what_is_due_next() -> None:
    weekly = cadence("FREQ=WEEKLY;BYDAY=MO", wall("2026-11-02"))
    found = next_due(weekly, utc("2026-11-10T00:00"), date(2026, 11, 9))
    assert found is not None
    assert (found.starts_on, found.due_at) == (date(2026, 11, 9), utc("2026-11-16T03:00"))
    assert next_due(cadence("FREQ=DAILY;COUNT=2", wall("2026-11-02")), utc("2027-01-01T00:00"), None) is None


def test_a_week_that_becomes_a_month_ends_with_the_month() -> None:
    """Known until Monday 9 March: the days from there to 1 April are billed, not left out."""
    monthly = cadence("FREQ=MONTHLY;BYMONTHDAY=1", wall("2026-01-01"))
    march, april = (date(2026, 3, 9), date(2026, 4, 1)), (date(2026, 4, 1), date(2026, 5, 1))
    found = periods_due(monthly, utc("2026-05-02T00:00"), march[0])
    assert [(p.starts_on, p.ends_on) for p in found] == [march, april]
    following = next_due(monthly, utc("2026-03-10T00:00"), march[0])
    assert following is not None
    assert (following.starts_on, following.ends_on) == march


def test_a_start_that_is_moved_ahead_leaves_no_day_out() -> None:
    """Known until 9 March, begun anew on 1 April: a period ends there, and the first month follows it."""
    monthly = cadence("FREQ=MONTHLY", wall("2026-04-01"))
    found = periods_due(monthly, utc("2026-05-02T00:00"), date(2026, 3, 9))
    assert [(str(p.starts_on), str(p.ends_on)) for p in found] == [
        ("2026-03-09", "2026-04-01"),
        ("2026-04-01", "2026-05-01"),
    ]


@pytest.mark.parametrize(
    "rrule",
    [
        "",
        "FREQ=HOURLY",
        "FREQ=SOMETIMES",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=x",
        "FREQ=MONTHLY;SKIP=FORWARD",
        "RSCALE=CHINESE;FREQ=MONTHLY",
        "FREQ=WEEKLY;UNTIL=nevermoreZ",
        "FREQ=WEEKLY;COUNT=x",
        "FREQ=WEEKLY;COUNT=99999999999999999999",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=WEEKLY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=MONTHLY;BYMONTHDAY=99999999999",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=99",
        "FREQ=DAILY;UNTIL=20261399",
        "\x00",
    ],
)
def test_a_rule_that_can_not_be_used_is_refused_with_its_text(rrule: str) -> None:
    with pytest.raises(ConfigurationError, match="Cadence 1"):
        periods_due(cadence(rrule, wall("2026-11-02")), utc("2027-01-01T00:00"), None)


@pytest.mark.parametrize("dtstart", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_start_in_no_working_life_is_refused(dtstart: str) -> None:
    """Every day since the year 1 would be a period that is due."""
    with pytest.raises(ConfigurationError, match="dtstart"):
        periods_due(cadence("FREQ=DAILY", wall(dtstart)), utc("2027-01-01T00:00"), None)


@pytest.mark.parametrize("cutoff", [-1, 2**31 - 1])
def test_a_cut_off_before_the_end_or_of_years_is_refused(cutoff: int) -> None:
    with pytest.raises(ConfigurationError, match="cutoff_minutes"):
        periods_due(cadence("FREQ=DAILY", wall("2026-11-02"), BERLIN, cutoff), utc("2027-01-01T00:00"), None)


anything = st.text("0123456789,;=-+MOTUDAILYWEKNHB ", max_size=12)
nearly_rules = st.builds(
    lambda freq, name, value: f"FREQ={freq};{name}={value}",
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.sampled_from([*BOUNDS, "BYDAY", "UNTIL"]),
    st.integers(-500, 500).map(str) | anything,
)


@given(nearly_rules | anything, st.datetimes())
@settings(max_examples=200, deadline=None)
def test_no_row_of_cadence_does_anything_but_work_or_be_refused(rrule: str, dtstart: datetime) -> None:
    """One timekeeper's row must stop nobody else's periods, so whatever it holds has one of two outcomes."""
    of = cadence(rrule, dtstart)
    with contextlib.suppress(ConfigurationError):
        next_due(of, instant(max(dtstart, wall("1970-01-01")).replace(tzinfo=UTC)), None)


rules = st.sampled_from(
    [
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;BYDAY=MO,TH",
        "FREQ=MONTHLY;BYMONTHDAY=15,31",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=29,30,31",
        "FREQ=YEARLY",
    ]
)
starts = st.datetimes(wall("2020-01-01"), wall("2030-01-01"))


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Atlantis"):
        periods_due(cadence("FREQ=DAILY", wall("2026-11-02"), "Atlantis"), utc("2027-01-01T00:00"), None)


@given(rules, starts, st.sampled_from((BERLIN, NEW_YORK, "Pacific/Apia", "UTC")), st.integers(0, 3000))
@settings(deadline=None)
def test_periods_join_without_gap_or_overlap(rule: str, dtstart: datetime, zone: str, cutoff: int) -> None:
    of = cadence(rule, dtstart, zone, cutoff)
    found = [p for p, _ in zip(periods(of), range(30), strict=False)]
    assert found[0].starts_on == dtstart.date()
    for one, following in pairwise(found):
        assert one.ends_on == following.starts_on
    for one in found:
        assert one.starts_on < one.ends_on
        assert one.due_at >= day_begins(one.ends_on, zone) + cutoff * 60_000_000


@given(rules, starts, st.lists(st.integers(0, 900), min_size=1, max_size=8))
@settings(deadline=None)
def test_looking_often_or_seldom_closes_the_same_periods(rule: str, dtstart: datetime, days: list[int]) -> None:
    """However irregularly a scheduler looks, each period is found once, in order."""
    of = cadence(rule, dtstart)
    found: list[Occurrence] = []
    looks = [instant(dtstart.replace(tzinfo=UTC) + timedelta(days=day)) for day in sorted(days)]
    for now in looks:
        found += periods_due(of, now, found[-1].ends_on if found else None)
    assert found == periods_due(of, looks[-1], None)


@given(st.lists(st.tuples(rules, starts, st.integers(0, 900)), min_size=2, max_size=5))
@settings(deadline=None)
def test_however_a_cadence_is_changed_no_day_is_left_out_or_billed_twice(
    changes: list[tuple[str, datetime, int]],
) -> None:
    """Each row that the cadence has had is looked at once, some days later than the one before."""
    found: list[Occurrence] = []
    day = instant(datetime(2020, 1, 1, tzinfo=UTC))
    for rule, dtstart, later in changes:
        day += later * 86_400_000_000
        of, known_until = cadence(rule, dtstart), found[-1].ends_on if found else None
        found += periods_due(of, day, known_until)
        following = next_due(of, day, found[-1].ends_on if found else None)
        assert following is not None
        assert following.starts_on == (found[-1].ends_on if found else dtstart.date())
    for one, following in pairwise(found):
        assert one.ends_on == following.starts_on
        assert following.starts_on < following.ends_on
