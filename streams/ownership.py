"""Owning a partition of `changes`: read back what it left, decide on batches, write fenced, pin a bug on its record."""

from collections.abc import Mapping, Sequence

import structlog

from connectors.kafka.cluster import Cluster
from connectors.kafka.log import read_to_end
from connectors.kafka.writer import FencedWriter, owner_of
from processors.grouping.model import Model
from processors.partition import Partition
from schemas.records import Incoming
from schemas.topics import GROUPS, WORKING_SET

TRIES = 3
"""A change on which our own code fails so often is dead-lettered with reason `bug`."""

log = structlog.get_logger("group")


class Owner:
    """One partition's sets in memory and its writer. Making one fences whoever owned the partition before.

    Blocking, and not shared between threads. Raises Fenced from any write once somebody else has taken the partition.
    """

    def __init__(self, cluster: Cluster, number: int, models: Mapping[str, Model], default: str) -> None:
        self._cluster, self._number, self._models, self._default = cluster, number, models, default
        self._writer = FencedWriter(cluster, owner_of(number))
        self._partition = self._read_back()

    def handle(self, records: Sequence[Incoming]) -> None:
        """Decides on a batch and writes what it causes, whole. Returns when the broker has it.

        An error that nobody foresaw is pinned on one record and counted on the topic before it is raised.
        """
        if any(record.offset in self._partition.attempts for record in records):
            self._one_by_one(records)
            return
        try:
            outgoing = self._partition.absorb(records)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised again by the record that has it
            log.error("batch_failed", partition=self._number, first_offset=records[0].offset, error=repr(error))
            self._partition = self._read_back()  # the failed batch left the sets half changed
            self._one_by_one(records)
            return
        if outgoing:
            self._writer.write(outgoing)

    def _read_back(self) -> Partition:
        """The sets as the topics remember them; what today's code and model say otherwise is said at once."""
        partition = Partition(self._number, self._models, self._default)
        for record in read_to_end(self._cluster, WORKING_SET.name, [self._number]):
            partition.restore(record)
        for record in read_to_end(self._cluster, GROUPS.name, [self._number]):
            partition.remember(record)
        if differences := partition.resume():
            self._writer.write(differences)
        log.info("partition_read_back", partition=self._number, said=len(differences))
        return partition

    def _one_by_one(self, records: Sequence[Incoming]) -> None:
        """Each record by itself, so that a failure is known to be this record's; the third time it is buried."""
        for record in records:
            try:
                outgoing = self._partition.absorb([record])
            except Exception as error:
                self._writer.write([self._partition.failed(record)])
                if self._partition.attempts[record.offset] < TRIES:
                    raise
                log.error("buried", partition=self._number, offset=record.offset, error=repr(error))
                self._partition = self._read_back()
                outgoing = self._partition.bury(record, f"failed {TRIES} times: {error!r}")
            if outgoing:
                self._writer.write(outgoing)
