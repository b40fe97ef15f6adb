"""A group worker that dies anywhere loses nothing, and harms nobody when it wakes up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from time import sleep

import pytest

from connectors.kafka.consumers.consumer_groups import consumer_groups
from connectors.kafka.progress.unread import unread
from connectors.stack.processes.status import ask
from schemas.groups import PublishedGroup, decode_published
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.topics import PARTITIONS
from tests.live import Live
from tests.programs import SESSION_S, Program, eventually, running

pytestmark = pytest.mark.stack
HERE = Path(__file__).parent

LONG = pytest.mark.long


def work(live: Live, people: list[Scope], start: int, count: int = 12) -> None:
    """Some interleaved work of each."""
    for n in range(start, start + count):
        for who in people:
            live.insert(who, f"{('Harbour lease', 'Tax return 2025', 'News')[n % 3]} {n // 6}.docx", minute=n * 4)


def agree(live: Live, people: list[Scope], within_s: float = 60) -> None:
    def differ() -> str:
        others = [who for who in people if live.groups(who) != live.expected(who)]
        (group,) = consumer_groups(live.settings.kafka(), ["group"])
        places = {("changes", number): group.committed.get(("changes", number)) for number in range(PARTITIONS)}
        wait = {number: one for (_, number), one in unread(live.settings.kafka(), places).items() if one.offsets}
        return f"groups aren't those of the set of {others}; {group.state}, {group.members}; partitions wait: {wait}"

    eventually(lambda: live.groups(*people) == live.expected(*people), within_s, differ)


@pytest.mark.parametrize(
    "point",
    [pytest.param("before_write", marks=LONG), "inside_write", "after_write", pytest.param("after_ack", marks=LONG)],
)
@pytest.mark.parametrize("nth", [1, pytest.param(5, marks=LONG)])
def test_killed_between_any_two_steps_nothing_is_lost(live: Live, point: str, nth: int) -> None:
    home, people = live.stack.home.path, [live.timekeeper() for _ in range(3)]
    work(live, people, start=0)
    with running(home, point, str(nth), script=HERE / "killed_group.py") as doomed:
        eventually(lambda: doomed.ended() is not None or work(live, people, 100, 1), what=doomed.said)
        assert doomed.ended() == -9, doomed.said()
    with running(home, "group"):
        agree(live, people)


def never_back(live: Live, people: list[Scope]) -> None:
    """No older value over a newer one: per group, the positions that values were decided at never go back."""
    decided: dict[GroupKey, int] = {}
    for record in live.said():
        key = decode_groups_key(record.key or b"")
        if isinstance(key, GroupKey) and record.value and Scope(key.firm, key.timekeeper) in people:
            said = decode_published(record.value)
            assert isinstance(said, PublishedGroup)
            assert said.lineage.offset >= decided.get(key, 0), key
            decided[key] = said.lineage.offset


def test_a_worker_that_was_frozen_before_a_write_and_wakes_up_is_fenced(live: Live) -> None:
    home, who = live.stack.home.path, live.timekeeper()
    activity = live.insert(who, "Harbour lease.docx")
    with running(home, script=HERE / "frozen_group.py") as frozen:
        # Until nobody's session is left to run out: a rebalance would have it prove anew that the partition is its own.
        eventually(lambda: len(consumer_groups(live.settings.kafka(), ["group"])[0].members) == 1, what=frozen.said)
        agree(live, [who])
        work(live, [who], start=20)
        agree(live, [who])
        live.update(activity, words='{"title": "FREEZE.docx"}')
        eventually(lambda: frozen.frozen, what=frozen.said)
        with running(home, "group") as heir:
            live.update(activity, words='{"title": "Harbour lease, signed.docx"}')
            agree(live, [who])
            woken = len(frozen.said())
            frozen.wake()
            # Its loop and its writer wake together. If the loop hears of the rebalance first, it lives on and forgets.
            eventually(
                lambda: frozen.ended() is not None or "memory_outdated" in frozen.said()[woken:], what=frozen.said
            )
            assert frozen.ended() is None or "another process" in frozen.said()
            work(live, [who], start=40)
            agree(live, [who])
            assert heir.ended() is None, heir.said()
    never_back(live, [who])


def test_workers_come_and_go_under_load(live: Live) -> None:
    """One joins, one leaves in order, one is killed, one is frozen past its session and wakes up."""
    home, people = live.stack.home.path, [live.timekeeper() for _ in range(12)]
    with ThreadPoolExecutor(1) as pool, ExitStack() as programs:
        over = threading.Event()

        def write() -> int:
            for start in count(0, 2):
                work(live, people, start, 2)
                if over.wait(0.1):
                    return start
            raise AssertionError

        def another() -> Program:
            program = programs.enter_context(running(home, "group"))
            eventually(lambda: "partition_read_back" in program.said(), what="it has partitions")
            return program

        written = pool.submit(write)
        try:
            leaving, killed = another(), another()
            assert leaving.stop() == 0, leaving.said()
            frozen = another()
            killed.kill()
            staying = another()
            frozen.freeze()
            sleep(2 * float(SESSION_S))  # the session is over, and somebody else has its partitions
            frozen.wake()
        finally:
            over.set()
        assert written.result(60) > 10
        agree(live, people, within_s=120)  # who was killed in mid-transaction hides what is behind it for half a minute
        assert staying.ended() is None, staying.said()
    never_back(live, people)


def test_a_bug_crashes_twice_and_the_third_time_it_is_a_dead_letter(live: Live) -> None:
    home, who = live.stack.home.path, live.timekeeper()
    before = live.insert(who, "Harbour lease.docx")
    bad = live.insert(who, "BOOM.docx", minute=200)
    after = live.insert(who, "Tax return.docx", minute=900)

    def crashed() -> Program:
        with running(home, script=HERE / "broken_group.py") as program:
            eventually(lambda: program.ended() is not None, what="it ends")
            return program

    assert [crashed().ended() for _ in range(2)] == [1, 1]
    with running(home, script=HERE / "broken_group.py") as program:
        eventually(lambda: {name for _, name in live.groups(who)} == {before, after}, what=program.said)
        letters = [letter for letter in live.dead_letters() if letter.row == bad]
        assert [(letter.reason, letter.timekeeper) for letter in letters] == [("bug", who.timekeeper)]
        assert "nobody foresaw this" in letters[0].detail
        assert program.ended() is None

        def unwell() -> list[str]:
            health = ask(program.telemetry(), "healthz")
            return [] if health is None else [check.name for check in health.checks if not check.well]

        eventually(lambda: unwell() == ["bugs"], what="it says that a bug was met, and nothing else")
        assert "BOOM" not in program.said()
        assert "nobody foresaw this" not in program.said(), "an error's text may hold words"
