"""A partition's seat: events in order, each acknowledged after it was handled and never after a failure or a leave."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from faust.types import TP

from schemas.errors import PartitionFenced
from schemas.topics import CHANGES, ConsumerRecord
from streams.group import partition_worker as seat_
from streams.group.assignment import Assignment
from streams.group.partition_worker import MAX_BATCH_BYTES

PARTITION = TP("changes", 3)
GENERATION = 1


class Message:
    """What a seat reads of a Faust message."""

    def __init__(self, offset: int, generation: int, size: int = 1) -> None:
        self.partition, self.offset, self.key, self.value = 3, offset, b"k", b"v" * size
        self.generation_id = generation
        self.timestamp = 0.0


class Event:
    """What a seat reads of a Faust event; remembers that it was acknowledged."""

    def __init__(self, offset: int, acknowledged: list[int], generation: int = GENERATION, size: int = 1) -> None:
        self.message, self._acknowledged = Message(offset, generation, size), acknowledged

    def ack(self) -> None:
        self._acknowledged.append(self.message.offset)


class Owner:
    """Stands for the owner: remembers its batches, fails where it is told, and can be held up. `made`: read back."""

    def __init__(
        self, fails_at: int | None = None, error: type[Exception] = ZeroDivisionError, heals: bool = True
    ) -> None:
        self.batches: list[list[int]] = []
        self.behind = self.made = 0
        self.order: list[str] = []
        self.go = threading.Event()
        self._fails_at, self._error, self._heals = fails_at, error, heals

    def handle(self, records: Sequence[ConsumerRecord]) -> None:
        assert self.go.wait(10)
        offsets = [record.offset for record in records]
        if self._fails_at in offsets:
            raise self._error("told to")
        self.batches.append(offsets)
        self.order.append("batch")

    def catch_up(self) -> None:
        assert self.go.wait(10)
        self.order.append("catch up")
        self.behind = max(0, self.behind - 1)

    def again(self, _: int) -> "Owner":
        """The partition is read back: the next owner, here by the same name."""
        self.made += 1
        if self.made > 1 and self._heals:
            self._fails_at = None
        return self


def run(
    owner: Owner,
    script: Any,
    errors: list[BaseException] | None = None,
    *,
    busy_until: threading.Event | None = None,
    stopping: bool = False,
    ours: Callable[[int], bool] = lambda _: True,
) -> tuple[list[int], list[BaseException]]:
    """Runs the script against a seat of the partition; what was acknowledged, and the errors told.

    No thread is free before `busy_until` is set.
    """
    acknowledged: list[int] = []
    errors = [] if errors is None else errors

    async def main() -> None:
        seats = Assignment(owner.again, ours, errors.append, lambda: stopping)  # type: ignore[arg-type]
        if busy_until is not None:
            for _ in range(CHANGES.partitions):
                seats._threads.submit(busy_until.wait, 10)
        seats.assign({PARTITION})

        async def take(*offsets: int, generation: int = GENERATION, size: int = 1) -> None:
            events: list[Any] = [Event(offset, acknowledged, generation, size) for offset in offsets]
            await seats.dispatch(events, GENERATION)
            await asyncio.sleep(0)

        await script(seats, take)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:  # whatever was started ends before anything is said about it
            _, unfinished = await asyncio.wait(others, timeout=10)
            assert not unfinished

    asyncio.run(main())
    return acknowledged, errors


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  the condition is set by a thread
            await asyncio.sleep(0.001)


async def rebalanced(owner: Owner, seats: Assignment, take: Any) -> None:
    """A first batch is handled, then the partition leaves and comes back."""
    await take(1)
    await until(lambda: owner.batches == [[1]])
    seats.revoke({PARTITION})
    seats.assign({PARTITION})


def test_what_comes_meanwhile_is_the_next_batch_and_all_is_acknowledged_in_order() -> None:
    owner = Owner()

    async def script(_: Assignment, take: Any) -> None:
        await take(1)
        await take(2, 3)
        await take(4)
        owner.go.set()

    acknowledged, errors = run(owner, script)
    assert (acknowledged, errors) == ([1, 2, 3, 4], [])
    assert [offset for batch in owner.batches for offset in batch] == [1, 2, 3, 4]
    assert len(owner.batches) < 4, "those that waited went together"


def test_after_a_failure_nothing_is_handled_or_acknowledged_any_more() -> None:
    """The record after the one that failed must not move the offset over it."""
    owner = Owner(fails_at=10)
    owner.go.set()
    told: list[BaseException] = []

    async def script(_: Assignment, take: Any) -> None:
        await take(9)
        await until(lambda: owner.batches == [[9]])
        await take(10)
        await until(lambda: told)
        await take(11, 12)

    acknowledged, errors = run(owner, script, told)
    assert acknowledged == [9]
    assert owner.batches == [[9]]
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_what_was_being_written_when_the_partition_left_is_not_acknowledged() -> None:
    owner = Owner()

    async def script(seats: Assignment, take: Any) -> None:
        await take(1, 2)
        seats.revoke({PARTITION})
        await take(3)
        owner.go.set()

    acknowledged, errors = run(owner, script)
    assert (acknowledged, errors) == ([], [])
    assert owner.batches in ([[1, 2]], [])


@pytest.mark.parametrize("leaves", [True, False])
def test_who_was_fenced_and_leaves_or_ends_takes_nothing_up_again(leaves: bool) -> None:
    """Told to stop, a process leaves the group before it knows that its partitions are gone."""
    owner = Owner(fails_at=2, error=PartitionFenced)
    owner.go.set()

    async def script(seats: Assignment, take: Any) -> None:
        await take(1)
        await until(lambda: owner.batches == [[1]])
        owner.go.clear()
        await take(2)
        if leaves:
            seats.revoke({PARTITION})
        owner.go.set()

    assert run(owner, script, stopping=not leaves) == ([1], [])
    assert owner.made == 1


def test_a_zombie_makes_no_owner_before_it_hears_of_the_rebalance() -> None:
    """Making one would fence the rightful one. The broker knows whose the partition is."""
    owner, asked = Owner(fails_at=2, error=PartitionFenced), []
    owner.go.set()

    def ours(number: int) -> bool:
        asked.append(number)
        return False

    async def script(seats: Assignment, take: Any) -> None:
        await take(1)
        await until(lambda: owner.batches == [[1]])
        await take(2)
        await until(lambda: len(asked) >= 2)
        seats.revoke({PARTITION})

    assert run(owner, script, ours=ours) == ([1], [])
    assert (owner.made, set(asked)) == (1, {PARTITION.partition})


def test_a_zombie_that_never_hears_of_a_rebalance_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seat_, "CONFIRM_TIMEOUT_S", 0.2)
    owner = Owner(fails_at=2, error=PartitionFenced)
    owner.go.set()

    async def script(_: Assignment, take: Any) -> None:
        await take(1, 2)

    acknowledged, errors = run(owner, script, ours=lambda _: False)
    assert (acknowledged, [type(error) for error in errors]) == ([], [PartitionFenced])
    assert owner.made == 1


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("again", [True, False])
def test_the_rightful_owner_reads_back_once_in_a_term_when_it_is_fenced(again: bool, proven: bool) -> None:
    """Who had the partition may have been slow to begin; but two that take turns for ever must not go on."""
    owner = Owner(fails_at=2, error=PartitionFenced, heals=not again)
    owner.go.set()

    async def script(_: Assignment, take: Any) -> None:
        if proven:
            await take(1)
            await until(lambda: owner.batches == [[1]])
            await take(2)
        else:
            await take(1, 2)
        await until(lambda: owner.made == 2)

    acknowledged, errors = run(owner, script)
    assert owner.made == 2
    before = [1] if proven else []
    assert (acknowledged, [type(error) for error in errors]) == ((before, [PartitionFenced]) if again else ([1, 2], []))


@pytest.mark.parametrize("back", [True, False])
def test_no_owner_is_made_for_a_partition_that_left_while_its_work_waited_for_a_thread(back: bool) -> None:
    """Making one fences whoever has the partition now."""
    owner, free = Owner(), threading.Event()
    owner.go.set()
    made: list[int] = []

    async def script(seats: Assignment, take: Any) -> None:
        await take(1)
        seats.revoke({PARTITION})
        seats.assign(set())
        free.set()
        made.append(owner.made)
        if back:
            seats.assign({PARTITION})
            await take(1)

    acknowledged, errors = run(owner, script, busy_until=free)
    assert (made, errors) == ([0], [])
    assert (acknowledged, owner.made) == (([1], 1) if back else ([], 0))


def test_what_a_rebalance_gives_back_is_not_read_back() -> None:
    """And what was on its way when it began is not acknowledged twice."""
    owner = Owner()
    owner.go.set()

    async def script(seats: Assignment, take: Any) -> None:
        await rebalanced(owner, seats, take)
        await take(2)
        await until(lambda: owner.batches == [[1], [2]])

    assert run(owner, script) == ([1, 2], [])
    assert owner.made == 1


def test_memory_that_another_owner_outdated_is_read_back_and_the_batch_handled_again() -> None:
    owner = Owner(fails_at=2, error=PartitionFenced)
    owner.go.set()

    async def script(seats: Assignment, take: Any) -> None:
        await rebalanced(owner, seats, take)
        await take(2)
        await until(lambda: owner.made == 2)

    acknowledged, errors = run(owner, script)
    assert (acknowledged, errors) == ([1, 2], []), "nothing was lost, and this process goes on"
    assert owner.batches == [[1], [2]]


def test_a_partition_that_went_to_another_process_is_read_back_when_it_returns() -> None:
    owner = Owner()
    owner.go.set()

    async def script(seats: Assignment, take: Any) -> None:
        await take(1)
        await until(lambda: owner.batches == [[1]])
        seats.revoke({PARTITION})
        seats.assign(set())
        await take(2)
        seats.assign({PARTITION})
        await take(3)
        await until(lambda: owner.batches == [[1], [3]])

    assert run(owner, script) == ([1, 3], [])
    assert owner.made == 2


def test_changes_go_before_those_who_are_only_looked_at_again() -> None:
    owner = Owner()
    owner.behind = 3

    async def script(_: Assignment, take: Any) -> None:
        await take(1)
        owner.go.set()
        await until(lambda: owner.behind == 0)

    assert run(owner, script) == ([1], [])
    assert owner.order == ["batch", "catch up", "catch up", "catch up"]


def test_a_batch_is_bounded_in_bytes() -> None:
    owner = Owner()

    async def script(_: Assignment, take: Any) -> None:
        await take(1)
        await take(2, 3, 4, size=MAX_BATCH_BYTES // 2)
        owner.go.set()
        await until(lambda: [offset for batch in owner.batches for offset in batch] == [1, 2, 3, 4])

    assert run(owner, script) == ([1, 2, 3, 4], [])
    assert max(map(len, owner.batches)) <= 2, "of the last three, two reach the bound"


def test_events_fetched_before_the_last_rebalance_are_left_to_come_again() -> None:
    owner = Owner()
    owner.go.set()

    async def script(_: Assignment, take: Any) -> None:
        await take(5, generation=GENERATION - 1)
        await take(4)
        await until(lambda: owner.batches)

    acknowledged, _ = run(owner, script)
    assert owner.batches == [[4]]
    assert acknowledged == [4]
