"""Reads the stored entries of a timekeeper's days, with their parts."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from connectors.mariadb.tables.ledger_tables import Entry, EntryActivity
from connectors.mariadb.tables.scope import in_scope, scope_params
from schemas.billing import StoredEntry
from schemas.keys import Scope

FROZEN_STATUSES = ("released", "locked")

PartsByActivity = Mapping[int, tuple[int, bool]]
"""By activity id: microseconds, and whether they are imputed."""


class EntryState(msgspec.Struct, frozen=True):
    """A row of `entry` with its parts. `narrative_id` is None while the narrative is extractive."""

    id: int
    group: int
    day: date
    matter: int | None
    period: int | None
    status: str
    billable: bool
    allocated_us: int
    imputed_us: int
    content: str
    narrative: str
    narrative_id: int | None
    parts: PartsByActivity

    @property
    def stored(self) -> StoredEntry:
        """The entry in the form that the billing rules take."""
        return StoredEntry(self.id, self.group, self.matter, {id: us for id, (us, _) in self.parts.items()})


def read_entries(connection: Connection, scope: Scope, days: Collection[date]) -> dict[date, list[EntryState]]:
    """Reads the entries of these days and locks them until the transaction ends, because a person may edit one now."""
    rows = connection.execute(_ENTRIES, {**scope_params(scope), "days": sorted(days)}).fetchall()
    parts = _read_parts(connection, [row.id for row in rows])
    found: dict[date, list[EntryState]] = defaultdict(list)
    for row in rows:
        columns: list[Any] = [*row, parts.get(row.id, {})]
        found[row.billing_day].append(EntryState(*columns))
    return found


def _read_parts(connection: Connection, entry_ids: list[int]) -> dict[int, dict[int, tuple[int, bool]]]:
    found: dict[int, dict[int, tuple[int, bool]]] = defaultdict(dict)
    for entry_id, activity_id, allocated_us, imputed in connection.execute(_PARTS, {"ids": entry_ids}):
        found[entry_id][activity_id] = (allocated_us, bool(imputed))
    return found


_ENTRIES = (
    select(
        Entry.id,
        Entry.group_id,
        Entry.billing_day,
        Entry.matter_id,
        Entry.period_id,
        Entry.status,
        Entry.billable,
        Entry.allocated_us,
        Entry.imputed_us,
        Entry.content,
        Entry.narrative,
        Entry.narrative_id,
    )
    .where(*in_scope(Entry), Entry.billing_day.in_(bindparam("days", expanding=True)))
    .order_by(Entry.id)
    .with_for_update()
)
_PARTS = select(
    EntryActivity.entry_id, EntryActivity.activity_id, EntryActivity.allocated_us, EntryActivity.imputed
).where(EntryActivity.entry_id.in_(bindparam("ids", expanding=True)))


def frozen_activities(stored: Mapping[date, Sequence[EntryState]]) -> dict[date, set[int]]:
    """Returns for each day the activities that are part of a released or locked entry."""
    return {
        day: {id for row in rows if row.status in FROZEN_STATUSES for id in row.parts} for day, rows in stored.items()
    }
