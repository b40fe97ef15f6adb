"""A timekeeper whose rows and groups a test moves as it likes: the group worker's part is played by the test, so that
every order of row changes and group records can be tried against the real database.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Engine, text

from connectors.mariadb.billing.ingestion import (
    GroupsBatch,
    GroupsRecord,
    IngestResult,
    ingest,
    read_start_offset,
    recheck_stale,
)
from connectors.mariadb.source import directory
from connectors.mariadb.tables.column_types import to_datetime
from schemas.groups import Disposition, Group, Lineage, Member, PublishedGroup, PublishedMark
from schemas.keys import GroupKey, MarkKey, Scope
from schemas.topics import GROUPS
from schemas.values import Mark, MarkKind, content_hash
from streams.shared.billing_rules import ProcessorRules
from tests.timesheets import Sheets, expected, stored

PARTITION = 3
MINUTE = 60_000_000
_names = itertools.count(1)


class Books:
    """One timekeeper: writes rows as a collector, says groups as a worker, reads what bill made of them."""

    def __init__(self, collector: Engine, pipeline: Engine) -> None:
        self.collector, self.pipeline = collector, pipeline
        self.decisions = ProcessorRules()
        with collector.begin() as connection:
            name = f"books {next(_names)}"
            self.firm = directory.ensure_firm(connection, name)
            self.scope = directory.ensure_timekeeper(connection, f"{name}@example.com", name)
            client = directory.ensure_client(connection, self.firm, "Example Client", ("client.example",))
            self.matters = [
                directory.ensure_matter(
                    connection, self.firm, client, f"2026-000{n}", name=f"Matter {n}", billable=n != 2
                )
                for n in (1, 2)
            ]
        self.place = read_start_offset(pipeline, GROUPS.name, PARTITION)
        self.labels: dict[int, str] = {}
        self.dispositions: dict[str, Disposition] = defaultdict(lambda: Disposition.WORK)
        self.said: dict[int, Group] = {}
        self.offset = 100
        self.doubts: dict[Scope, set[int]] = {}

    def insert(self, start: int, minutes: int | None, label: str | None = None, **columns: object) -> int:
        """An activity; None minutes: a point in time. `label` is the group that the worker will put it into."""
        row: dict[str, object] = {
            "firm": self.scope.firm,
            "timekeeper": self.scope.timekeeper,
            "source_id": str(next(_names)),
            "kind": "document",
            "start": to_datetime(start),
            "end": None if minutes is None else to_datetime(start + minutes * MINUTE),
            "zone": "Europe/Berlin",
            "words": '{"title":"Lease"}',
            "matter": None,
            "billable": None,
            "excluded": False,
            **columns,
        }
        with self.collector.begin() as connection:
            activity = int(connection.execute(_INSERT, row).lastrowid)
        if label is not None:
            self.labels[activity] = label
        return activity

    def update(self, activity: int, **columns: object) -> None:
        """Changes columns of an activity."""
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        with self.collector.begin() as connection:
            connection.execute(text(f"UPDATE activity SET {sets} WHERE id = :id"), {"id": activity, **columns})

    def delete(self, activity: int) -> None:
        """Deletes an activity."""
        self.labels.pop(activity, None)
        with self.collector.begin() as connection:
            connection.execute(text("DELETE FROM activity WHERE id = :id"), {"id": activity})

    def groups(self) -> dict[int, Group]:
        """What the worker would say of the rows as they are now: groups by label, named by their smallest id."""
        rows = self.rows(self.labels)
        members: dict[str, list[Member]] = defaultdict(list)
        for id, label in sorted(self.labels.items()):
            if id in rows:
                members[label].append(Member(id, rows[id]))
        return {
            found[0].id: Group(tuple(found), self.dispositions[label], 500_000, 0, 0, 0, "test")
            for label, found in members.items()
        }

    def rows(self, ids: Iterable[int]) -> dict[int, str]:
        """Content hashes of the rows that aren't excluded."""
        from connectors.mariadb.source.captured_rows import read_rows
        from schemas.values import Activity

        with self.pipeline.connect() as connection:
            found = read_rows(connection, self.scope, "activity", list(ids))
            return {id: content_hash(a) for id, a in found if isinstance(a, Activity) and not a.excluded}

    def records(self) -> list[GroupsRecord]:
        """The records that a worker would write now: what changed since it last said something."""
        groups = self.groups()
        self.offset += 1
        lineage = Lineage(PARTITION, self.offset)
        gone = [GroupsRecord(self.records_key(id), None) for id in self.said if id not in groups]
        new = [
            GroupsRecord(self.records_key(id), PublishedGroup(g, lineage))
            for id, g in groups.items()
            if self.said.get(id) != g
        ]
        self.said = groups
        return gone + new

    def mark(self, kind: MarkKind, period: int | None = None) -> GroupsRecord:
        """A mark that everything before it has passed."""
        id = next(_names)
        key = MarkKey(self.scope.firm, self.scope.timekeeper, f"{kind}:{id}")
        return GroupsRecord(key, PublishedMark(Mark(id, kind, f"test:{id}", period), Lineage(PARTITION, self.offset)))

    def take(self, records: list[GroupsRecord]) -> IngestResult:
        """Takes a batch, as bill does."""
        batch = GroupsBatch(GROUPS.name, PARTITION, self.place, self.place + 1 + len(records), records)
        taken = ingest(self.pipeline, batch, self.decisions)
        self.place = batch.next_offset
        for scope, ids in taken.stale.items():
            self.doubts.setdefault(scope, set()).update(ids)
        return taken

    def say(self) -> IngestResult:
        """The worker says what changed, and bill takes it."""
        return self.take(self.records())

    def look_again(self) -> None:
        """Bill looks at what was in doubt again."""
        doubts, self.doubts = self.doubts, {}
        taken = recheck_stale(self.pipeline, GROUPS.name, PARTITION, self.place, doubts, self.decisions)
        self.doubts = dict(taken.stale)

    def stored(self) -> Sheets:
        """Entries and minutes as the database has them."""
        return stored(self.pipeline, self.scope)

    def expected(self) -> Sheets:
        """Entries and minutes from slicing everything at once."""
        return expected(self.pipeline, self.scope)

    def records_key(self, group: int) -> GroupKey:
        """The key of a group's records."""
        return GroupKey(self.scope.firm, self.scope.timekeeper, group)


_INSERT = text(
    "INSERT INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, ended_at, zone, words,"
    " matter_id, billable, excluded) VALUES (:firm, :timekeeper, 'test', :source_id, :kind, :start, :end, :zone,"
    " :words, :matter, :billable, :excluded)"
)
