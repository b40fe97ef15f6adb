"""Law 10, looked at from the other side: what billing makes of any groups audits clean, and no minute can be changed in
it unseen.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from processors.audit.audit import audit
from processors.audit.findings import Kind as Found
from processors.audit.interval_measure import measure_by_day
from processors.billing.entries.billing_day import instant
from processors.billing.entries.drafts import drafted_days
from processors.billing.entries.imputation import spans
from processors.billing.entries.matters import matter_book
from processors.billing.entries.slicing import slice_days
from schemas.billing import Directory, DraftedDay, Membership, SlicedDay
from schemas.groups import Disposition, Group, Member
from schemas.keys import Scope
from schemas.ledger_snapshot import (
    DayRow,
    EntryPartRow,
    EntryRow,
    LedgerSnapshot,
    LiveActivity,
    MemberRow,
    StoredGroup,
)
from schemas.values import Activity, Kind, Words, content_hash

MINUTE = 60_000_000
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland")
NO_MATTERS = matter_book(Directory())
# Europe puts its clocks forward an hour and a half into this.
START = instant(datetime(2026, 3, 28, 23, 30, tzinfo=UTC))


@st.composite
def activities(draw: st.DrawFn) -> list[Activity]:
    """Up to ten, crowded around a change of clocks and 04:00, in several zones; some excluded, some points."""
    found = []
    for id in range(1, draw(st.integers(1, 10)) + 1):
        start = START + draw(st.integers(0, 600)) * MINUTE
        length = draw(st.none() | st.integers(0, 90) | st.integers(0, 3000))
        found.append(
            Activity(
                id=id,
                kind=draw(st.sampled_from(Kind)),
                started_at=start,
                ended_at=None if length is None else start + length * MINUTE,
                zone=draw(st.sampled_from(ZONES)),
                words=Words(title=str(draw(st.integers(0, 3)))),
                matter=draw(st.sampled_from((None, 1, 2))),
                billable=draw(st.sampled_from((None, True, False))),
                excluded=draw(st.integers(0, 4)) == 0,
            )
        )
    return found


@st.composite
def right_books(draw: st.DrawFn) -> LedgerSnapshot:
    """Any activities in any groups, and the tables as billing fills them."""
    all_of_them = draw(activities())
    placed = [one for one in all_of_them if not one.excluded]
    names = {one.id: draw(st.integers(1, one.id)) for one in placed}
    members: dict[int, list[Member]] = {}
    for one in placed:
        members.setdefault(names[one.id], []).append(Member(one.id, content_hash(one)))
    groups = {
        name: Group(tuple(sorted(of)), draw(st.sampled_from(Disposition)), 0, 0, 0, 0, "model")
        for name, of in members.items()
    }
    places = {
        member.id: Membership(name, group.disposition, member.hash)
        for name, group in groups.items()
        for member in group.members
    }
    days = [day.minutes.day for day in slice_days(all_of_them, places, NO_MATTERS)]
    drafted = drafted_days(all_of_them, places, NO_MATTERS, days, {})
    entries, parts = _stored(drafted)
    return LedgerSnapshot(
        scope=Scope(1, 2),
        live={one.id: LiveActivity(one, content_hash(one), 0) for one in all_of_them},
        groups={name: StoredGroup(group, 1) for name, group in groups.items()},
        members=tuple(MemberRow(name, one.id, one.hash) for name, group in groups.items() for one in group.members),
        published=groups,
        entries=entries,
        parts=parts,
        days={one.minutes.day: _day_row(one) for one in drafted},
    )


def _stored(days: list[DraftedDay]) -> tuple[tuple[EntryRow, ...], tuple[EntryPartRow, ...]]:
    drafts = [draft.slice for day in days for draft in day.drafts]
    entries = tuple(
        EntryRow(id, one.group, one.day, False, one.billable, one.allocated_us, one.imputed_us)
        for id, one in enumerate(drafts, 1)
    )
    parts = tuple(
        EntryPartRow(id, part.activity, part.allocated_us, part.imputed)
        for id, one in enumerate(drafts, 1)
        for part in one.parts
    )
    return entries, parts


def _day_row(day: DraftedDay) -> DayRow:
    m = day.minutes
    return DayRow(m.captured_us, m.billable_us, m.non_billable_us, m.held_us, m.outlier_us, m.excluded_us)


@given(right_books())
def test_what_billing_makes_of_any_groups_audits_clean(books: LedgerSnapshot) -> None:
    found = audit(books)
    assert found.findings == ()
    assert found.live_hash == found.grouped_hash
    assert found.minutes.captured_us == found.minutes.sum_of_classes_us


@given(right_books(), st.data())
def test_no_minute_of_a_day_changes_unseen(books: LedgerSnapshot, data: st.DataObject) -> None:
    day = data.draw(st.sampled_from(sorted(books.days)))
    name = data.draw(st.sampled_from(DayRow.__struct_fields__))
    changed = {name: getattr(books.days[day], name) + data.draw(st.sampled_from((-1, 1, MINUTE)))}
    damaged = _with(books, days=dict(books.days) | {day: msgspec.structs.replace(books.days[day], **changed)})
    assert (Found.MINUTES_OFF, day) in {(one.kind, one.day) for one in audit(damaged).findings}


@given(right_books(), st.data())
def test_no_row_of_the_tables_goes_unseen(books: LedgerSnapshot, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(("members", "entries", "parts")))
    rows: tuple[Any, ...] = getattr(books, table)
    assume(rows)
    gone = data.draw(st.sampled_from(rows))
    assert audit(_with(books, **{table: tuple(row for row in rows if row != gone)})).findings


@given(right_books(), st.data())
def test_no_activity_goes_comes_or_changes_unseen(books: LedgerSnapshot, data: st.DataObject) -> None:
    id = data.draw(st.sampled_from(sorted(books.live)))
    one = books.live[id].activity
    assert one is not None
    how = data.draw(st.sampled_from(("goes", "changes")))
    live = {other: row for other, row in books.live.items() if other != id}
    if how == "changes":
        renamed = msgspec.structs.replace(one, app="another", excluded=not one.excluded)
        live[id] = LiveActivity(renamed, content_hash(renamed), 1)
    assume(not (one.excluded and how == "goes" and _owns_nothing(books, id)))
    assert audit(_with(books, live=live)).findings


def _owns_nothing(books: LedgerSnapshot, id: int) -> bool:
    """An excluded activity that lasts no time, or whose every minute another one owns, leaves no trace when it goes."""
    rest = [row.activity for other, row in books.live.items() if other != id and row.activity]
    everything = [row.activity for row in books.live.values() if row.activity]
    places = {
        member.id: Membership(name, stored.group.disposition, member.hash)
        for name, stored in books.groups.items()
        for member in stored.group.members
    }

    def days(of: Iterable[Activity]) -> list[SlicedDay]:
        return [day for day in slice_days(of, places, NO_MATTERS) if day.minutes.captured_us]

    return days(rest) == days(everything)


@given(activities())
def test_the_measure_of_days_is_what_the_sweep_gives_them(these: list[Activity]) -> None:
    measured = measure_by_day(spans(these))
    places = {one.id: Membership(1, Disposition.WORK, "") for one in these if not one.excluded}
    captured: dict[date, int] = {
        day.minutes.day: day.minutes.captured_us for day in slice_days(these, places, NO_MATTERS)
    }
    for day, measure in measured.items():
        assert measure is None or measure == captured.get(day, 0)


def _with(books: LedgerSnapshot, **changed: Any) -> LedgerSnapshot:
    return msgspec.structs.replace(books, **changed)
