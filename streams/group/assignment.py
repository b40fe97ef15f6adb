"""The partitions of `changes` that this process has: each takes its events in order, and none waits for another.

A rebalance takes every partition from everybody, and gives most of them back. What we had in memory is still right
then, unless somebody else had the partition in between; and whoever has it fences us. So seats are kept until it is
known that they went to another process, and the first write after a rebalance tells whether memory was right.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from schemas.errors import PartitionFenced
from schemas.topics import CHANGES
from streams.group.partition_worker import Seat
from streams.telemetry.logs import told

if TYPE_CHECKING:
    from faust.types import TP, EventT

    from streams.group.partition_owner import Owner

WAITING = 20_000
"""Most events taken from Faust and not acknowledged yet: a bound on memory, and on what comes again after a crash."""

log = structlog.get_logger("group")


class Seats:
    """All seats by partition number, each made with `make` when `ours` doesn't deny that the partition is ours.

    `failed` is told of the error that ends this process; `stopping`: does it end?
    """

    def __init__(
        self,
        make: "Callable[[int], Owner]",
        ours: Callable[[int], bool],
        failed: Callable[[BaseException], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._make, self._ours, self._failed, self._stopping = make, ours, failed, stopping
        # A thread a partition: most of a batch's time is the broker's.
        self._threads = ThreadPoolExecutor(CHANGES.partitions, thread_name_prefix="partition")
        self._seats: dict[int, Seat] = {}
        self._room = asyncio.Event()
        self.assigned_once = False
        self.error: BaseException | None = None

    @property
    def seated(self) -> dict[int, Seat]:
        """The partitions that are ours now. Any thread may ask."""
        return {number: seat for number, seat in list(self._seats.items()) if seat.seated}

    def assigned(self, partitions: "set[TP]") -> None:
        """Takes seats: these and no others are ours now. A rebalance doesn't wait for what they read back."""
        ours = {tp.partition for tp in partitions if tp.topic == CHANGES.name}
        departed = [self._seats.pop(number) for number in self._seats.keys() - ours]
        for seat in departed:
            seat.rise()
        self._threads.submit(departed.clear)  # a client's end takes its time, and the loop has none
        for number in sorted(ours):
            if number not in self._seats:
                make, still = partial(self._make, number), partial(self._still_ours, number)
                self._seats[number] = Seat(make, still, self._threads, self._done, self._room.set)
            self._seats[number].sit()
        self.assigned_once = True

    def revoked(self, partitions: "set[TP]") -> None:
        """Rises from the seats, and keeps them: the next assignment tells which are ours again."""
        for tp in partitions:
            if tp.topic == CHANGES.name and tp.partition in self._seats:
                self._seats[tp.partition].rise()

    async def take(self, events: "Sequence[EventT[Any]]", generation: int) -> None:
        """Hands events to their seats. Returns at once, unless too many wait: then when there is room again.

        Events of another generation were fetched before the last rebalance: they come again, in order.
        """
        present = [event for event in events if event.message.generation_id == generation]
        for number, batch in _by_partition(present).items():
            seat = self._seats.get(number)
            if seat is not None and seat.seated:  # else revoked meanwhile, and not acknowledged: they come again
                seat.offer(batch)
        while sum(seat.waiting for seat in self._seats.values()) > WAITING:
            self._room.clear()
            await self._room.wait()

    def _still_ours(self, number: int) -> bool:
        """Raises Fenced where this process ends: it takes nothing up any more."""
        if self.error is not None or self._stopping():
            raise PartitionFenced("another process took a partition, and this one ends")
        return self._ours(number)

    def _done(self, seat: Seat, work: "asyncio.Task[None]") -> None:
        self._room.set()
        if work.cancelled() or (error := work.exception()) is None:
            return
        if isinstance(error, PartitionFenced) and (self.error is not None or self._stopping()):
            log.info("fenced_at_the_end")  # who has the partition now didn't wait for our last batch: it is theirs
        elif seat in self._seats.values():
            self.error = error
            self._failed(error)
        else:  # somebody else has the partition now, and will meet the error if it is one
            log.warning("failed_after_leaving", error=told(error))


def _by_partition(events: "Sequence[EventT[Any]]") -> "dict[int, list[EventT[Any]]]":
    batches: dict[int, list[EventT[Any]]] = {}
    for event in events:
        batches.setdefault(event.message.partition, []).append(event)
    return batches
