"""Owning a partition of `changes`: read back what it left, decide on batches, write fenced, pin a bug on its record."""

from collections.abc import Mapping, Sequence
from threading import Lock

import structlog

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.fenced_writer import FencedWriter, owner_of
from connectors.kafka.records.partition_log import read_to_end
from processors.partition.activated_models import named_in_changes, named_in_kept
from processors.partition.partition import Partition
from schemas.keys import Scope
from schemas.partitioner import partition_of
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.topics import GROUPS, WORKING_SET
from streams.group.decision_log import tell_decisions
from streams.shared.model_store import Shelf
from streams.telemetry.logs import told

IDLE_WAIT_S = 0.05
"""How long idle work waits for its turn before it looks whether there are changes now."""

log = structlog.get_logger("group")


class Turns:
    """One decision at a time in a process, and of those that nobody waits for at most one that wants to be next.

    Threads share one interpreter: sixteen that decide at once decide no more, and keep the event loop waiting for a
    third of a second where a single one keeps it for 30 ms (99th percentiles on two cores). Writes wait for no turn.
    """

    def __init__(self) -> None:
        self.deciding, self.idle = Lock(), Lock()


class Owner:
    """One partition's sets in memory and its writer. Making one fences whoever owned the partition before.

    Blocking, and not shared between threads. Raises Fenced from any write once somebody else has taken the partition.
    """

    def __init__(self, cluster: Cluster, number: int, shelf: Shelf, default: str, turns: Turns) -> None:
        self._cluster, self._number, self._shelf, self._default = cluster, number, shelf, default
        self._turns = turns
        self._told: set[Scope] = set()
        self._looked = False
        self._writer = FencedWriter(cluster, owner_of(number))
        self._partition = self._read_back()

    @property
    def behind(self) -> int:
        """How many timekeepers nobody has looked at since the partition was read back."""
        return self._partition.behind

    @property
    def aside(self) -> Mapping[Scope, str]:
        """Timekeepers who are set aside because of a bug of ours, with the error."""
        return self._partition.aside

    @property
    def activities(self) -> int:
        """How many activities it decides over."""
        return self._partition.activities

    def handle(self, records: Sequence[ConsumerRecord]) -> None:
        """Decides on a batch and writes what it causes, whole. Returns when the broker has it.

        An error that nobody foresaw is pinned on one record and counted on the topic before it is raised; a lack of
        memory is raised and not counted.
        """
        # Before anything is decided: that the database is away is no record's fault, and is counted against none.
        self._shelf.bring(named_in_changes(records))
        if any(self._partition.tried(record) for record in records):
            self._one_by_one(records)
            return
        try:
            with self._turns.deciding:
                outgoing = self._partition.absorb(records)
        except MemoryError:
            raise  # the machine's fault, and no record's
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised again by the record that has it
            log.error("batch_failed", partition=self._number, first_offset=records[0].offset, error=told(error))
            self._partition = self._read_back(settled=True)  # the failed batch left the sets half changed
            self._one_by_one(records)
            return
        self._write(outgoing, records)

    def catch_up(self) -> None:
        """Looks at the next timekeeper whom no change has touched since: today's code or model may say otherwise.

        Or returns soon, and has looked at nobody: changes that came meanwhile mustn't wait for other partitions' idle
        work.
        """
        if not self._turns.idle.acquire(timeout=IDLE_WAIT_S):
            return
        try:
            with self._turns.deciding:
                outgoing = self._partition.look_again()
        finally:
            self._turns.idle.release()
        self._write(outgoing)

    def _write(self, outgoing: Sequence[ProducerRecord], records: Sequence[ConsumerRecord] = ()) -> None:
        if outgoing:
            self._writer.write(outgoing)
        tell_decisions(records, outgoing)
        if not self._looked and not self.behind:
            self._looked = True
            log.info("everybody_looked_at", partition=self._number)
        for scope in self._partition.aside.keys() - self._told:
            self._told.add(scope)
            # Why is in the letter: an error's text may hold words.
            log.error("set_aside", partition=self._number, firm=scope.firm, timekeeper=scope.timekeeper)

    def _read_back(self, *, settled: bool = False) -> Partition:
        """The sets as the topics remember them. Everybody is yet to be looked at.

        Making a writer waits until what was written under its name before has its end marks; without a new one, our
        own last batch may have none yet, and is hidden: then `settled` waits for it.
        """
        partition = Partition(self._number, self._shelf, self._default, belongs=self._belongs)
        kept, said = (self._last(topic, settled=settled) for topic in (WORKING_SET.name, GROUPS.name))
        self._shelf.bring(named_in_kept(kept))
        with self._turns.deciding:
            for record in kept:
                partition.restore(record)
            for record in said:
                partition.remember(record)
        if letters := partition.open():
            self._writer.write(letters)
            tell_decisions([], letters)
        log.info("partition_read_back", partition=self._number, timekeepers=partition.behind)
        return partition

    def _belongs(self, scope: Scope) -> bool:
        return partition_of(scope) == self._number

    def _last(self, topic: str, *, settled: bool) -> Sequence[ConsumerRecord]:
        """The last record of each key: compaction may not have come by for long."""
        records = read_to_end(self._cluster, topic, [self._number], settled=settled)
        return list({record.key: record for record in records}.values())

    def _one_by_one(self, records: Sequence[ConsumerRecord]) -> None:
        """Each record by itself, so that a failure is known to be this record's; the third time it is buried."""
        for record in records:
            with self._turns.deciding:
                before = self._partition.look_at(record)
            self._write(before)
            try:
                with self._turns.deciding:
                    outgoing = self._partition.absorb([record])
            except MemoryError:
                raise
            except Exception as error:
                self._writer.write([self._partition.failed(record)])
                if not self._partition.hopeless(record):
                    raise
                log.error("buried", partition=self._number, offset=record.offset, error=told(error))
                self._partition = self._read_back(settled=True)
                outgoing = self._partition.bury(record, f"our own code failed on it, again and again: {error!r}")
            self._write(outgoing, [record])
