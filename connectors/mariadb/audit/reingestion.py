"""Ingests a timekeeper's published groups again from scratch, as if the ledger had none of them."""

from collections.abc import Callable, Collection, Mapping
from datetime import date

from sqlalchemy import Connection, Engine, delete, or_, select

from connectors.mariadb.billing.billing_rules import BillingRules
from connectors.mariadb.billing.day_recomputer import DayRecomputer
from connectors.mariadb.billing.group_store import ingest_groups
from connectors.mariadb.billing.ingestion import CONSUMER
from connectors.mariadb.server.transactions import in_transaction
from connectors.mariadb.tables.ledger_tables import (
    ActivityGroup,
    ConsumerOffset,
    DayMinutes,
    Entry,
    EntryActivity,
    GroupMember,
    SlicedActivity,
)
from schemas.groups import PublishedGroup
from schemas.keys import Scope

PublishedByScope = Mapping[Scope, Mapping[int, PublishedGroup]]
"""By timekeeper: the published groups by group id."""


def reingest_groups(
    engine: Engine,
    topic: str,
    partition: int,
    days: Mapping[Scope, Collection[date]],
    published_before: Callable[[int], PublishedByScope],
    rules: BillingRules,
) -> None:
    """Ingests all groups of these timekeepers of one partition again; recomputes all their days and those in `days`.

    `published_before` returns what the topic held before an offset of that partition. All of it is one transaction that
    locks the partition's offset: `bill` waits with its next batch and then continues normally. Entries whose work still
    exists keep their ids, and released entries stay as they are.
    """

    def work(connection: Connection) -> None:
        of = ConsumerOffset
        this_partition = (of.consumer == CONSUMER, of.topic == topic, of.partition_no == partition)
        next_offset = connection.execute(select(of.next_offset).where(*this_partition).with_for_update()).scalar_one()
        published = published_before(next_offset)
        for scope, extra_days in days.items():
            _delete_derived_rows(connection, scope)
            changed, _ = ingest_groups(connection, scope, dict(published.get(scope, {})))
            DayRecomputer(connection, rules).recompute(scope, changed, extra_days)

    in_transaction(engine, work)


def _delete_derived_rows(connection: Connection, scope: Scope) -> None:
    for table in (ActivityGroup, GroupMember, DayMinutes, SlicedActivity):
        connection.execute(delete(table).where(table.firm_id == scope.firm, table.timekeeper_id == scope.timekeeper))
    # Deletes the parts whose scope isn't their entry's. Recomputing the days inserts the right parts.
    entries = select(Entry.id).where(Entry.firm_id == scope.firm, Entry.timekeeper_id == scope.timekeeper)
    part = EntryActivity
    foreign = or_(part.firm_id != scope.firm, part.timekeeper_id != scope.timekeeper)
    connection.execute(delete(part).where(part.entry_id.in_(entries), foreign))
