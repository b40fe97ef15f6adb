"""The entries of a timekeeper's days as they are in the tables."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from connectors.mariadb.ledger import Entry, EntryActivity
from schemas.billing import StoredEntry
from schemas.keys import Scope

FROZEN = ("released", "locked")

Parts = Mapping[int, tuple[int, bool]]
"""By activity: microseconds, and whether they are imputed."""


class Row(msgspec.Struct, frozen=True):
    """An entry as it is in the table, with its parts."""

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
    parts: Parts

    @property
    def stored(self) -> StoredEntry:
        """As those who decide see it."""
        return StoredEntry(self.id, self.group, self.matter, {id: us for id, (us, _) in self.parts.items()})


def read_entries(connection: Connection, scope: Scope, days: Collection[date]) -> dict[date, list[Row]]:
    """The entries of these days, locked until the transaction ends: a person may edit one at this moment."""
    of = Entry
    query = (
        select(
            of.id,
            of.group_id,
            of.billing_day,
            of.matter_id,
            of.period_id,
            of.status,
            of.billable,
            of.allocated_us,
            of.imputed_us,
            of.content,
            of.narrative,
            of.narrative_id,
        )
        .where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.billing_day.in_(sorted(days)))
        .order_by(of.id)
        .with_for_update()
    )
    rows = connection.execute(query).fetchall()
    parts = _read_parts(connection, [row.id for row in rows])
    found: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        columns: list[Any] = [*row, parts.get(row.id, {})]
        found[row.billing_day].append(Row(*columns))
    return found


def _read_parts(connection: Connection, entry_ids: list[int]) -> dict[int, dict[int, tuple[int, bool]]]:
    of = EntryActivity
    query = select(of.entry_id, of.activity_id, of.allocated_us, of.imputed).where(of.entry_id.in_(entry_ids))
    found: dict[int, dict[int, tuple[int, bool]]] = defaultdict(dict)
    for entry_id, activity_id, allocated_us, imputed in connection.execute(query):
        found[entry_id][activity_id] = (allocated_us, bool(imputed))
    return found


def frozen_activities(stored: Mapping[date, Sequence[Row]]) -> dict[date, set[int]]:
    """For each day the activities that hang on a released entry."""
    return {day: {id for row in rows if row.status in FROZEN for id in row.parts} for day, rows in stored.items()}
