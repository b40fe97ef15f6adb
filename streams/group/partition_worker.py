"""One partition's events in order: one batch on its way, and what comes meanwhile is the next one.

So a lone change goes at once, and under load batches grow by themselves: each touched timekeeper is decided once for
all that came meanwhile. Whom the partition was given to, and what becomes of an error, is `streams.group.assignment`'s.

Who is fenced may be the rightful owner, whom somebody slow to begin has fenced; or a zombie that hasn't heard of a
rebalance yet, whose next owner would fence the rightful one. The broker knows, and is asked.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

import structlog

from schemas.errors import PartitionFenced
from schemas.records import ConsumerRecord
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics

if TYPE_CHECKING:
    from faust.types import EventT

    from streams.group.partition_owner import Owner

BATCH = 2_000
"""Most events of one batch,"""

BATCH_BYTES = 8_388_608
"""and most bytes, of which the last event may be the larger part: bounds on one transaction."""

CONFIRMED_S, AGAIN_S = 30.0, 0.1
"""How long the broker may deny that a partition that is seated here is ours, and how often it is asked. A zombie hears
of the rebalance with its next heartbeat.
"""

Done = Callable[["Seat", "asyncio.Task[None]"], None]
Moved = Callable[[], None]

log = structlog.get_logger("group")


class Seat:
    """One partition's events in order, and the owner that handles them; the owner is made when it is first needed.

    `ours` asks the broker whose the partition is; `done` is told whenever the seat runs dry or fails, `moved` whenever
    a batch is done. A term is the time from one assignment of the partition to the next revocation.
    """

    def __init__(
        self,
        make: "Callable[[], Owner]",
        ours: Callable[[], bool],
        threads: ThreadPoolExecutor,
        done: Done,
        moved: Moved,
    ) -> None:
        self._make, self._ours, self._threads, self._done, self._moved = make, ours, threads, done, moved
        self._owner: Owner | None = None
        self._waiting: list[EventT[Any]] = []
        self._work: asyncio.Task[None] | None = None
        self._term = 0
        self._fenced = self.seated = False

    def sit(self) -> None:
        """The partition is ours, perhaps again. It is read back, if it has to be, without being waited for."""
        self._fenced, self.seated = False, True
        self._term += 1
        self.offer([])

    def rise(self) -> None:
        """The partition isn't ours for now: what waits will come again, to us or to somebody else.

        What is being written is not waited for: if it is too late, it is fenced.
        """
        self.seated = False
        self._waiting.clear()

    def offer(self, events: "Sequence[EventT[Any]]") -> None:
        """Puts events behind those that wait."""
        if self._work is not None and self._work.done() and (self._work.cancelled() or self._work.exception()):
            return  # the owner is half changed, and this process is ending: nothing more may be acknowledged
        self._waiting += events
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._drain())
            self._work.add_done_callback(partial(self._done, self))

    @property
    def waiting(self) -> int:
        """Events that no batch has yet."""
        return len(self._waiting)

    @property
    def owner(self) -> "Owner | None":
        """Who handles its batches; None until the partition is read back."""
        return self._owner

    async def _drain(self) -> None:
        """Batch by batch until nothing waits and nobody is left to look at. The first pass makes the owner."""
        behind = True
        while self.seated and (self._waiting or behind):
            batch, term = self._next(), self._term
            messages = [event.message for event in batch]
            records = [ConsumerRecord(m.partition, m.offset, m.key, m.value) for m in messages]
            try:
                # In a thread: the loop keeps its heartbeat while a large set is grouped.
                behind = await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, records, term)
            except PartitionFenced:
                self._forget(batch, term)
                behind = True
                continue
            if term == self._term and self.seated:
                for event in batch:
                    event.ack()
                if batch:
                    metrics.CHANGES.inc(len(batch))
                    metrics.CHANGE_SECONDS.observe(max(0.0, time() - messages[0].timestamp))
            # Else it is written, but not ours to acknowledge: it comes again to whoever has it, who knows it already.
            self._moved()

    def _next(self) -> "list[EventT[Any]]":
        size = count = 0
        for event in self._waiting[:BATCH]:
            count, size = count + 1, size + len(event.message.value or b"")
            if size >= BATCH_BYTES:
                break
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _forget(self, batch: "list[EventT[Any]]", term: int) -> None:
        """Somebody else had the partition: forgets it all, and the batch waits again. Raises Fenced the second time.

        Once in a term it is read back, if it is ours. More often would be two that take turns for ever.
        """
        outdated, self._owner = [self._owner], None
        self._threads.submit(outdated.clear)  # a client's end takes its time, and the loop has none
        log.info("memory_outdated", seated=self.seated)
        if term == self._term and self.seated:
            if self._fenced:
                raise PartitionFenced("another process took a partition that this one believes to have")
            self._fenced, self._waiting = True, batch + self._waiting

    def _handle(self, records: Sequence[ConsumerRecord], term: int) -> bool:
        """Makes the owner, handles a batch, or looks at somebody; True while there is somebody left to look at."""
        if self._owner is None:
            if term != self._term or not self.seated or (self._fenced and not self._confirmed(term)):
                # It left while this waited for its thread: making an owner now would fence the rightful one.
                return True
            with metrics.READ_BACK_SECONDS.time():
                self._owner = self._make()
        elif not records:
            self._owner.catch_up()
        if records:
            with shared_metrics.BATCH_SECONDS.time():
                self._owner.handle(records)
        return self._owner.behind > 0

    def _confirmed(self, term: int) -> bool:
        """True when the broker says that the partition is ours; False where it left meanwhile. Raises Fenced."""
        deadline = monotonic() + CONFIRMED_S
        while term == self._term and self.seated:
            if self._ours():
                return True
            if monotonic() > deadline:
                raise PartitionFenced(
                    "the broker says that another process has a partition that this one believes to have"
                )
            sleep(AGAIN_S)
        return False
