"""A timesheet shows all minutes once, marks what was inferred or taken from words, and lets no text break the page."""

import re
from datetime import UTC, date, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType

from processors.billing.entries.billing_day import instant
from processors.billing.timesheet import MINUTE_US, SheetOwner, Timesheet, rounded, timesheet_of
from schemas.billing import Client, Directory, Matter
from schemas.groups import Disposition, Group, Member
from schemas.values import Activity, Kind, Words, content_hash
from streams.shared.terminal import WIDTH, table_console
from streams.views.timesheet import timesheet_page, timesheet_table

MINUTE = 60_000_000
NINE = instant(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
MONDAY = date(2026, 3, 2)
DIRECTORY = Directory((Client(1, "Example Harbour"),), (Matter(10, 1, "2026-0101", "Lease", (), True),))


def activity(id: int, minute: int, minutes: int | None, title: str, kind: Kind = Kind.DOCUMENT) -> Activity:
    start = NINE + minute * MINUTE
    end = None if minutes is None else start + minutes * MINUTE
    return Activity(id, kind, start, end, "Europe/Berlin", Words(title=title))


def group(*members: Activity, disposition: Disposition = Disposition.WORK) -> Group:
    return Group(tuple(Member(a.id, content_hash(a)) for a in members), disposition, 0, 0, 0, 0, "test")


def sheet(activities: list[Activity], groups: list[Group], owner: str = "Ada Example") -> Timesheet:
    named = {one.members[0].id: one for one in groups}
    found = timesheet_of(SheetOwner(owner, "ada@firm.example", "Firm"), activities, named, DIRECTORY)
    assert found is not None
    return found


def test_what_is_shown() -> None:
    """30 minutes on a matter, 6 imputed ones for a mail that nobody can assign, 12 held, 5 an outlier."""
    lease = activity(1, 0, 30, "Lease 2026-0101")
    mail = activity(2, 60, None, "Lunch?", Kind.MAIL)
    held, outlier = activity(3, 120, 12, "Something"), activity(4, 180, 5, "Noise")
    shown = sheet(
        [lease, mail, held, outlier],
        [
            group(lease),
            group(mail),
            group(held, disposition=Disposition.HELD),
            group(outlier, disposition=Disposition.OUTLIER),
        ],
    )
    (day,) = shown.days
    assert [(line.matter, line.client, line.minutes, line.imputed_minutes) for line in day.lines] == [
        ("2026-0101 Lease", "Example Harbour", 30, 0),
        (None, "", 6, 6),
    ]
    assert all(line.extractive for line in day.lines)
    assert [(aside.disposition, aside.minutes) for aside in day.asides] == [("held", 12), ("outlier", 5)]
    assert (day.total, shown.total) == (36, 36)
    assert [(total.matter, total.minutes) for total in shown.matters] == [("2026-0101 Lease", 30), (None, 6)]

    html = timesheet_page(shown)
    for text in (
        "Ada Example",
        "Example Harbour",
        "0:30",
        "0:06 imputed",
        "extractive",
        "unassigned",
        "held",
        "outlier",
    ):
        assert text in html
    assert "Mon 2 Mar 2026" in html


def test_what_rounds_to_nothing_is_told_in_one_line() -> None:
    """30 minutes, and two of ten seconds: the day's 30 minutes are shown, and the others as what they are."""
    lease = activity(1, 0, 30, "Lease 2026-0101")
    blinks = [activity(n, 60 * n, 0, f"Blink {n}") for n in (2, 3)]
    blinks = [msgspec.structs.replace(one, ended_at=one.started_at + 10_000_000) for one in blinks]
    shown = sheet([lease, *blinks], [group(lease), *(group(one) for one in blinks)])
    printed = {matters: drawn(timesheet_table(shown, matters)) for matters in (True, False)}
    for text in (*printed.values(), timesheet_page(shown)):
        assert "Lease 2026-0101" in text
        assert "Blink" not in text
    assert "and 2 of less than a minute" in printed[True]
    assert "Example Harbour" in printed[True]
    assert "Example Harbour" not in printed[False]


def drawn(what: RenderableType) -> str:
    """As it is in a pipe, where there is no terminal to be as narrow as."""
    console = table_console()
    with console.capture() as printed:
        console.print(what)
    assert console.is_terminal or console.width >= WIDTH
    return printed.get()


def test_a_title_is_text_and_nothing_else() -> None:
    evil = activity(1, 0, 30, '<script>alert(1)</script>"><img src=x onerror=alert(2)> {{ 7 * 7 }}')
    html = timesheet_page(sheet([evil], [group(evil)], owner="<b>Ada</b>"))
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>Ada" not in html
    assert "{{ 7 * 7 }}" in html


def test_the_page_needs_nothing_from_anywhere() -> None:
    lease = activity(1, 0, 30, "Lease")
    html = timesheet_page(sheet([lease], [group(lease)]))
    assert re.findall(r"(?:src|href|url\(|@import)", html) == []


@given(st.lists(st.integers(0, 10**10), max_size=30))
def test_rounding_keeps_the_total_and_moves_no_line_by_a_minute(amounts: list[int]) -> None:
    whole = rounded(amounts)
    assert sum(whole) == (sum(amounts) + MINUTE_US // 2) // MINUTE_US
    assert all(abs(minutes * MINUTE_US - us) < MINUTE_US for minutes, us in zip(whole, amounts, strict=True))


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 200), st.integers(1, 4)), min_size=1, max_size=12))
def test_a_sheet_shows_every_minute_once(work: list[tuple[int, int, int]]) -> None:
    """Lines and asides of a day together are what was captured, to the microsecond before rounding."""
    activities = [activity(n, minute, minutes, "Title") for n, (minute, minutes, _) in enumerate(work, 1)]
    groups = []
    for label, disposition in zip((1, 2, 3, 4), (*Disposition, Disposition.WORK), strict=True):
        if members := [a for a, (_, _, of) in zip(activities, work, strict=True) if of == label]:
            groups.append(group(*members, disposition=disposition))
    for day in sheet(activities, groups).days:
        shown = sum(line.allocated_us for line in day.lines) + sum(aside.allocated_us for aside in day.asides)
        assert shown == day.minutes.captured_us
        assert day.total == sum(line.minutes for line in day.lines)
