"""The billing day: local to where an activity happened, from 04:00 to 04:00, so it may have 23, 24 or 25 hours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_BEGINS = time(4)
"""Work after midnight belongs to the evening before it; at four o'clock hardly anybody works."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def instant(at: datetime) -> int:
    """An aware time as microseconds since 1970 in UTC."""
    return (at.astimezone(UTC) - EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Microseconds since 1970 as an aware time in UTC."""
    return EPOCH + timedelta(microseconds=at)


@lru_cache(maxsize=65_536)
def day_begins(day: date, zone: str) -> int:
    """The instant at which a billing day begins there.

    Where clocks jump over 04:00 the offset before the jump counts, where they show it twice the first time counts. So a
    date that a zone left out altogether is a day of no length.
    """
    return instant(datetime.combine(day, DAY_BEGINS, ZoneInfo(zone)))


def billing_day(at: int, zone: str) -> date:
    """The day that an instant belongs to: the last one that has begun by then."""
    day = (moment(at).astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(hours=DAY_BEGINS.hour)).date()
    while day_begins(day, zone) > at:
        day -= ONE_DAY
    while day_begins(day + ONE_DAY, zone) <= at:
        day += ONE_DAY
    return day


def split_by_day(start: int, end: int, zone: str) -> Iterator[tuple[date, int]]:
    """The days that [start, end) touches, with the microseconds in each. An empty interval touches the day it is in."""
    day = billing_day(start, zone)
    if start == end:
        yield day, 0
    while start < end:
        until = min(end, day_begins(day + ONE_DAY, zone))
        if until > start:
            yield day, until - start
        start = until
        day += ONE_DAY
