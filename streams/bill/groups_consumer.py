"""Ingests the topic `groups`: batches of one partition each, stored with their offset in one transaction.

    groups ──▶ a batch of one partition ──▶ decode (else: dead letter) ──▶ ingest: one fenced transaction

Where our own code fails, the batch is halved until the failure is known to be one record's. The failure is counted
beside the offset and ends the process. The third failure makes the record a dead letter with reason `bug`, so that it
doesn't stop the records behind it.
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
from streams.bill.ingest_log import log_ingested
from streams.bill.stale_members import StaleMembers
from streams.telemetry import metrics as shared_metrics

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.kafka.consumers.external_offsets_consumer import ExternalOffsetsConsumer, Place
    from connectors.kafka.records.dead_letter_writer import DeadLetters
    from connectors.mariadb.billing.billing_rules import BillingRules
    from connectors.mariadb.billing.ingestion import GroupsRecord, IngestResult
    from schemas.keys import Scope
    from schemas.topics import ConsumerRecord

MAX_BATCH_RECORDS = 2_000
"""Maximum number of records of one partition in a batch. It bounds one transaction, and what is repeated after a crash.
"""

WAIT_S = 0.1
MIN_LINGER_S, MAX_LINGER_S = 0.2, 5.0
"""How long a first record waits for others. A longer wait saves work, because each day that a batch touches is read and
sliced once, however many records touch it.

The wait is twice the processor time of the cheaper one of the last two steps (the first step loads code), within these
bounds. So a load under which slicing for each record would be too slow is kept up with, some seconds late.
"""

log = structlog.get_logger("bill")

Clock = Callable[[], float]


class IngestedBatch(NamedTuple):
    """A committed batch: the records that could be decoded, and what they changed."""

    decoded: "list[GroupsRecord]"
    taken: "IngestResult"


class GroupsConsumer:
    """Ingests the assigned partitions, step by step. `consumer` creates the Kafka consumer, which asks for start
    offsets.

    `narrate` is called when entries may need narratives. `clock` gives seconds and never goes back.
    """

    def __init__(
        self,
        engine: "Engine",
        consumer: Callable[["Place"], "ExternalOffsetsConsumer"],
        letters: "DeadLetters",
        slicing: "BillingRules",
        narrate: Callable[[], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._engine, self._dead_letters, self._rules = engine, letters, slicing
        self._narrate, self._clock = narrate, clock
        self._stale: dict[int, StaleMembers] = {}
        self._company_s, self._cost_s = MIN_LINGER_S, 0.0
        self._consumer = consumer(self.start_offset)

    @property
    def assigned_once(self) -> bool:
        """Whether the broker has assigned partitions yet. Any thread may read this and the next two."""
        return self._consumer.assigned_once

    @property
    def partitions(self) -> list[int]:
        """The partitions that are assigned now, in order."""
        return sorted(list(self._consumer.offsets))

    @property
    def stale_count(self) -> int:
        """The number of stale members: activities whose row isn't what was grouped."""
        return sum(stale.count for stale in list(self._stale.values()))

    def close(self) -> None:
        """Leaves the consumer group. What was ingested stays."""
        self._consumer.close()

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Ingests what has arrived, at most one batch of each partition, and rechecks stale members that are due.

        Returns the number of records. It calls `stopping` again and again: once that returns True, it waits for no more
        records and begins no batch.
        """
        self._consumer.gather(MAX_BATCH_RECORDS, WAIT_S, self._company_s, stopping)
        began, taken = time.thread_time(), {}
        for partition in self._consumer.waiting:
            if stopping():
                break
            if records := self._consumer.next(partition, MAX_BATCH_RECORDS):
                self._run_fenced(partition, lambda p=partition, r=records: self._ingest(p, r))  # type: ignore[misc]
                taken[partition] = len(records)
            self._consumer.gather(MAX_BATCH_RECORDS, 0)
        for partition, stale in list(self._stale.items()):
            if stopping():
                break
            busy = partition in taken or partition in self._consumer.waiting
            if partition not in self._consumer.offsets:
                del self._stale[partition]  # its next process reads them from the database
            elif stale.is_due(self._clock(), busy):
                self._run_fenced(partition, lambda p=partition, d=stale: self._recheck_stale(p, d))  # type: ignore[misc]
                self._consumer.gather(MAX_BATCH_RECORDS, 0)
        cost_s, before_s = time.thread_time() - began, self._cost_s
        self._company_s, self._cost_s = min(max(MIN_LINGER_S, 2 * min(cost_s, before_s)), MAX_LINGER_S), cost_s
        return sum(taken.values())

    def _run_fenced(self, partition: int, work: Callable[[], None]) -> None:
        """Runs a step that writes under the fence of a partition.

        A fence means that another process has read on. Nothing of the step was written, so the consumer continues from
        the other process's offset.
        """
        try:
            work()
        except PartitionFenced as fence:
            log.warning("fenced", partition=partition, why=str(fence))
            metrics.FENCED_BATCHES.inc()
            self._stale.pop(partition, None)
            self._consumer.replace(partition)

    def _ingest(self, partition: int, records: Sequence["ConsumerRecord"]) -> None:
        """Ingests a batch. Where our own code fails on it, ingests each half, until the failure is known to be one
        record's.
        """
        began = self._clock()
        kept = self._try_ingest(partition, records)
        if isinstance(kept, IngestedBatch):
            self._log_batch(partition, records, kept, self._clock() - began)
            return
        offsets = [records[0].offset, records[-1].offset]
        log.error("batch_failed", partition=partition, offsets=offsets, exc_info=kept)
        if len(records) == 1:
            self._record_failure(partition, records[0], kept)
            return
        for half in (records[: len(records) // 2], records[len(records) // 2 :]):
            self._ingest(partition, half)

    def _record_failure(self, partition: int, record: "ConsumerRecord", error: Exception) -> None:
        from connectors.mariadb.billing.ingestion import count_failure

        if count_failure(self._engine, GROUPS.name, partition, record.offset) < MAX_ATTEMPTS:
            raise error
        self._dead_letter(partition, record, error)

    def _try_ingest(self, partition: int, records: Sequence["ConsumerRecord"]) -> "IngestedBatch | Exception":
        """Ingests records. Returns the error where our own code fails on them, and raises any other."""
        from connectors.mariadb.billing.ingestion import GroupsBatch, ingest
        from connectors.mariadb.server.transactions import is_server_fault

        offset, after = self._consumer.offsets[partition], records[-1].offset + 1
        try:
            decoded = self._decode(records)
            taken = ingest(self._engine, GroupsBatch(GROUPS.name, partition, offset, after, decoded), self._rules)
        except TimeloomError:
            raise
        except Exception as error:
            if is_server_fault(error):
                raise
            return error
        self._consumer.advance(partition, after)
        return IngestedBatch(decoded, taken)

    def _log_batch(
        self, partition: int, records: Sequence["ConsumerRecord"], kept: "IngestedBatch", took_s: float
    ) -> None:
        """Notes stale members, logs the batch and wakes the narrator. The batch is committed before."""
        self._stale.setdefault(partition, StaleMembers()).after_batch(
            kept.taken.stale, kept.taken.resolved, self._clock()
        )
        shared_metrics.BATCH_SECONDS.observe(took_s)
        log_ingested(partition, records, kept.decoded, kept.taken)
        if kept.taken.entries or kept.taken.closed:
            self._narrate()

    def _dead_letter(self, partition: int, record: "ConsumerRecord", error: Exception) -> None:
        """Makes a dead letter of a record on which our own code fails, and advances the offset past it."""
        from connectors.mariadb.billing.ingestion import GroupsBatch, ingest

        log.error("buried", partition=partition, offset=record.offset, error=type(error).__name__)
        # Only the error's type: its text may quote what people wrote.
        why = f"bill failed {MAX_ATTEMPTS} times on it: {type(error).__name__}"
        letter = DeadLetterRecord(Reason.BUG, why, record.key, record.value)
        self._dead_letters.write([(OriginKey(GROUPS.name, partition, record.offset), letter)])
        shared_metrics.DEAD_LETTERS.labels(str(letter.reason)).inc()
        offset, after = self._consumer.offsets[partition], record.offset + 1
        ingest(self._engine, GroupsBatch(GROUPS.name, partition, offset, after, ()), self._rules)
        self._consumer.advance(partition, after)

    def _decode(self, records: Sequence["ConsumerRecord"]) -> list["GroupsRecord"]:
        """Returns the records that can be decoded. The others become dead letters before the offset advances."""
        from streams.shared.group_records import decode_batch

        good, bad = decode_batch(records, self._known_scopes)
        if bad:
            self._dead_letters.write(bad)
            for origin, letter in bad:
                log.error("dead_letter", origin=list(msgspec.structs.astuple(origin)), reason=str(letter.reason))
                shared_metrics.DEAD_LETTERS.labels(str(letter.reason)).inc()
        return good

    def _known_scopes(self, scopes: set["Scope"]) -> set["Scope"]:
        """Returns those timekeepers that exist. Asks for each batch, because nothing can be written for one who was
        just deleted.
        """
        from connectors.mariadb.billing.ingestion import read_known_scopes

        return read_known_scopes(self._engine, scopes)

    def _recheck_stale(self, partition: int, stale: StaleMembers) -> None:
        from connectors.mariadb.billing.ingestion import recheck_stale

        offset = self._consumer.offsets[partition]
        taken = recheck_stale(self._engine, GROUPS.name, partition, offset, stale.members, self._rules)
        stale.after_recheck(taken.stale, self._clock())

    def start_offset(self, partition: int) -> int:
        """Returns the offset to start from in a partition that is being assigned, and reads its stale members."""
        from connectors.mariadb.billing.ingestion import read_stale_members, read_start_offset

        found = read_stale_members(self._engine, partition)
        if found:
            self._stale[partition] = StaleMembers(found)
        return read_start_offset(self._engine, GROUPS.name, partition)
