"""A timekeeper's timesheet as a value: what the terminal, the page and `--json` show, whatever it was made from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

import msgspec

from processors.billing.entries.drafts import drafted_days
from processors.billing.entries.matters import matter_book
from processors.billing.entries.slicing import slice_days
from processors.billing.narratives.extractive import extractive
from schemas.billing import DayMinutes, Directory, Draft, Membership, Slice, TimesheetEntry
from schemas.groups import Disposition, Group
from schemas.values import Activity

MINUTE_US = 60_000_000

T = TypeVar("T")


class SheetOwner(msgspec.Struct, frozen=True):
    """The timekeeper of a timesheet."""

    name: str
    email: str = ""
    firm: str = ""


class Line(msgspec.Struct, frozen=True):
    """An entry. `minutes` are rounded so that a day's lines add up; `matter` is None where it is unassigned."""

    day: date
    group: int
    client: str
    matter: str | None
    billable: bool
    minutes: int
    imputed_minutes: int
    allocated_us: int
    narrative: str
    extractive: bool
    status: str


class UnbilledLine(msgspec.Struct, frozen=True):
    """A group's minutes of a day that are in no entry: held as unsure, or an outlier."""

    day: date
    group: int
    disposition: Disposition
    minutes: int
    allocated_us: int
    what: str


class SheetDay(msgspec.Struct, frozen=True):
    """One billing day: its entries, its unbilled groups (`asides`), and its minutes by class."""

    day: date
    lines: tuple[Line, ...]
    asides: tuple[UnbilledLine, ...]
    minutes: DayMinutes
    total: int


class MatterTotal(msgspec.Struct, frozen=True):
    """The minutes of a matter over the whole sheet."""

    client: str
    matter: str | None
    billable: bool
    minutes: int


class Timesheet(msgspec.Struct, frozen=True):
    """The billing days [starts_on, ends_on) of one timekeeper; days without activities are left out."""

    owner: SheetOwner
    starts_on: date
    ends_on: date
    days: tuple[SheetDay, ...]
    matters: tuple[MatterTotal, ...]

    @property
    def total(self) -> int:
        """Minutes in entries."""
        return sum(day.total for day in self.days)


def timesheet(
    owner: SheetOwner,
    span: tuple[date, date],
    entries: Iterable[TimesheetEntry],
    asides: Iterable[tuple[Slice, str]],
    minutes: Iterable[DayMinutes],
    directory: Directory,
) -> Timesheet:
    """Makes the timesheet of stored or drafted entries. `asides` are the slices in no entry, with their subjects."""
    entries_of, asides_of = _by(entries, lambda e: e.day), _by(asides, lambda aside: aside[0].day)
    minutes_of = {one.day: one for one in minutes}
    names = _names(directory)
    days = tuple(
        _day(minutes_of.get(day, DayMinutes(day)), entries_of.get(day, []), asides_of.get(day, []), names)
        for day in sorted(entries_of.keys() | asides_of.keys() | minutes_of.keys())
        if span[0] <= day < span[1]
    )
    return Timesheet(owner, *span, days, _totals(days))


def timesheet_of(
    owner: SheetOwner,
    activities: Sequence[Activity],
    groups: Mapping[int, Group],
    directory: Directory,
    days: int | None = None,
) -> Timesheet | None:
    """Makes the timesheet of grouped activities without a database: of the last `days` days with activities, or of all.
    None if there are no activities.
    """
    places = {
        m.id: Membership(name, group.disposition, m.hash) for name, group in groups.items() for m in group.members
    }
    book = matter_book(directory)
    sliced = slice_days(activities, places, book)[-days if days else 0 :]
    if not sliced:
        return None
    dates = [day.minutes.day for day in sliced]
    drafted = drafted_days(activities, places, book, dates, {})
    by_id = {activity.id: activity for activity in activities}
    entries = [_drafted(draft) for day in drafted for draft in day.drafts]
    aside = asides((part for day in sliced for part in day.slices), by_id)
    span = (dates[0], date.fromordinal(dates[-1].toordinal() + 1))
    return timesheet(owner, span, entries, aside, [day.minutes for day in sliced], directory)


def _drafted(draft: Draft) -> TimesheetEntry:
    part = draft.slice
    return TimesheetEntry(
        part.day, part.group, part.matter, part.billable, part.allocated_us, part.imputed_us, draft.narrative
    )


def asides(slices: Iterable[Slice], by_id: Mapping[int, Activity]) -> list[tuple[Slice, str]]:
    """Those slices that become no entry, with what their activities say."""
    return [(part, extractive(part, by_id)) for part in slices if part.disposition is not Disposition.WORK]


def rounded(amounts: Sequence[int]) -> list[int]:
    """Microseconds as whole minutes that add up to the rounded total: the largest remainders are rounded up."""
    whole = [us // MINUTE_US for us in amounts]
    missing = (sum(amounts) + MINUTE_US // 2) // MINUTE_US - sum(whole)
    by_remainder = sorted(range(len(amounts)), key=lambda n: (-(amounts[n] % MINUTE_US), n))
    for n in by_remainder[:missing]:
        whole[n] += 1
    return whole


Names = Mapping[int, tuple[str, str]]
"""Client and matter as written, by matter."""


def _names(directory: Directory) -> Names:
    clients = {client.id: client.name for client in directory.clients}
    return {m.id: (clients.get(m.client, ""), f"{m.number} {m.name}".strip()) for m in directory.matters}


def _day(
    minutes: DayMinutes, entries: Sequence[TimesheetEntry], asides_: Sequence[tuple[Slice, str]], names: Names
) -> SheetDay:
    ordered = sorted(entries, key=lambda e: (-e.allocated_us, e.group, e.matter or 0))
    whole = rounded([entry.allocated_us for entry in ordered])
    lines = tuple(_line(entry, m, names) for entry, m in zip(ordered, whole, strict=True))
    left = sorted(asides_, key=lambda aside: (aside[0].disposition, -aside[0].allocated_us, aside[0].group))
    whole_left = rounded([part.allocated_us for part, _ in left])
    left_lines = tuple(
        UnbilledLine(part.day, part.group, part.disposition, m, part.allocated_us, what)
        for (part, what), m in zip(left, whole_left, strict=True)
    )
    return SheetDay(minutes.day, lines, left_lines, minutes, sum(whole))


def _line(entry: TimesheetEntry, minutes: int, names: Names) -> Line:
    client, matter = names.get(entry.matter, ("", None)) if entry.matter is not None else ("", None)
    return Line(
        day=entry.day,
        group=entry.group,
        client=client,
        matter=matter,
        billable=entry.billable,
        minutes=minutes,
        imputed_minutes=min(minutes, (entry.imputed_us + MINUTE_US // 2) // MINUTE_US),
        allocated_us=entry.allocated_us,
        narrative=entry.narrative,
        extractive=entry.extractive,
        status=entry.status,
    )


def _totals(days: Sequence[SheetDay]) -> tuple[MatterTotal, ...]:
    """By matter, unassigned last; from the lines' minutes, so that what is shown adds up."""
    found: dict[tuple[bool, str, str | None, bool], int] = defaultdict(int)
    for line in (line for day in days for line in day.lines):
        found[line.matter is None, line.client, line.matter, line.billable] += line.minutes
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or "", not item[0][3]))
    return tuple(MatterTotal(client, matter, billable, m) for (_, client, matter, billable), m in ordered)


def _by(items: Iterable[T], day: Callable[[T], date]) -> dict[date, list[T]]:
    found: dict[date, list[T]] = defaultdict(list)
    for item in items:
        found[day(item)].append(item)
    return found
