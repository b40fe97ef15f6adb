"""Owns a partition of `changes`: restores its state, decides on batches and writes the results with the fenced writer.

Where our own code fails, it finds out on which record.
"""

from collections.abc import Mapping, Sequence
from threading import Lock

import structlog

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.fenced_writer import FencedWriter, owner_of
from connectors.kafka.records.partition_log import read_to_end
from processors.partition.activated_models import named_in_changes, named_in_working_set
from processors.partition.partition import Partition
from schemas.keys import Scope
from schemas.topics import GROUPS, WORKING_SET, ConsumerRecord, ProducerRecord, partition_of
from streams.group.decision_log import log_decisions
from streams.shared.model_store import ModelStore
from streams.telemetry.logs import error_text

IDLE_WAIT_S = 0.05
"""How long redeciding waits for its turn before it gives up, so that changes that arrived meanwhile come first."""

log = structlog.get_logger("group")


class DecisionTurns:
    """Lets one thread of the process decide at a time. Of the threads that redecide, at most one waits for its turn.

    Threads share one interpreter. Sixteen that decide at once decide no more, and keep the event loop waiting for a
    third of a second, where a single one keeps it for 30 ms (99th percentiles on two cores). Writes wait for no turn.
    """

    def __init__(self) -> None:
        self.deciding, self.idle = Lock(), Lock()


class PartitionOwner:
    """The state of one partition and its fenced writer. Creating one fences the previous owner.

    Its calls block, and it isn't shared between threads. Every write raises PartitionFenced once another process owns
    the partition.
    """

    def __init__(self, cluster: Cluster, number: int, models: ModelStore, default: str, turns: DecisionTurns) -> None:
        self._cluster, self._number, self._models, self._default = cluster, number, models, default
        self._turns = turns
        self._logged: set[Scope] = set()
        self._idle_decided = False
        self._writer = FencedWriter(cluster, owner_of(number))
        self._partition = self._read_back()

    @property
    def behind(self) -> int:
        """The number of timekeepers that haven't been redecided since the partition was restored."""
        return self._partition.behind

    @property
    def quarantined(self) -> Mapping[Scope, str]:
        """The quarantined timekeepers (our own code fails on their work), with the error."""
        return self._partition.quarantined

    @property
    def activities(self) -> int:
        """The number of activities in its working sets."""
        return self._partition.activities

    def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Decides on a batch and writes everything that it causes, in one transaction. Returns when the broker has it.

        An unexpected error is raised after it was found which record causes it, and the failure was counted in
        `working-set`. A MemoryError is raised without being counted.
        """
        # Before anything is decided, so that an unavailable database isn't counted as a record's failure.
        self._models.load(named_in_changes(records))
        if any(self._partition.was_tried(record) for record in records):
            self._one_by_one(records)
            return
        try:
            with self._turns.deciding:
                outgoing = self._partition.absorb(records)
        except MemoryError:
            raise  # no record causes a lack of memory
        except Exception as error:  # noqa: BLE001  any error is raised again by the record that causes it
            log.error("batch_failed", partition=self._number, first_offset=records[0].offset, error=error_text(error))
            self._partition = self._read_back(settled=True)  # the failed batch left the working sets half changed
            self._one_by_one(records)
            return
        self._write(outgoing, records)

    def catch_up(self) -> None:
        """Redecides the next timekeeper who hasn't been redecided since the restore: today's code or model may decide
        otherwise.

        It returns without a decision where it doesn't get its turn within IDLE_WAIT_S, because changes that arrive
        meanwhile must not wait while other partitions redecide.
        """
        if not self._turns.idle.acquire(timeout=IDLE_WAIT_S):
            return
        try:
            with self._turns.deciding:
                outgoing = self._partition.redecide_next()
        finally:
            self._turns.idle.release()
        self._write(outgoing)

    def _write(self, outgoing: Sequence[ProducerRecord], records: Sequence[ConsumerRecord] = ()) -> None:
        if outgoing:
            self._writer.write(outgoing)
        log_decisions(records, outgoing)
        if not self._idle_decided and not self.behind:
            self._idle_decided = True
            log.info("everybody_looked_at", partition=self._number)
        for scope in self._partition.quarantined.keys() - self._logged:
            self._logged.add(scope)
            # The error is in the dead letter only: its text may contain words of activities.
            log.error("set_aside", partition=self._number, firm=scope.firm, timekeeper=scope.timekeeper)

    def _read_back(self, *, settled: bool = False) -> Partition:
        """Restores the state from the topics. After that every timekeeper has to be redecided.

        Creating a writer waits until earlier transactions of its name have their end markers. Without a new writer, our
        own last batch may not have its end marker yet and is hidden; `settled` waits for it.
        """
        partition = Partition(self._number, self._models, self._default, belongs=self._belongs)
        rows, published = (self._last(topic, settled=settled) for topic in (WORKING_SET.name, GROUPS.name))
        self._models.load(named_in_working_set(rows))
        with self._turns.deciding:
            for record in rows:
                partition.restore(record)
            for record in published:
                partition.restore_published(record)
        if letters := partition.open():
            self._writer.write(letters)
            log_decisions([], letters)
        log.info("partition_read_back", partition=self._number, timekeepers=partition.behind)
        return partition

    def _belongs(self, scope: Scope) -> bool:
        return partition_of(scope) == self._number

    def _last(self, topic: str, *, settled: bool) -> Sequence[ConsumerRecord]:
        """Returns the last record of each key. Earlier ones may be there too, until the topic is compacted."""
        records = read_to_end(self._cluster, topic, [self._number], settled=settled)
        return list({record.key: record for record in records}.values())

    def _one_by_one(self, records: Sequence[ConsumerRecord]) -> None:
        """Processes each record by itself, so that a failure is known to be caused by that record.

        After too many failures the record becomes a dead letter.
        """
        for record in records:
            with self._turns.deciding:
                before = self._partition.redecide_owner_of(record)
            self._write(before)
            try:
                with self._turns.deciding:
                    outgoing = self._partition.absorb([record])
            except MemoryError:
                raise
            except Exception as error:
                self._writer.write([self._partition.record_failure(record)])
                if not self._partition.is_exhausted(record):
                    raise
                log.error("buried", partition=self._number, offset=record.offset, error=error_text(error))
                self._partition = self._read_back(settled=True)
                outgoing = self._partition.dead_letter(record, f"our own code failed on it, again and again: {error!r}")
            self._write(outgoing, [record])
