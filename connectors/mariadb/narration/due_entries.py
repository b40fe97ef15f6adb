"""Finds entries of closed periods that need a narrative, and attaches narratives that have the same content."""

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection, Engine, bindparam, text

from connectors.mariadb.server.transactions import in_transaction
from schemas.keys import Scope

MAX_PAID_CALLS = 12
"""Maximum number of calls for one narrative that may have been paid, over all its reservations. After them the entry
keeps its extractive narrative. Calls that failed because the endpoint was unavailable don't count, so that an outage of
any length only delays the narrative.
"""
MAX_REFUSALS_PER_DAY = 3
"""Maximum number of calls in 24 hours for a prompt that the endpoint refuses. A refused call costs nothing."""


class NarrativeVariant(msgspec.Struct, frozen=True):
    """The key of a narrative besides its content: another value of any field makes another narrative."""

    prompt_version: str
    guidelines: str
    model: str


class DueEntry(msgspec.Struct, frozen=True):
    """An entry of a closed period without a generated narrative. Its activities with the most minutes come first."""

    id: int
    scope: Scope
    day: date
    matter: int | None
    content: str
    activities: tuple[int, ...]

    @property
    def cursor(self) -> "DueCursor":
        """The entry's position in the order of `read_due_entries`."""
        return self.scope.firm, self.scope.timekeeper, self.matter or 0, self.day, self.id


DueCursor = tuple[int, int, int, date, int]
DUE_START: DueCursor = (0, 0, 0, date.min, 0)


def attach_narratives(engine: Engine, variant: NarrativeVariant) -> int:
    """Attaches narratives that were already written for the same content to closed entries; returns how many."""

    def work(connection: Connection) -> int:
        # Reads without locks and then locks row by row, because an updating join would lock every entry that it scans.
        found = connection.execute(_ATTACHABLE, msgspec.structs.asdict(variant)).fetchall()
        return sum(attach_narrative(connection, narrative=narrative, entry=entry) for entry, narrative in found)

    return in_transaction(engine, work, "READ COMMITTED")


def attach_narrative(connection: Connection, *, narrative: int, entry: int) -> int:
    """Attaches a written narrative to an entry that still needs one; returns 1, or 0 where nothing was changed."""
    return connection.execute(_ATTACH, {"narrative": narrative, "entry": entry}).rowcount


def read_due_entries(
    connection: Connection,
    variant: NarrativeVariant,
    lease_s: float,
    quiet_s: float,
    limit: int,
    after: DueCursor = DUE_START,
) -> list[DueEntry]:
    """Returns at most `limit` entries that need a narrative, after the cursor, sorted by timekeeper and matter.

    It leaves out entries that changed in the last `quiet_s` seconds, since more changes may follow, and entries whose
    reservation is younger than `lease_s` seconds or whose calls are used up (MAX_PAID_CALLS, MAX_REFUSALS_PER_DAY).
    """
    firm, timekeeper, matter, day, id = after
    position = {"firm": firm, "timekeeper": timekeeper, "matter": matter, "day": day, "id": id}
    limits = {
        "stale": lease_s,
        "quiet": quiet_s,
        "calls": MAX_PAID_CALLS,
        "refusals": MAX_REFUSALS_PER_DAY,
        "most": limit,
    }
    rows = connection.execute(_DUE, {**msgspec.structs.asdict(variant), **limits, **position}).fetchall()
    parts = _parts(connection, [row[0] for row in rows])
    return [
        DueEntry(id, Scope(firm, timekeeper), day, matter, content, tuple(parts.get(id, ())))
        for id, firm, timekeeper, day, matter, content in rows
    ]


def _parts(connection: Connection, entries: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    if entries:
        for entry, activity in connection.execute(_PARTS, {"entries": tuple(entries)}):
            found.setdefault(entry, []).append(activity)
    return found


_SAME_CONTENT = (
    "n.firm_id = e.firm_id AND n.timekeeper_id = e.timekeeper_id AND n.content = e.content"
    " AND n.prompt_version = :prompt_version AND n.guidelines = :guidelines AND n.model = :model"
)
# A person has reviewed an entry that isn't proposed any more, so its text stays. An entry without time isn't worth a
# paid call.
_NEEDS_NARRATIVE = "e.period_id IS NOT NULL AND e.narrative_id IS NULL AND e.status = 'proposed' AND e.allocated_us > 0"
_ATTACHABLE = text(
    f"SELECT e.id, n.id FROM entry e JOIN narrative n ON {_SAME_CONTENT}"
    f" WHERE {_NEEDS_NARRATIVE} AND n.state = 'written'"
)
_ATTACH = text(
    "UPDATE entry e JOIN narrative n ON n.firm_id = e.firm_id AND n.timekeeper_id = e.timekeeper_id"
    " AND n.content = e.content SET e.narrative = n.text, e.narrative_id = n.id"
    f" WHERE e.id = :entry AND n.id = :narrative AND n.state = 'written' AND {_NEEDS_NARRATIVE}"
)
_CALLS = "FROM narrative_call c JOIN llm_call l ON l.id = c.llm_call_id WHERE c.narrative_id = n.id"
_DUE = text(
    "SELECT e.id, e.firm_id, e.timekeeper_id, e.billing_day, e.matter_id, e.content FROM entry e"
    f" LEFT JOIN narrative n ON {_SAME_CONTENT} WHERE {_NEEDS_NARRATIVE}"
    " AND e.updated_at <= NOW(6) - INTERVAL :quiet SECOND"
    " AND (e.firm_id, e.timekeeper_id, e.matter_key, e.billing_day, e.id) > (:firm, :timekeeper, :matter, :day, :id)"
    " AND (n.id IS NULL OR (n.state = 'reserved' AND n.created_at <= NOW(6) - INTERVAL :stale SECOND"
    f" AND (SELECT COUNT(*) {_CALLS} AND l.state NOT IN ('unreachable', 'limited', 'failed', 'denied', 'refused'))"
    f" < :calls AND (SELECT COUNT(*) {_CALLS} AND l.state = 'refused'"
    " AND l.started_at > NOW(6) - INTERVAL 24 HOUR) < :refusals))"
    " ORDER BY e.firm_id, e.timekeeper_id, e.matter_key, e.billing_day, e.id LIMIT :most"
)
_PARTS = text(
    "SELECT entry_id, activity_id FROM entry_activity WHERE entry_id IN :entries"
    " ORDER BY entry_id, allocated_us DESC, activity_id"
).bindparams(bindparam("entries", expanding=True))
