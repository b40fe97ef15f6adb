"""Processes one partition's events in order, one batch at a time. Events that arrive meanwhile form the next batch.

So a single change is processed at once, and batches grow under load: each changed timekeeper is decided once for all
changes of a batch. `streams.group.assignment` tracks which partitions are assigned, and handles errors.

A worker that is fenced may be the rightful one, fenced by a process that created its owner after it had lost the
partition. Or it is a zombie that hasn't heard of a rebalance yet, and creating its next owner would fence the rightful
one. Only the broker knows which, so the worker asks it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

import structlog

from schemas.errors import PartitionFenced
from schemas.topics import ConsumerRecord
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics

if TYPE_CHECKING:
    from faust.types import EventT

    from streams.group.partition_owner import PartitionOwner

MAX_BATCH_EVENTS = 2_000
"""Maximum number of events in one batch. Like MAX_BATCH_BYTES it bounds one transaction."""

MAX_BATCH_BYTES = 8_388_608
"""A batch ends with the event that brings it to this many bytes. The last event may be the larger part of the batch."""

CONFIRM_TIMEOUT_S, CONFIRM_POLL_S = 30.0, 0.1
"""After a fence, how long the worker asks the broker until it confirms that the partition is assigned to this process,
and the pause between two requests. A zombie learns of the rebalance with its next heartbeat.
"""

WorkerDone = Callable[["PartitionWorker", "asyncio.Task[None]"], None]
BatchDone = Callable[[], None]

log = structlog.get_logger("group")


class PartitionWorker:
    """Queues one partition's events and passes them in batches to the owner.

    `make` creates the owner when it is first needed. `ours` returns whether the broker assigns the partition to this
    process. `done` is called whenever no event is left or the worker fails, `moved` after each batch. A term is the
    time from one assignment of the partition to the next revocation.
    """

    def __init__(
        self,
        make: "Callable[[], PartitionOwner]",
        ours: Callable[[], bool],
        threads: ThreadPoolExecutor,
        done: WorkerDone,
        moved: BatchDone,
    ) -> None:
        self._make_owner, self._is_ours, self._threads, self._done, self._batch_done = make, ours, threads, done, moved
        self._owner: PartitionOwner | None = None
        self._waiting: list[EventT[Any]] = []
        self._work: asyncio.Task[None] | None = None
        self._term = 0
        self._fenced = self.assigned = False

    def assign(self) -> None:
        """Begins a term. Restores the state where there is none in memory; doesn't wait until that is done."""
        self._fenced, self.assigned = False, True
        self._term += 1
        self.enqueue([])

    def revoke(self) -> None:
        """Ends the term. Drops the waiting events: they are delivered again, to this process or another.

        A write that is under way isn't waited for: if it is too late, it is fenced.
        """
        self.assigned = False
        self._waiting.clear()

    def enqueue(self, events: "Sequence[EventT[Any]]") -> None:
        """Appends events to those that wait, and starts to process them. Does nothing after a failure."""
        if self._work is not None and self._work.done() and (self._work.cancelled() or self._work.exception()):
            return  # the owner's state is half changed and the process is stopping: nothing more may be acknowledged
        self._waiting += events
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._process_batches())
            self._work.add_done_callback(partial(self._done, self))

    @property
    def waiting(self) -> int:
        """The number of events that are in no batch yet."""
        return len(self._waiting)

    @property
    def owner(self) -> "PartitionOwner | None":
        """The owner of the partition's state; None until the state is restored."""
        return self._owner

    async def _process_batches(self) -> None:
        """Processes batches until no event waits and every timekeeper is redecided.

        The first pass creates the owner.
        """
        behind = True
        while self.assigned and (self._waiting or behind):
            batch, term = self._next_batch(), self._term
            messages = [event.message for event in batch]
            records = [ConsumerRecord(m.partition, m.offset, m.key, m.value) for m in messages]
            try:
                # In a thread, so that the event loop keeps its heartbeat while a large working set is grouped.
                behind = await asyncio.get_running_loop().run_in_executor(self._threads, self._process, records, term)
            except PartitionFenced:
                self._discard_state(batch, term)
                behind = True
                continue
            if term == self._term and self.assigned:
                for event in batch:
                    event.ack()
                if batch:
                    metrics.CHANGES.inc(len(batch))
                    metrics.CHANGE_TO_GROUP_SECONDS.observe(max(0.0, time() - messages[0].timestamp))
            # Else the batch is written, but this process may not acknowledge it. The partition's next owner gets it
            # again and ignores it, because the restored state has these versions already.
            self._batch_done()

    def _next_batch(self) -> "list[EventT[Any]]":
        size = count = 0
        for event in self._waiting[:MAX_BATCH_EVENTS]:
            count, size = count + 1, size + len(event.message.value or b"")
            if size >= MAX_BATCH_BYTES:
                break
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _discard_state(self, batch: "list[EventT[Any]]", term: int) -> None:
        """Drops the owner after it was fenced, and puts the batch back into the queue.

        The state is restored once in a term, if the partition is still ours. Restoring it more often could let two
        processes fence each other for ever, so the second time raises PartitionFenced.
        """
        outdated, self._owner = [self._owner], None
        self._threads.submit(outdated.clear)  # in a thread: closing a client is slow and would block the event loop
        log.info("memory_outdated", seated=self.assigned)
        if term == self._term and self.assigned:
            if self._fenced:
                raise PartitionFenced("Another process owns a partition that is assigned to this process.")
            self._fenced, self._waiting = True, batch + self._waiting

    def _process(self, records: Sequence[ConsumerRecord], term: int) -> bool:
        """Creates the owner, handles a batch, or redecides one timekeeper. Returns whether timekeepers are left to
        redecide.
        """
        if self._owner is None:
            if term != self._term or not self.assigned or (self._fenced and not self._broker_confirms(term)):
                # The partition was revoked while this call waited for a thread. Creating an owner now would fence the
                # rightful one.
                return True
            with metrics.RESTORE_SECONDS.time():
                self._owner = self._make_owner()
        elif not records:
            self._owner.catch_up()
        if records:
            with shared_metrics.BATCH_SECONDS.time():
                self._owner.handle(records)
        return self._owner.behind > 0

    def _broker_confirms(self, term: int) -> bool:
        """Returns True once the broker assigns the partition to this process, False where it was revoked meanwhile.

        Raises PartitionFenced after CONFIRM_TIMEOUT_S, and where this process is stopping.
        """
        deadline = monotonic() + CONFIRM_TIMEOUT_S
        while term == self._term and self.assigned:
            if self._is_ours():
                return True
            if monotonic() > deadline:
                raise PartitionFenced(
                    "The broker assigns a partition to another process, and this process still counts it as its own."
                )
            sleep(CONFIRM_POLL_S)
        return False
