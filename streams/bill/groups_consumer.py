"""Keeps what `group` says in the database: a batch of one partition at a time, whole, with the place it was read to.

    groups ──▶ a batch of one partition ──▶ decode (what can't be: dead letter) ──▶ take: one fenced transaction

An error that nobody foresaw is pinned on one record by halving the batch, counted beside the place, and ends the
process; at the third time the record becomes a dead letter with reason `bug`, so that it doesn't stop everybody behind.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog

from schemas.dead_letters import DeadLetterRecord
from schemas.errors import PartitionFenced, TimeloomError
from schemas.keys import OriginKey
from schemas.outcomes import MAX_ATTEMPTS, Reason
from schemas.topics import GROUPS
from streams.bill import metrics
from streams.bill.ingest_log import tell_kept
from streams.bill.stale_members import Doubts
from streams.telemetry import metrics as shared_metrics

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.kafka.consumers.external_offsets_consumer import Place, PlacedConsumer
    from connectors.kafka.records.dead_letter_writer import DeadLetters
    from connectors.mariadb.billing.billing_rules import BillingRules
    from connectors.mariadb.billing.ingestion import GroupsRecord, IngestResult
    from schemas.keys import Scope
    from schemas.records import ConsumerRecord

MOST_RECORDS = 2_000
"""Records of one partition taken at once: what a crash makes us do again, and a bound on one transaction."""

WAIT_S = 0.1
COMPANY_S, COMPANY_MOST_S = 0.2, 5.0
"""How long a first record waits for others. Each day that a batch touches is read and sliced once, however many records
touch it, so company pays: the wait is twice what the last two steps took of the processor, the cheaper one of them (the
first one loads code), within these bounds. A load under which each record by itself would be too dear is thus kept up
with, some seconds late.
"""

log = structlog.get_logger("bill")

Clock = Callable[[], float]


class Kept(NamedTuple):
    """A batch that is in the database: what could be read of it, and what that changed."""

    decoded: "list[GroupsRecord]"
    taken: "IngestResult"


class Keeper:
    """The loop over the partitions that this process has. `narrate` is told when entries may want narrating."""

    def __init__(
        self,
        engine: "Engine",
        consumer: Callable[["Place"], "PlacedConsumer"],
        letters: "DeadLetters",
        slicing: "BillingRules",
        narrate: Callable[[], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._engine, self._letters, self._slicing = engine, letters, slicing
        self._narrate, self._clock = narrate, clock
        self._doubts: dict[int, Doubts] = {}
        self._company_s, self._cost_s = COMPANY_S, 0.0
        self._consumer = consumer(self.place)

    @property
    def assigned_once(self) -> bool:
        """Has the broker given it its share? This and what follows may be asked by any thread."""
        return self._consumer.assigned_once

    @property
    def partitions(self) -> list[int]:
        """The partitions that are ours now."""
        return sorted(list(self._consumer.places))

    @property
    def in_doubt(self) -> int:
        """How many activities' rows aren't what was grouped."""
        return sum(doubts.count for doubts in list(self._doubts.values()))

    def close(self) -> None:
        """Leaves the consumer group; what was taken is kept."""
        self._consumer.close()

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Takes what there is, at most a batch of each partition; returns how many records that was.

        Asked again and again whether it is `stopping`, it waits no longer for company then, and begins no batch.
        """
        self._consumer.gather(MOST_RECORDS, WAIT_S, self._company_s, stopping)
        began, taken = time.thread_time(), {}
        for partition in self._consumer.waiting:
            if stopping():
                break
            if records := self._consumer.next(partition, MOST_RECORDS):
                self._guarded(partition, lambda p=partition, r=records: self._taken(p, r))  # type: ignore[misc]
                taken[partition] = len(records)
            self._consumer.gather(MOST_RECORDS, 0)
        for partition, doubts in list(self._doubts.items()):
            if stopping():
                break
            busy = partition in taken or partition in self._consumer.waiting
            if partition not in self._consumer.places:
                del self._doubts[partition]  # its next owner finds them in the database
            elif doubts.are_due(self._clock(), busy):
                self._guarded(partition, lambda p=partition, d=doubts: self._look_again(p, d))  # type: ignore[misc]
                self._consumer.gather(MOST_RECORDS, 0)
        cost_s, before_s = time.thread_time() - began, self._cost_s
        self._company_s, self._cost_s = min(max(COMPANY_S, 2 * min(cost_s, before_s)), COMPANY_MOST_S), cost_s
        return sum(taken.values())

    def _guarded(self, partition: int, work: Callable[[], None]) -> None:
        """A fence means that somebody else read on: nothing of ours was written, so go on from where they are."""
        try:
            work()
        except PartitionFenced as fence:
            log.warning("fenced", partition=partition, why=str(fence))
            metrics.FENCED.inc()
            self._doubts.pop(partition, None)
            self._consumer.replace(partition)

    def _taken(self, partition: int, records: Sequence["ConsumerRecord"]) -> None:
        """Takes a batch; where our own code fails on it, each half of it, until it is known to be one record's."""
        began = self._clock()
        kept = self._tried(partition, records)
        if isinstance(kept, Kept):
            self._tell(partition, records, kept, self._clock() - began)
            return
        offsets = [records[0].offset, records[-1].offset]
        log.error("batch_failed", partition=partition, offsets=offsets, exc_info=kept)
        if len(records) == 1:
            self._failed(partition, records[0], kept)
            return
        for half in (records[: len(records) // 2], records[len(records) // 2 :]):
            self._taken(partition, half)

    def _failed(self, partition: int, record: "ConsumerRecord", error: Exception) -> None:
        from connectors.mariadb.billing.ingestion import count_failure

        if count_failure(self._engine, GROUPS.name, partition, record.offset) < MAX_ATTEMPTS:
            raise error
        self._bury(partition, record, error)

    def _tried(self, partition: int, records: Sequence["ConsumerRecord"]) -> "Kept | Exception":
        """Takes records, and returns the error where our own code fails on them. Any other is raised."""
        from connectors.mariadb.billing.ingestion import GroupsBatch, ingest
        from connectors.mariadb.server.transactions import is_server_fault

        place, after = self._consumer.places[partition], records[-1].offset + 1
        try:
            decoded = self._decoded(records)
            taken = ingest(self._engine, GroupsBatch(GROUPS.name, partition, place, after, decoded), self._slicing)
        except TimeloomError:
            raise
        except Exception as error:
            if is_server_fault(error):
                raise
            return error
        self._consumer.moved(partition, after)
        return Kept(decoded, taken)

    def _tell(self, partition: int, records: Sequence["ConsumerRecord"], kept: "Kept", took_s: float) -> None:
        """What was kept stands whatever happens here."""
        self._doubts.setdefault(partition, Doubts()).heard(kept.taken.stale, kept.taken.resolved, self._clock())
        shared_metrics.BATCH_SECONDS.observe(took_s)
        tell_kept(partition, records, kept.decoded, kept.taken)
        if kept.taken.entries or kept.taken.closed:
            self._narrate()

    def _bury(self, partition: int, record: "ConsumerRecord", error: Exception) -> None:
        """Dead-letters a record on which our own code fails, whole, and passes it over."""
        from connectors.mariadb.billing.ingestion import GroupsBatch, ingest

        log.error("buried", partition=partition, offset=record.offset, error=type(error).__name__)
        why = f"bill failed {MAX_ATTEMPTS} times on it: {type(error).__name__}"  # its text may quote what people wrote
        letter = DeadLetterRecord(Reason.BUG, why, record.key, record.value)
        self._letters.write([(OriginKey(GROUPS.name, partition, record.offset), letter)])
        shared_metrics.DEAD_LETTERS.labels(str(letter.reason)).inc()
        place, after = self._consumer.places[partition], record.offset + 1
        ingest(self._engine, GroupsBatch(GROUPS.name, partition, place, after, ()), self._slicing)
        self._consumer.moved(partition, after)

    def _decoded(self, records: Sequence["ConsumerRecord"]) -> list["GroupsRecord"]:
        """The records that can be read; the others are dead-lettered, whole, before anything is passed over."""
        from streams.shared.group_records import decoded

        good, bad = decoded(records, self._owners)
        if bad:
            self._letters.write(bad)
            for origin, letter in bad:
                log.error("dead_letter", origin=list(msgspec.structs.astuple(origin)), reason=str(letter.reason))
                shared_metrics.DEAD_LETTERS.labels(str(letter.reason)).inc()
        return good

    def _owners(self, scopes: set["Scope"]) -> set["Scope"]:
        """Asked anew for each batch: of somebody who was deleted a moment ago, nothing can be written any more."""
        from connectors.mariadb.billing.ingestion import read_known_scopes

        return read_known_scopes(self._engine, scopes)

    def _look_again(self, partition: int, doubts: Doubts) -> None:
        from connectors.mariadb.billing.ingestion import recheck_stale

        place = self._consumer.places[partition]
        taken = recheck_stale(self._engine, GROUPS.name, partition, place, doubts.found, self._slicing)
        doubts.looked(taken.stale, self._clock())

    def place(self, partition: int) -> int:
        """Where to go on in a partition that is being assigned; with what its last owner left in doubt."""
        from connectors.mariadb.billing.ingestion import read_stale_members, read_start_offset

        found = read_stale_members(self._engine, partition)
        if found:
            self._doubts[partition] = Doubts(found)
        return read_start_offset(self._engine, GROUPS.name, partition)
