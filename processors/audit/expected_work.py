"""The work that each day must have, given the activities and the groups that hold them.

Matters are left out: a firm's directory changes without any activity changing.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

import msgspec

from processors.audit.interval_measure import measure_by_day, stretches
from processors.billing.entries.imputation import spans
from processors.billing.entries.matters import matter_book
from processors.billing.entries.slicing import slice_days
from schemas.billing import Directory, Membership, SlicedDay
from schemas.groups import Disposition
from schemas.ledger_snapshot import DayRow, LedgerSnapshot

NO_MATTERS = matter_book(Directory())

Share = tuple[int, bool]
"""Microseconds, and whether they were imputed."""

Work = dict[tuple[date, int], dict[int, Share]]
"""What each activity gave to the work of a group on a day."""


class Expected(msgspec.Struct, frozen=True):
    """What the activities and their groups come to: the work, the days by class, and the measure of the union."""

    work: Work
    days: Mapping[date, DayRow]
    measured: Mapping[date, int | None]
    total_us: int


def expected(books: LedgerSnapshot) -> Expected:
    """From the rows that are in a group with their present content, and the excluded ones, as `bill` has to see it."""
    places = _places(books)
    taking_part = [
        live.activity
        for id, live in books.live.items()
        if live.activity is not None and (live.activity.excluded or id in places)
    ]
    sliced = slice_days(taking_part, places, NO_MATTERS)
    timed = spans(taking_part)
    return Expected(
        work=_work(sliced),
        days={day.minutes.day: _day_row(day) for day in sliced},
        measured=measure_by_day(timed),
        total_us=sum(stretch.end - stretch.start for stretch in stretches(timed)),
    )


def _places(books: LedgerSnapshot) -> dict[int, Membership]:
    places: dict[int, Membership] = {}
    by_offset = sorted(
        (stored.offset, member.group, member.activity, member.hash)
        for member in books.members
        if (stored := books.groups.get(member.group))
    )
    for _, group, activity, hash in by_offset:
        live = books.live.get(activity)
        if live is not None and live.hash == hash and not live.excluded:
            places[activity] = Membership(group, books.groups[group].group.disposition, hash)
    return places


def _work(sliced: list[SlicedDay]) -> Work:
    work: Work = defaultdict(dict)
    for day in sliced:
        for part in day.slices:
            if part.disposition is Disposition.WORK:
                shares = {one.activity: (one.allocated_us, one.imputed) for one in part.parts}
                work[part.day, part.group].update(shares)
    return dict(work)


def _day_row(day: SlicedDay) -> DayRow:
    m = day.minutes
    return DayRow(m.captured_us, m.billable_us, m.non_billable_us, m.held_us, m.outlier_us, m.excluded_us)
