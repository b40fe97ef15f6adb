"""Writes, deletes and counts activities for collectors. Writing the same activities again changes nothing."""

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects.mysql import Insert, insert

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.source_tables import Activity
from schemas.keys import Scope
from schemas.values import Kind, Words

BATCH_ROWS = 1_000

# The collector's newer values replace its older ones. Columns that a person may have set stay where it has no value.
_OVERWRITTEN_COLUMNS = ("kind", "app", "started_at", "ended_at", "zone", "words")
_KEPT_IF_NULL = ("matter_id", "billable")

_TABLE: Table = Base.metadata.tables[Activity.__tablename__]

Seal = Callable[[Scope, str], str]
"""Seals words (plain JSON) with the timekeeper's key before they are written."""


class CollectedActivity(msgspec.Struct, frozen=True):
    """An activity as a collector saw it. `source` and `source_id` identify it among those of the timekeeper."""

    source: str
    source_id: str
    kind: Kind
    started_at: int
    ended_at: int | None
    zone: str
    words: Words
    app: str = ""
    matter: int | None = None
    billable: bool | None = None
    excluded: bool = False


class UpsertCounts(msgspec.Struct, frozen=True):
    """How many activities a write inserted, changed and found the same; the last leave nothing in the binlog."""

    new: int
    changed: int
    same: int


def plain_seal(_: Scope, words: str) -> str:
    """Returns the words unchanged: the sealer of a firm that seals nothing."""
    return words


def upsert_activities(
    connection: Connection, scope: Scope, activities: Sequence[CollectedActivity], seal: Seal = plain_seal
) -> UpsertCounts:
    """Inserts the activities that are absent and updates those that differ, by source and source id.

    A row keeps its matter and billable where the collector's value is None, and `excluded` is never reset, because a
    person may have set them. Of two activities with one source id the later wins. Raises IntegrityError where words
    exceed WORDS_MAX_BYTES or the matter belongs to another firm.
    """
    unique = list({(one.source, one.source_id): one for one in activities}.values())
    new = changed = 0
    for first in range(0, len(unique), BATCH_ROWS):
        batch = unique[first : first + BATCH_ROWS]
        there = len(_ids(connection, scope, [(one.source, one.source_id) for one in batch]))
        touched = connection.execute(_UPSERT, [_row(scope, one, seal) for one in batch]).rowcount
        # The server counts 1 for a row that is new or unchanged, and 2 for a row that changed.
        new += len(batch) - there
        changed += touched - len(batch)
    return UpsertCounts(new, changed, len(unique) - new - changed)


def read_activity_ids(connection: Connection, scope: Scope, source: str, source_ids: Sequence[str]) -> dict[str, int]:
    """Returns the ids of those activities that exist, by source id."""
    found: dict[str, int] = {}
    for first in range(0, len(source_ids), BATCH_ROWS):
        wanted = [(source, source_id) for source_id in source_ids[first : first + BATCH_ROWS]]
        found.update({source_id: id_ for (_, source_id), id_ in _ids(connection, scope, wanted).items()})
    return found


def delete_activities(connection: Connection, scope: Scope, activity_ids: Sequence[int]) -> int:
    """Deletes rows of this timekeeper; returns how many existed. Capture emits a delete for each of them."""
    gone = 0
    for first in range(0, len(activity_ids), BATCH_ROWS):
        some = activity_ids[first : first + BATCH_ROWS]
        of = _TABLE.c
        owned = (of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.id.in_(some))
        gone += connection.execute(delete(_TABLE).where(*owned)).rowcount
    return gone


def count_activities(connection: Connection, scope: Scope) -> int:
    """Returns how many activities the timekeeper has."""
    of = _TABLE.c
    query = select(func.count()).where(of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper)
    return connection.scalar(query) or 0


def _ids(connection: Connection, scope: Scope, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    of = _TABLE.c
    found: dict[tuple[str, str], int] = {}
    for source in {source for source, _ in keys}:
        wanted = [source_id for its, source_id in keys if its == source]
        owned = (of.firm_id == scope.firm, of.timekeeper_id == scope.timekeeper, of.source == source)
        query = select(of.source_id, of.id).where(*owned, of.source_id.in_(wanted))
        found.update({(source, source_id): id_ for source_id, id_ in connection.execute(query)})
    return found


def _row(scope: Scope, activity: CollectedActivity, seal: Seal) -> dict[str, object]:
    return {
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "source": activity.source,
        "source_id": activity.source_id,
        "kind": activity.kind.value,
        "app": activity.app or None,
        "started_at": activity.started_at,
        "ended_at": activity.ended_at,
        "zone": activity.zone,
        "words": seal(scope, msgspec.json.encode(activity.words).decode()),
        "matter_id": activity.matter,
        "billable": activity.billable,
        "excluded": activity.excluded,
    }


def _upsert() -> Insert:
    statement = insert(_TABLE)
    inserted = statement.inserted
    return statement.on_duplicate_key_update(
        {name: inserted[name] for name in _OVERWRITTEN_COLUMNS}
        | {name: func.coalesce(inserted[name], _TABLE.c[name]) for name in _KEPT_IF_NULL}
        | {"excluded": func.greatest(inserted.excluded, _TABLE.c.excluded)}
    )


_UPSERT = _upsert()
