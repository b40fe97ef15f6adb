"""Periods are opened once, in order and without a gap, whoever looks, however seldom, and whatever else is changed."""

import itertools
from datetime import UTC, date, datetime

import msgspec
import pytest
from sqlalchemy import text

from connectors.mariadb.billing.periods import (
    CadenceState,
    close_period,
    open_period,
    read_cadences,
    read_pending_periods,
    reissue_close_mark,
)
from processors.billing.cadence import periods_due
from processors.billing.entries.billing_day import instant
from streams.bill.due_periods import MAX_PERIODS_AT_ONCE, Scheduler
from tests.contracts.ledger import Books

pytestmark = pytest.mark.stack


def at(day: str) -> int:
    return instant(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC))


def set_cadence(books: Books, rrule: str, dtstart: str = "2026-11-02") -> int:
    query = text(
        "INSERT INTO cadence (firm_id, timekeeper_id, rrule, dtstart, zone, cutoff_minutes)"
        " VALUES (:firm, :timekeeper, :rrule, :dtstart, 'UTC', 0)"
    )
    with books.collector.begin() as connection:
        named = {**msgspec.structs.asdict(books.scope), "rrule": rrule, "dtstart": dtstart}
        return int(connection.execute(query, named).lastrowid)


def change(books: Books, cadence: int, rrule: str) -> None:
    with books.collector.begin() as connection:
        connection.execute(text("UPDATE cadence SET rrule = :r WHERE id = :c"), {"r": rrule, "c": cadence})


def scheduled(books: Books, cadence: int) -> CadenceState:
    with books.pipeline.connect() as connection:
        return read_cadences(connection, cadence)[0]


def spans(books: Books) -> list[tuple[date, date]]:
    """The timekeeper's periods in the order of their ids, and of their marks."""
    query = text("SELECT starts_on, ends_on FROM period WHERE timekeeper_id = :t ORDER BY mark_id")
    with books.pipeline.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"t": books.scope.timekeeper})]  # type: ignore[misc]


def november(*days: int) -> list[tuple[date, date]]:
    return [(date(2026, 11, a), date(2026, 11, b)) for a, b in itertools.pairwise(days)]


def test_who_was_away_for_days_opens_what_is_due_in_order(books: Books) -> None:
    set_cadence(books, "FREQ=DAILY")
    scheduler = Scheduler(books.pipeline)
    scheduler.open_due(at("2026-11-03"))
    assert spans(books) == november(2, 3)
    scheduler.open_due(at("2026-11-06"))
    assert spans(books) == november(2, 3, 4, 5, 6)
    Scheduler(books.pipeline).open_due(at("2026-11-06"))
    assert spans(books) == november(2, 3, 4, 5, 6)


def test_two_that_look_around_a_change_of_the_rule_leave_no_day_out(books: Books) -> None:
    """One read the daily rule and opens its periods one by one; meanwhile the rule is weekly, and another looks."""
    cadence = set_cadence(books, "FREQ=DAILY")
    before = scheduled(books, cadence)
    first, second, *_ = periods_due(before.cadence, at("2026-11-20"), None)
    assert open_period(books.pipeline, before, first) is not None
    change(books, cadence, "FREQ=WEEKLY;BYDAY=MO")
    Scheduler(books.pipeline).open_due(at("2026-11-20"))
    between = msgspec.structs.replace(before, last_period_end=first.ends_on)
    assert open_period(books.pipeline, between, second) is None
    assert spans(books) == november(2, 3, 9, 16)


def test_the_old_rule_opens_nothing_behind_the_new_one(books: Books) -> None:
    """Its first period is there already, as another one; its second would leave a gap, or bill days twice."""
    cadence = set_cadence(books, "FREQ=DAILY")
    before = scheduled(books, cadence)
    due = periods_due(before.cadence, at("2026-11-20"), None)
    change(books, cadence, "FREQ=WEEKLY;BYDAY=MO")
    Scheduler(books.pipeline).open_due(at("2026-11-20"))
    for one in due:
        assert open_period(books.pipeline, before, one) is None
    assert spans(books) == november(2, 9, 16)


def test_a_cadence_that_is_deleted_meanwhile_opens_nothing(books: Books) -> None:
    cadence = set_cadence(books, "FREQ=DAILY")
    before = scheduled(books, cadence)
    with books.collector.begin() as connection:
        connection.execute(text("DELETE FROM cadence WHERE id = :c"), {"c": cadence})
    assert open_period(books.pipeline, before, periods_due(before.cadence, at("2026-11-20"), None)[0]) is None


def test_a_cadence_that_can_not_be_used_stops_no_other(books: Books) -> None:
    for rrule in ("FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;BYMONTH=13", "FREQ=MONTHLY;BYMONTHDAY=99999999", "nonsense"):
        set_cadence(books, rrule)
    set_cadence(books, "FREQ=DAILY", "0001-01-01")
    cadence = set_cadence(books, "FREQ=DAILY")
    Scheduler(books.pipeline).open_due(at("2026-11-03"))
    assert spans(books) == november(2, 3)
    assert scheduled(books, cadence).last_period_end == date(2026, 11, 3)


def test_a_start_years_back_is_caught_up_with_look_by_look(books: Books) -> None:
    set_cadence(books, "FREQ=DAILY", "2026-06-01")
    scheduler = Scheduler(books.pipeline)
    scheduler.open_due(at("2026-11-03"))
    assert len(spans(books)) == MAX_PERIODS_AT_ONCE
    scheduler.open_due(at("2026-11-03"))
    scheduler.open_due(at("2026-11-03"))
    found = spans(books)
    assert found[0][0] == date(2026, 6, 1)
    assert found[-1][1] == date(2026, 11, 3)
    assert all(one[1] == following[0] for one, following in itertools.pairwise(found))


def newest_mark(books: Books) -> int:
    query = text("SELECT MAX(id) FROM mark WHERE timekeeper_id = :t")
    with books.pipeline.connect() as connection:
        return int(connection.execute(query, {"t": books.scope.timekeeper}).scalar_one())


def test_a_period_that_is_open_gets_another_mark_and_one_that_is_closed_none(books: Books) -> None:
    set_cadence(books, "FREQ=DAILY")
    Scheduler(books.pipeline).open_due(at("2026-11-03"))
    lost = newest_mark(books)
    stranger = msgspec.structs.replace(books.scope, timekeeper=books.scope.timekeeper + 1)
    assert reissue_close_mark(books.pipeline, stranger, lost) is None, "of another timekeeper nothing is said"
    anew = reissue_close_mark(books.pipeline, books.scope, lost)
    assert anew == newest_mark(books)
    assert anew != lost
    with books.pipeline.begin() as connection:
        ((period, _),) = read_pending_periods(connection, books.scope)
        close_period(connection, period)
    assert reissue_close_mark(books.pipeline, books.scope, anew) is None
    assert newest_mark(books) == anew
    assert spans(books) == november(2, 3)
