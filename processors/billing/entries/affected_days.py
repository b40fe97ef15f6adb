"""Which days a changed activity can change, and what must be read to slice them. Only affected days are sliced again.

An activity decides over the minutes it covers, and over the imputed minutes of points in time near it: nothing further
away than the longest cap.
"""

from collections.abc import Collection, Iterable
from datetime import date

from processors.billing.entries.billing_day import ONE_DAY, billing_day, day_begins
from processors.billing.entries.imputation import LONGEST_CAP_US

Range = tuple[int, int]
"""Instants from, to (both inside)."""


def reach(started_at: int, ended_at: int | None) -> Range:
    """The instants whose owner may change when this activity is added, removed or changed."""
    end = started_at if ended_at is None else ended_at
    return started_at - LONGEST_CAP_US, end + LONGEST_CAP_US


def days_reached(ranges: Iterable[Range], zones: Collection[str]) -> set[date]:
    """Every billing day, in any of the zones, that has an instant of the ranges.

    `zones` are all zones of the timekeeper's activities, before and after the change: a day in one zone shares hours
    with two days in another.
    """
    found: set[date] = set()
    for first, last in ranges:
        for zone in zones:
            day, until = billing_day(first, zone), billing_day(last, zone)
            while day <= until:
                found.add(day)
                day += ONE_DAY
    return found


def window(days: Collection[date], zones: Collection[str]) -> list[Range]:
    """The instants to read: every activity that touches one of them takes part in slicing the days.

    Neighbouring days share a range. `zones` are as for `days_reached`.
    """
    ranges: list[Range] = []
    for day in sorted(days):
        first = min(day_begins(day, zone) for zone in zones) - LONGEST_CAP_US
        last = max(day_begins(day + ONE_DAY, zone) for zone in zones) + LONGEST_CAP_US
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return ranges
