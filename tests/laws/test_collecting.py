"""How the generated week is dialled, dated and paced."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from processors.billing.cadence import periods_due
from processors.simulation.dials import Dials
from processors.simulation.values import RowWrite, SimulatedRow, WriteOperation
from processors.simulation.vocabulary.names import PLACES
from processors.simulation.week import working_days
from schemas.billing import Cadence
from schemas.values import Kind, Words
from streams.simulate.collector import CUTOFF_MINUTES, MOST_TOGETHER, TOGETHER, WEEKLY, opening, paced
from streams.simulate.command import parse_dials, past_week_start


def write(number: int) -> RowWrite:
    return RowWrite(
        number, "e", WriteOperation.INSERT, SimulatedRow(str(number), Kind.OTHER, "", 0, None, "UTC", Words())
    )


class Clock:
    """Time that passes only by sleeping, and by `costs` for each batch that is taken."""

    def __init__(self, costs: float) -> None:
        self.now, self.costs = 100.0, costs

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(st.integers(0, 400), st.sampled_from([None, 0.5, 10.0, 1000.0]), st.sampled_from([0.0, 0.01, 3.0]))
def test_every_write_is_given_once_in_order_and_never_before_its_time(
    count: int, rate: float | None, costs: float
) -> None:
    clock = Clock(costs)
    writes = [write(number) for number in range(count)]
    given_: list[RowWrite] = []
    for batch in paced(writes, rate, clock, clock.sleep):
        assert 1 <= len(batch) <= (TOGETHER if rate is None else MOST_TOGETHER)
        given_ += batch
        if rate is not None:
            assert len(given_) - 1 <= (clock.now - 100.0) * rate + 1e-6
        clock.now += costs
    assert given_ == writes


def test_whoever_keeps_up_gets_one_at_a_time_and_whoever_does_not_gets_what_is_due() -> None:
    clock = Clock(costs=0)
    assert [len(batch) for batch in paced([write(n) for n in range(5)], 10, clock, clock.sleep)] == [1] * 5
    assert clock.now == pytest.approx(100.5)
    slow, sizes = Clock(costs=1.06), []
    for batch in paced([write(n) for n in range(23)], 10, slow, slow.sleep):
        sizes.append(len(batch))
        slow.now += slow.costs
    assert sizes == [1, 10, 11, 1]  # due by 1.06 s: numbers 0 to 10; by 2.12 s: to 21


@given(st.dates(date(2024, 1, 1), date(2030, 1, 1)), st.integers(1, 30))
def test_the_default_week_is_over_and_its_period_due_for_everybody(today: date, days: int) -> None:
    first = past_week_start(today, days)
    assert first.weekday() == 0
    assert working_days(first, days)[-1] < today
    now = int((today - date(1970, 1, 1)).total_seconds()) * 1_000_000  # midnight UTC, the earliest moment of today
    for zone, _ in PLACES:
        assert ZoneInfo(zone)
        cadence = Cadence(1, WEEKLY, opening(first), zone, CUTOFF_MINUTES)
        due = periods_due(cadence, now, None)
        assert due[0].starts_on == first
        assert due[-1].ends_on > working_days(first, days)[-1]
        assert today - first <= timedelta(days=7 * (days // 5 + 1) + 9)


def test_dials_are_taken_by_name_and_what_cannot_be_is_refused() -> None:
    assert parse_dials({}, ["interruptions=8.5", "pieces=3"]) == Dials(interruptions=8.5, pieces=3)
    for wrong in ("noise=2", "nois=0.1", "noise=much", "mails=-1", "pieces=2.5", "noise"):
        with pytest.raises(typer.BadParameter):
            parse_dials({}, [wrong])
