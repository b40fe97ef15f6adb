"""A timekeeper's entries and minutes: as bill stored them, and as slicing everything at once gives them (law 10)."""

from datetime import date

import msgspec
from sqlalchemy import Engine, text

from connectors.mariadb.billing.entries import EntryState, read_entries
from connectors.mariadb.billing.slicing_input import read_by_id
from connectors.mariadb.source.directory import read_directory
from processors.billing.entries.drafts import drafted_days
from processors.billing.entries.matters import matter_book
from processors.billing.entries.slicing import slice_days
from schemas.billing import DayMinutes, Draft
from schemas.keys import Scope

Figures = dict[str, object]
Sheets = tuple[dict[tuple[date, int, int], Figures], dict[date, tuple[int, ...]]]
"""Entries by day, group and matter; and each day's captured, billable, non-billable, held, outlier, excluded."""


def stored(pipeline: Engine, scope: Scope) -> Sheets:
    """What the database has."""
    owner = msgspec.structs.asdict(scope)
    with pipeline.connect() as connection:
        days = set(connection.execute(_ENTRY_DAYS, owner).scalars())
        entries = read_entries(connection, scope, days)
        minutes = connection.execute(_MINUTES, owner).fetchall()
    return (
        {(row.day, *row.stored.key): _of_row(row) for rows in entries.values() for row in rows},
        {day: tuple(figures) for day, *figures in minutes},
    )


def expected(pipeline: Engine, scope: Scope) -> Sheets:
    """What all of the timekeeper's rows, in the groups that the database has, come to."""
    with pipeline.connect() as connection:
        ids = connection.execute(_IDS, msgspec.structs.asdict(scope)).scalars().all()
        everything = read_by_id(connection, scope, ids)
        book = matter_book(read_directory(connection, scope.firm))
    activities = everything.activities.values()
    days = [day.minutes.day for day in slice_days(activities, everything.memberships, book)]
    drafted = drafted_days(activities, everything.memberships, book, days, {})
    return (
        {(d.slice.day, *d.slice.key): _of_draft(d) for day in drafted for d in day.drafts},
        {day.minutes.day: _figures(day.minutes) for day in drafted if day.minutes.captured_us},
    )


def _of_row(row: EntryState) -> Figures:
    return {
        "content": row.content,
        "narrative": row.narrative,
        "billable": row.billable,
        "allocated_us": row.allocated_us,
        "imputed_us": row.imputed_us,
        "parts": dict(row.parts),
    }


def _of_draft(draft: Draft) -> Figures:
    part = draft.slice
    return {
        "content": draft.content,
        "narrative": draft.narrative,
        "billable": part.billable,
        "allocated_us": part.allocated_us,
        "imputed_us": part.imputed_us,
        "parts": {p.activity: (p.allocated_us, p.imputed) for p in part.parts},
    }


def _figures(m: DayMinutes) -> tuple[int, ...]:
    return m.captured_us, m.billable_us, m.non_billable_us, m.held_us, m.outlier_us, m.excluded_us


_OWNED = "WHERE firm_id = :firm AND timekeeper_id = :timekeeper"
_IDS = text(f"SELECT id FROM activity {_OWNED}")
_ENTRY_DAYS = text(f"SELECT DISTINCT billing_day FROM entry {_OWNED}")
_MINUTES = text(
    "SELECT billing_day, captured_us, billable_us, non_billable_us, held_us, outlier_us, excluded_us FROM day_minutes "
    + _OWNED
)
