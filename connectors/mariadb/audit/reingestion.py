"""Takes a timekeeper's groups into the tables again, as the topic has them, as if they had never been seen."""

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
"""Each timekeeper's groups by name."""


def reingest_groups(
    engine: Engine,
    topic: str,
    partition: int,
    days: Mapping[Scope, Collection[date]],
    published_before: Callable[[int], PublishedByScope],
    rules: BillingRules,
) -> None:
    """Takes all groups of these timekeepers of one partition again, and slices all their days and the given ones.

    `said_before` tells what the topic had said before an offset of that partition. One transaction, that holds the
    partition's place: `bill` waits with its next batch and then goes on as if nothing had been. Entries whose work is
    still there stay the same entries; released ones stay as they are.
    """

    def work(connection: Connection) -> None:
        of = ConsumerOffset
        here = (of.consumer == CONSUMER, of.topic == topic, of.partition_no == partition)
        said = published_before(connection.execute(select(of.next_offset).where(*here).with_for_update()).scalar_one())
        for scope, also in days.items():
            _delete_derived_rows(connection, scope)
            moved, _ = ingest_groups(connection, scope, dict(said.get(scope, {})))
            DayRecomputer(connection, rules).recompute(scope, moved, also)

    in_transaction(engine, work)


def _delete_derived_rows(connection: Connection, scope: Scope) -> None:
    for table in (ActivityGroup, GroupMember, DayMinutes, SlicedActivity):
        connection.execute(delete(table).where(table.firm_id == scope.firm, table.timekeeper_id == scope.timekeeper))
    # A part that isn't its entry's owner's is nobody's; slicing again puts back what belongs there.
    entries = select(Entry.id).where(Entry.firm_id == scope.firm, Entry.timekeeper_id == scope.timekeeper)
    part = EntryActivity
    theirs = or_(part.firm_id != scope.firm, part.timekeeper_id != scope.timekeeper)
    connection.execute(delete(part).where(part.entry_id.in_(entries), theirs))
