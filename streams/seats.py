"""The partitions of `changes` that this process has: each takes its events in order, and none waits for another.

What comes while a partition's batch is on its way is its next batch. So a lone change goes at once, and under load
batches grow by themselves: each touched timekeeper is decided once for all that came meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from schemas.errors import Fenced
from schemas.records import Incoming
from schemas.topics import CHANGES

if TYPE_CHECKING:
    from faust.types import TP, EventT

    from streams.ownership import Owner

WAITING = 20_000
"""Most events taken from Faust and not acknowledged yet: a bound on memory, and on what comes again after a crash."""

BATCH = 2_000
"""Most events of one batch: a bound on one transaction."""


class Seat:
    """One partition's events in order, and the owner that handles them; the owner is made when it is first needed."""

    def __init__(self, make: "Callable[[], Owner]", threads: ThreadPoolExecutor) -> None:
        self._make, self._threads = make, threads
        self._owner: Owner | None = None
        self._waiting: list[EventT[Any]] = []
        self._left = False
        self._work: asyncio.Task[None] | None = None

    def offer(self, events: "Sequence[EventT[Any]]", done: Callable[["asyncio.Task[None]"], None]) -> None:
        """Puts events behind those that wait. `done` is told when the seat runs dry, or fails."""
        if self._work is not None and self._work.done() and (self._work.cancelled() or self._work.exception()):
            return  # the owner is half changed, and this process is ending: nothing more may be acknowledged
        self._waiting += events
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._drain())
            self._work.add_done_callback(done)

    async def leave(self) -> None:
        """The partition isn't ours any more: what is being written ends, the rest is its next owner's."""
        self._left = True
        self._waiting.clear()
        if self._work is not None:
            await asyncio.wait([self._work])

    @property
    def waiting(self) -> int:
        """Events that no batch has yet."""
        return len(self._waiting)

    async def _drain(self) -> None:
        """Batch by batch until nothing waits. The first pass makes the owner, whether or not there is a batch."""
        while True:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            messages = [event.message for event in batch]
            records = [Incoming(m.partition, m.offset, m.key, m.value) for m in messages]
            try:
                # In a thread: the loop keeps its heartbeat while a large set is grouped.
                await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, records)
            except Fenced:
                if not self._left:
                    raise  # still ours as far as we know, so we are the zombie
                return
            if self._left:
                return  # written, but not ours to acknowledge: its next owner gets it again, and knows it already
            for event in batch:
                event.ack()
            if not self._waiting:
                return

    def _handle(self, records: Sequence[Incoming]) -> None:
        if self._owner is None:
            self._owner = self._make()
        if records:
            self._owner.handle(records)


class Seats:
    """All seats by partition number. `failed` is told of the error that ends this process."""

    def __init__(self, make: "Callable[[int], Owner]", failed: Callable[[BaseException], None]) -> None:
        self._make, self._failed = make, failed
        # A thread a partition: most of a batch's time is the broker's.
        self._threads = ThreadPoolExecutor(CHANGES.partitions, thread_name_prefix="partition")
        self._seats: dict[int, Seat] = {}
        self._room = asyncio.Event()

    def assigned(self, partitions: "set[TP]") -> None:
        """Takes seats for what is new. They open by themselves: a rebalance must not wait for what they read back."""
        for tp in partitions:
            if tp.topic == CHANGES.name and tp.partition not in self._seats:
                self._seats[tp.partition] = Seat(partial(self._make, tp.partition), self._threads)
                self._seats[tp.partition].offer([], self._done)

    async def revoked(self, partitions: "set[TP]") -> None:
        """Leaves the seats: their next owners read what was written from the topics."""
        ours = [tp.partition for tp in partitions if tp.topic == CHANGES.name and tp.partition in self._seats]
        await asyncio.gather(*(self._seats.pop(number).leave() for number in ours))

    async def take(self, events: "Sequence[EventT[Any]]", generation: int) -> None:
        """Hands events to their seats. Returns at once, unless too many wait: then when there is room again.

        Events of another generation were fetched before the last rebalance: they come again, in order.
        """
        present = [event for event in events if event.message.generation_id == generation]
        for number, batch in _by_partition(present).items():
            if seat := self._seats.get(number):  # else revoked meanwhile, and not acknowledged: its next owner's
                seat.offer(batch, self._done)
        while sum(seat.waiting for seat in self._seats.values()) > WAITING:
            self._room.clear()
            await self._room.wait()

    def _done(self, work: "asyncio.Task[None]") -> None:
        self._room.set()
        if not work.cancelled() and (error := work.exception()) is not None:
            self._failed(error)


def _by_partition(events: "Sequence[EventT[Any]]") -> "dict[int, list[EventT[Any]]]":
    batches: dict[int, list[EventT[Any]]] = {}
    for event in events:
        batches.setdefault(event.message.partition, []).append(event)
    return batches
