"""Entries of closed periods that need a narrative, and attaching narratives written for the same content."""

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection, Engine, bindparam, text

from connectors.mariadb.server.transactions import in_transaction
from schemas.keys import Scope

MAX_PAID_CALLS = 12
"""Calls for one narrative that may have been paid, over all its reservations; after so many it stays extractive. Those
of an endpoint that was away don't count: an outage, however long, is made up for.
"""
MAX_REFUSALS_PER_DAY = 3
"""How often in 24 hours a question is asked again that the endpoint refuses; that costs nothing."""


class NarrativeVariant(msgspec.Struct, frozen=True):
    """What besides the content makes a narrative another one."""

    prompt_version: str
    guidelines: str
    model: str


class DueEntry(msgspec.Struct, frozen=True):
    """An entry of a closed period that has no model's narrative; its activities strongest first."""

    id: int
    scope: Scope
    day: date
    matter: int | None
    content: str
    activities: tuple[int, ...]

    @property
    def cursor(self) -> "DueCursor":
        """Where it stands among all that are due."""
        return self.scope.firm, self.scope.timekeeper, self.matter or 0, self.day, self.id


DueCursor = tuple[int, int, int, date, int]
DUE_START: DueCursor = (0, 0, 0, date.min, 0)


def attach_narratives(engine: Engine, variant: NarrativeVariant) -> int:
    """Gives closed entries the narratives that were written, and paid, for just their content; returns how many."""

    def work(connection: Connection) -> int:
        # Found without locks and then locked one by one: a join would lock every entry that it passes.
        found = connection.execute(_ATTACHABLE, msgspec.structs.asdict(variant)).fetchall()
        return sum(attach_narrative(connection, narrative=narrative, entry=entry) for entry, narrative in found)

    return in_transaction(engine, work, "READ COMMITTED")


def attach_narrative(connection: Connection, *, narrative: int, entry: int) -> int:
    return connection.execute(_ATTACH, {"narrative": narrative, "entry": entry}).rowcount


def read_due_entries(
    connection: Connection,
    variant: NarrativeVariant,
    lease_s: float,
    quiet_s: float,
    limit: int,
    after: DueCursor = DUE_START,
) -> list[DueEntry]:
    """Entries to narrate, by timekeeper and matter, at most so many behind a place. Left out are those that changed a
    moment ago (more may follow) and those that another process has reserved.
    """
    firm, timekeeper, matter, day, id = after
    here = {"firm": firm, "timekeeper": timekeeper, "matter": matter, "day": day, "id": id}
    limits = {
        "stale": lease_s,
        "quiet": quiet_s,
        "calls": MAX_PAID_CALLS,
        "refusals": MAX_REFUSALS_PER_DAY,
        "most": limit,
    }
    rows = connection.execute(_DUE, {**msgspec.structs.asdict(variant), **limits, **here}).fetchall()
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
# A person's hand is on what is accepted; and time that costs nothing needs no bought words.
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
