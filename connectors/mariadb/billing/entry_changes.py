"""Writes a timekeeper's drafted days to the ledger. It touches only rows that differ.

stored rows + drafts -> match (which row continues as which entry) -> changes -> bulk statements
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.mysql import insert

from connectors.mariadb.billing.billing_rules import BillingRules
from connectors.mariadb.billing.entries import FROZEN_STATUSES, EntryState
from connectors.mariadb.tables.ledger_tables import DayMinutes as DayRow
from connectors.mariadb.tables.ledger_tables import Entry, EntryActivity, Period
from connectors.mariadb.tables.scope import in_scope, scope_params
from schemas.billing import DayMinutes, Draft, DraftedDay, SlicePart
from schemas.keys import Scope


class DayWriteResult(msgspec.Struct):
    """How many entries changed, and how many drafts a released entry of the same key blocked (law 7)."""

    entries: int = 0
    blocked_by_release: int = 0


def write_days(
    connection: Connection,
    scope: Scope,
    stored: Mapping[date, Sequence[EntryState]],
    drafted: Sequence[DraftedDay],
    rules: BillingRules,
) -> DayWriteResult:
    """Writes the drafted days, touching only rows that differ. Released entries stay as they are."""
    written, changes = DayWriteResult(), _EntryChanges()
    for day in drafted:
        rows = stored.get(day.minutes.day, [])
        written.blocked_by_release += changes.plan(rows, day.drafts, rules)
    if changes.inserted or changes.rekeyed:
        changes.closed_periods = _closed_periods(connection, scope)
    written.entries = changes.apply(connection, scope)
    _write_minutes(connection, scope, [day.minutes for day in drafted])
    return written


class _EntryChanges:
    """The changes to some days, collected so that each kind of change is one statement."""

    def __init__(self) -> None:
        self.deleted: list[EntryState] = []
        self.rekeyed: list[tuple[EntryState, Draft]] = []
        self.updated: list[tuple[EntryState, Draft]] = []
        self.inserted: list[Draft] = []
        self.closed_periods: list[tuple[int, date, date]] = []

    def plan(self, rows: Sequence[EntryState], drafts: Sequence[Draft], rules: BillingRules) -> int:
        """Adds the changes of one day; returns how many drafts a released entry of the same key blocks."""
        frozen_keys = {row.stored.key for row in rows if row.status in FROZEN_STATUSES}
        open_rows = {row.id: row for row in rows if row.status not in FROZEN_STATUSES}
        free = [draft for draft in drafts if draft.slice.key not in frozen_keys]
        follows = rules.match_entries([row.stored for row in open_rows.values()], free)
        for draft in free:
            row = open_rows.get(follows.get(draft.slice.key, 0))
            if row is None:
                self.inserted.append(draft)
            elif row.stored.key != draft.slice.key:
                self.rekeyed.append((row, draft))
            elif _differs(row, draft):
                self.updated.append((row, draft))
        followed = set(follows.values())
        self.deleted += [row for id, row in open_rows.items() if id not in followed]
        return len(drafts) - len(free)

    def apply(self, connection: Connection, scope: Scope) -> int:
        """Writes all changes; returns how many entries they touched."""
        # Two entries may swap their keys, so an entry with a new key is deleted and inserted again with its old id.
        out = [row.id for row in self.deleted] + [row.id for row, _ in self.rekeyed]
        if out:
            connection.execute(delete(EntryActivity).where(EntryActivity.entry_id.in_(out)))
            connection.execute(delete(Entry).where(Entry.id.in_(out)))
        same_ids = [_entry_row(scope, draft, row, self.closed_periods) for row, draft in self.rekeyed + self.updated]
        if same_ids:
            connection.execute(_UPSERT_ENTRY, same_ids)
        if self.inserted:
            connection.execute(
                insert(Entry), [_entry_row(scope, draft, None, self.closed_periods) for draft in self.inserted]
            )
        ids = _new_ids(connection, scope, self.inserted)
        added = [
            (ids[draft.slice.day, *draft.slice.key], part) for draft in self.inserted for part in draft.slice.parts
        ]
        added += [(row.id, part) for row, draft in self.rekeyed for part in draft.slice.parts]
        added += [(row.id, part) for row, draft in self.updated for part in _changed_parts(row, draft)]
        _write_parts(connection, scope, added)
        _delete_parts(connection, self.updated)
        return len(out) + len(self.updated) + len(self.inserted)


def _differs(row: EntryState, draft: Draft) -> bool:
    return (
        row.content != draft.content
        or row.billable != draft.slice.billable
        or row.parts != _parts(draft)
        or (row.narrative_id is None and row.narrative != draft.narrative)
    )


def _parts(draft: Draft) -> dict[int, tuple[int, bool]]:
    return {part.activity: (part.allocated_us, part.imputed) for part in draft.slice.parts}


def _changed_parts(row: EntryState, draft: Draft) -> list[SlicePart]:
    return [p for p in draft.slice.parts if row.parts.get(p.activity) != (p.allocated_us, p.imputed)]


def _entry_row(
    scope: Scope, draft: Draft, row: EntryState | None, periods: Sequence[tuple[int, date, date]]
) -> dict[str, object]:
    """Returns the whole row of an entry.

    A generated narrative stays while the content is the same. With other content the entry is proposed again.
    """
    same = row is not None and row.content == draft.content
    narrated = row if same and row and row.narrative_id is not None else None
    part = draft.slice
    return {
        **({"id": row.id} if row else {}),
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "group_id": part.group,
        "billing_day": part.day,
        "matter_id": part.matter,
        "period_id": (row.period if row else None) or _period_of(part.day, periods),
        "status": row.status if row and same else "proposed",
        "billable": part.billable,
        "allocated_us": part.allocated_us,
        "imputed_us": part.imputed_us,
        "content": draft.content,
        "narrative": narrated.narrative if narrated else draft.narrative,
        "narrative_id": narrated.narrative_id if narrated else None,
    }


def _closed_periods(connection: Connection, scope: Scope) -> list[tuple[int, date, date]]:
    found = connection.execute(_CLOSED_PERIODS, scope_params(scope))
    return [(id, starts_on, ends_on) for id, starts_on, ends_on in found]


def _period_of(day: date, periods: Iterable[tuple[int, date, date]]) -> int | None:
    """Returns the closed period that contains the day of a late entry; the first by id, None where there is none."""
    return next((id for id, starts_on, ends_on in periods if starts_on <= day < ends_on), None)


def _new_ids(connection: Connection, scope: Scope, drafts: Sequence[Draft]) -> dict[tuple[date, int, int], int]:
    days = sorted({draft.slice.day for draft in drafts})
    rows = connection.execute(_IDS, {**scope_params(scope), "days": days}) if days else ()
    return {(day, group, matter): id for id, day, group, matter in rows}


def _write_parts(connection: Connection, scope: Scope, parts: Sequence[tuple[int, SlicePart]]) -> None:
    rows = [
        {
            "entry_id": entry_id,
            "activity_id": part.activity,
            "firm_id": scope.firm,
            "timekeeper_id": scope.timekeeper,
            "allocated_us": part.allocated_us,
            "imputed": part.imputed,
        }
        for entry_id, part in parts
    ]
    if rows:
        connection.execute(_UPSERT_PART, rows)


def _delete_parts(connection: Connection, changed: Sequence[tuple[EntryState, Draft]]) -> None:
    for row, draft in changed:
        if left := row.parts.keys() - _parts(draft).keys():
            of = EntryActivity
            connection.execute(delete(of).where(of.entry_id == row.id, of.activity_id.in_(sorted(left))))


def _write_minutes(connection: Connection, scope: Scope, days: Sequence[DayMinutes]) -> None:
    of = DayRow
    empty = [day.day for day in days if not day.captured_us]
    if empty:
        connection.execute(
            delete(of).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.billing_day.in_(empty))
        )
    rows = [
        {
            "firm_id": scope.firm,
            "timekeeper_id": scope.timekeeper,
            "billing_day": day.day,
            "captured_us": day.captured_us,
            "billable_us": day.billable_us,
            "non_billable_us": day.non_billable_us,
            "held_us": day.held_us,
            "outlier_us": day.outlier_us,
            "excluded_us": day.excluded_us,
        }
        for day in days
        if day.captured_us
    ]
    if rows:
        connection.execute(_UPSERT_DAY, rows)


_IDS = select(Entry.id, Entry.billing_day, Entry.group_id, Entry.matter_key).where(
    *in_scope(Entry), Entry.billing_day.in_(bindparam("days", expanding=True))
)
_CLOSED_PERIODS = (
    select(Period.id, Period.starts_on, Period.ends_on)
    .where(*in_scope(Period), Period.closed_at.is_not(None))
    .order_by(Period.id)
)
_ENTRY = insert(Entry)
_UPSERT_ENTRY = _ENTRY.on_duplicate_key_update(
    {
        name: _ENTRY.inserted[name]
        for name in (
            "group_id",
            "matter_id",
            "period_id",
            "status",
            "billable",
            "allocated_us",
            "imputed_us",
            "content",
            "narrative",
            "narrative_id",
        )
    }
)
_PART = insert(EntryActivity)
_UPSERT_PART = _PART.on_duplicate_key_update({name: _PART.inserted[name] for name in ("allocated_us", "imputed")})
_DAY = insert(DayRow)
_UPSERT_DAY = _DAY.on_duplicate_key_update(
    {
        name: _DAY.inserted[name]
        for name in ("captured_us", "billable_us", "non_billable_us", "held_us", "outlier_us", "excluded_us")
    }
)
