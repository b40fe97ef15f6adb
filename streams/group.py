"""`group`: the stream processor. Change events in, groups out, one partition's batch at a time.

    changes ─▶ take a batch ─▶ by partition ─▶ absorb (decode, apply, decide, say) ─▶ write whole ─▶ acknowledge

Faust brings the records and owns the offsets; `processors.partition` decides; `connectors.kafka.writer` writes, fenced.
A batch is acknowledged only after the broker has everything that it caused. What nobody foresaw crashes the process:
its supervisor starts it again, and exactly the unacknowledged changes come again.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Any

import structlog

from schemas.errors import Fenced
from schemas.records import Incoming
from schemas.topics import CHANGES

if TYPE_CHECKING:
    import faust
    from faust.types import TP, EventT

    from processors.grouping.model import Model
    from streams.ownership import Owner

BATCH = 2000
"""Most change events taken at once: a bound on what comes again after a crash, and on one transaction."""

WITHIN_S = 0.005
"""Faust looks for company at this rhythm, so half of it is what a lone change waits on average."""

STOP_WITHIN_S = 5.0
"""A worker that crashed and hasn't ended by then ends at once: nothing of it is needed any more."""

log = structlog.get_logger("group")


class Seat:
    """A partition that Faust assigned to this process; its owner is made when it is first needed."""

    def __init__(self, make: "Callable[[], Owner]", threads: ThreadPoolExecutor) -> None:
        self._make = make
        self._threads = threads
        self._owner: Owner | None = None
        self._lock = asyncio.Lock()

    async def take(self, records: Sequence[Incoming]) -> None:
        """Has the owner handle a batch, in a thread: the loop keeps its heartbeat while a large set is grouped."""
        async with self._lock:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._handle, records)

    async def settled(self) -> None:
        """Returns when nothing is being written."""
        async with self._lock:
            pass

    def _handle(self, records: Sequence[Incoming]) -> None:
        if self._owner is None:
            self._owner = self._make()
        if records:
            self._owner.handle(records)


class Worker:
    """The partitions of `changes` that this process has, by number."""

    def __init__(self, make: "Callable[[int], Owner]") -> None:
        self._make = make
        # A thread a partition: most of a batch's time is the broker's, and partitions needn't wait for each other.
        self._threads = ThreadPoolExecutor(CHANGES.partitions, thread_name_prefix="partition")
        self._seats: dict[int, Seat] = {}

    def assigned(self, partitions: "set[TP]") -> list[Seat]:
        """Seats for what is new, to be opened before their first batch comes, or by it."""
        new = [tp.partition for tp in partitions if tp.topic == CHANGES.name and tp.partition not in self._seats]
        self._seats |= {number: Seat(partial(self._make, number), self._threads) for number in new}
        return [self._seats[number] for number in new]

    async def revoked(self, partitions: "set[TP]") -> None:
        """Lets what is being written end, then forgets the partition: its next owner reads it from the topics."""
        for tp in partitions:
            seat = self._seats.pop(tp.partition, None) if tp.topic == CHANGES.name else None
            if seat is not None:
                await seat.settled()

    async def take(self, events: "Sequence[EventT[Any]]") -> None:
        """One batch of events of any partitions: handles each partition's by itself, and acknowledges it."""
        batches: dict[int, list[EventT[Any]]] = defaultdict(list)
        for event in events:
            batches[event.message.partition].append(event)
        await asyncio.gather(*(self._take(number, batch) for number, batch in batches.items()))

    async def _take(self, number: int, batch: "Sequence[EventT[Any]]") -> None:
        seat = self._seats.get(number)
        if seat is None:
            return  # revoked meanwhile: not acknowledged, so its next owner gets the batch
        messages = [event.message for event in batch]
        try:
            await seat.take([Incoming(number, m.offset, m.key, m.value) for m in messages])
        except Fenced:
            if self._seats.get(number) is seat:
                raise  # still ours as far as we know, so we are the zombie
            return
        for event in batch:
            event.ack()


def make_app(
    bootstrap: str, models: "Mapping[str, Model]", default: str, datadir: str, session_s: float
) -> "faust.App":
    """The Faust application. Public API only; state is in topics of ours, so it has no tables.

    `session_s` is how long a silent worker keeps its partitions: Faust's default lets a killed one's rest for minutes.
    """
    import faust

    from streams.ownership import Owner

    app = faust.App(
        "group",
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        datadir=datadir,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=session_s,
        broker_heartbeat_interval=session_s / 6,
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        stream_buffer_maxsize=2 * BATCH,
    )
    worker = Worker(lambda number: Owner(bootstrap, number, models, default))
    source = app.topic(CHANGES.name, key_serializer="raw", value_serializer="raw")

    @app.on_partitions_assigned.connect
    async def assigned(_: Any, /, *assignment: "set[TP]", **__: Any) -> None:
        for seat in worker.assigned(*assignment):
            app.add_future(seat.take([]))  # not awaited: the rebalance must not wait for what is read back

    @app.on_partitions_revoked.connect
    async def revoked(_: Any, /, *revocation: "set[TP]", **__: Any) -> None:
        await worker.revoked(*revocation)

    @app.agent(source)
    async def group(stream: Any) -> None:
        # noack_take hands out events and acknowledges none: with take(), a raising agent would lose its batch.
        async for events in stream.noack_take(BATCH, within=WITHIN_S):
            try:
                await worker.take(events)
            except Exception as error:
                log.error("crash", error=repr(error), exc_info=True)
                # Stopping in order lets others have our partitions at once, but it may wait for what never ends.
                deadline = Timer(STOP_WITHIN_S, os._exit, (1,))
                deadline.daemon = True
                deadline.start()
                await app.crash(error)
                raise

    return app


def command() -> None:
    """Group change events as they come, until it is told to stop. Start more of them to share the work.

    Example: ./timeloom group

    Exit: 0 it was told to stop; 1 something nobody foresaw (start it again: nothing is lost); 3 a server is not up.
    """
    import faust

    from streams.logs import to_json
    from streams.models import known_models, shipped_model
    from streams.settings import load

    settings = load()
    to_json("group")
    datadir = str(settings.home / "run" / "faust")
    app = make_app(
        settings.kafka(), known_models(), shipped_model().version, datadir, session_s=settings.worker_session_s
    )
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, override_logging=False).execute_from_commandline()
