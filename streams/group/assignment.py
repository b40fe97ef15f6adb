"""Tracks which partitions of `changes` this process has. Each is processed in order, and none waits for another.

A rebalance revokes every partition from every process and usually returns most of them. The state in memory is still
valid then, unless another process had the partition meanwhile, and that process has fenced our writer. So the worker of
a revoked partition is kept until the next assignment shows that the partition went to another process, and the first
write after a rebalance shows whether the state was still valid.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from schemas.errors import PartitionFenced
from schemas.topics import CHANGES
from streams.group.partition_worker import PartitionWorker
from streams.telemetry.logs import error_text

if TYPE_CHECKING:
    from faust.types import TP, EventT

    from streams.group.partition_owner import PartitionOwner

MAX_UNACKNOWLEDGED = 20_000
"""Maximum number of events received from Faust that wait for a batch. It bounds the memory that they use, and how many
are delivered again after a crash.
"""

log = structlog.get_logger("group")


class Assignment:
    """The partition workers of this process, by partition number.

    `make` creates the owner of a partition. `ours` returns whether the broker assigns a partition to this process; a
    worker that was fenced asks it before it creates a new owner. `failed` is called with the error that ends this
    process. `stopping` returns whether the process is stopping.
    """

    def __init__(
        self,
        make: "Callable[[int], PartitionOwner]",
        ours: Callable[[int], bool],
        failed: Callable[[BaseException], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._make_owner, self._is_ours, self._on_failure, self._is_stopping = make, ours, failed, stopping
        # One thread for each partition, because a batch mostly waits for the broker.
        self._threads = ThreadPoolExecutor(CHANGES.partitions, thread_name_prefix="partition")
        self._workers: dict[int, PartitionWorker] = {}
        self._has_room = asyncio.Event()
        self.assigned_once = False
        self.error: BaseException | None = None

    @property
    def assigned_workers(self) -> dict[int, PartitionWorker]:
        """Returns the workers of the partitions that are assigned now. Any thread may call it."""
        return {number: worker for number, worker in list(self._workers.items()) if worker.assigned}

    def assign(self, partitions: "set[TP]") -> None:
        """Assigns exactly these partitions. The rebalance doesn't wait until their state is restored."""
        ours = {tp.partition for tp in partitions if tp.topic == CHANGES.name}
        departed = [self._workers.pop(number) for number in self._workers.keys() - ours]
        for worker in departed:
            worker.revoke()
        self._threads.submit(departed.clear)  # in a thread: closing a client is slow and would block the event loop
        for number in sorted(ours):
            if number not in self._workers:
                make, still = partial(self._make_owner, number), partial(self._is_still_ours, number)
                self._workers[number] = PartitionWorker(
                    make, still, self._threads, self._worker_done, self._has_room.set
                )
            self._workers[number].assign()
        self.assigned_once = True

    def revoke(self, partitions: "set[TP]") -> None:
        """Marks the revoked partitions as inactive but keeps their state, because the next rebalance usually returns
        them.
        """
        for tp in partitions:
            if tp.topic == CHANGES.name and tp.partition in self._workers:
                self._workers[tp.partition].revoke()

    async def dispatch(self, events: "Sequence[EventT[Any]]", generation: int) -> None:
        """Passes each event to its partition's worker. Returns at once, unless more than MAX_UNACKNOWLEDGED events
        wait: then it returns when fewer wait.

        Events of another generation were fetched before the last rebalance. They are ignored here, because they are
        delivered again in order.
        """
        present = [event for event in events if event.message.generation_id == generation]
        for number, batch in _by_partition(present).items():
            worker = self._workers.get(number)
            # Where the partition was revoked meanwhile, its events aren't acknowledged and are delivered again.
            if worker is not None and worker.assigned:
                worker.enqueue(batch)
        while sum(worker.waiting for worker in self._workers.values()) > MAX_UNACKNOWLEDGED:
            self._has_room.clear()
            await self._has_room.wait()

    def _is_still_ours(self, number: int) -> bool:
        """Returns whether the broker assigns the partition to this process.

        Raises PartitionFenced where this process is stopping or has failed, because it then starts no partition again.
        """
        if self.error is not None or self._is_stopping():
            raise PartitionFenced("Another process owns a partition now, and this process is stopping.")
        return self._is_ours(number)

    def _worker_done(self, worker: PartitionWorker, work: "asyncio.Task[None]") -> None:
        self._has_room.set()
        if work.cancelled() or (error := work.exception()) is None:
            return
        if isinstance(error, PartitionFenced) and (self.error is not None or self._is_stopping()):
            log.info("fenced_at_the_end")  # the partition's next owner didn't wait for our last batch, and repeats it
        elif worker in self._workers.values():
            self.error = error
            self._on_failure(error)
        else:  # another process has the partition now; if its events cause the error, it occurs there, too
            log.warning("failed_after_leaving", error=error_text(error))


def _by_partition(events: "Sequence[EventT[Any]]") -> "dict[int, list[EventT[Any]]]":
    batches: dict[int, list[EventT[Any]]] = {}
    for event in events:
        batches.setdefault(event.message.partition, []).append(event)
    return batches
