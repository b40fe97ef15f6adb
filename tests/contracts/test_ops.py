"""`ops` on the real stack: the lag is true at rest and when somebody stops; offsets move only when nobody reads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from time import time

import msgspec
import pytest
from confluent_kafka import Consumer
from typer.testing import CliRunner

from connectors.kafka.consumers.consumer_groups import consumer_groups
from processors.monitoring.status import Status
from schemas.errors import TimeloomError
from schemas.topics import CHANGES, GROUPS
from streams.cli import app
from streams.ops.offset_history import OffsetMove
from streams.shared.consumer_state import (
    ALLOWED_LAG_S,
    STATUS_WINDOW_S,
    ConsumerState,
    ledger_offsets,
    read_consumer_states,
)
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack


def seen(live: Live) -> dict[str, ConsumerState]:
    return {one.group: one for one in read_consumer_states(live.settings.kafka(), ledger_offsets(live.settings))}


def ops(live: Live, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error of a command, run in this process: a process for each would be most of the time."""
    done = CliRunner().invoke(app, ["ops", *arguments], env={"TIMELOOM_HOME": str(live.stack.home.path)})
    if isinstance(done.exception, TimeloomError):
        return done.exception.exit_code, done.stdout, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def committed(live: Live) -> dict[tuple[str, int], int]:
    (group,) = consumer_groups(live.settings.kafka(), ["group"])
    return group.committed


def at_rest(now: dict[str, ConsumerState]) -> bool:
    """Nobody is behind, and nobody is on their way in or out."""
    return all(
        one.status is Status.OK and one.lag == 0 and one.lag_seconds == 0 and all(p.owner for p in one.partitions)
        for one in now.values()
    )


def test_at_rest_nothing_lags_though_end_marks_lie_behind_every_place(live: Live) -> None:
    who, home = live.timekeeper(), live.stack.home.path
    with running(home, "group"), running(home, "bill"):
        live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who) == live.expected(who), what="grouped")
        looks: list[dict[str, ConsumerState]] = []
        eventually(lambda: looks.append(seen(live)) or at_rest(looks[-1]), what="at rest")
        now = looks[-1]
        for group in now.values():
            assert len(group.partitions) == CHANGES.partitions
            assert all((one.lag, one.lag_seconds) == (0, 0) for one in group.partitions)
            # Otherwise this test would show nothing: by the topic's end, somebody is behind.
            assert any(one.place is not None and one.place < one.end for one in group.partitions)
            assert {one.owner for one in group.partitions} == {f"{m.client} at {m.host}" for m in group.members}
        code, out, _err = ops(live, "lag", "--json")
        assert code == 0
        assert {one["group"]: one["lag"] for one in json.loads(out)["consumers"]} == {"group": 0, "bill": 0}

        before = committed(live)
        code, out, err = ops(live, "offsets", "reset", "group", "--to", "earliest", "--yes")
        assert (code, out) == (1, "")
        assert "group runs (group-" in err
        assert "stack up --no-workers" in err
        assert committed(live) == before
        assert ops(live, "offsets", "undo", "group", "--yes")[0] == 1


def stalled(live: Live) -> set[Status]:
    return {one.status for one in seen(live)["bill"].partitions if one.lag_seconds > ALLOWED_LAG_S}


@contextmanager
def idler(live: Live, group: str, topic: str) -> Iterator[None]:
    """A consumer that joins, gets every partition and does nothing."""
    consumer = Consumer({**live.settings.kafka().client(), "group.id": group, "enable.auto.commit": False})
    consumer.subscribe([topic])
    try:
        eventually(lambda: consumer.poll(0.1) or consumer.assignment(), what="it has partitions")
        consumer.pause(consumer.assignment())
        yield
    finally:
        consumer.close()


def test_one_that_freezes_has_stopped_and_one_that_does_nothing_stalls(live: Live) -> None:
    who, home = live.timekeeper(), live.stack.home.path
    with running(home, "group") as group, idler(live, "bill", GROUPS.name):
        live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who) == live.expected(who), what="grouped")
        eventually(lambda: seen(live)["group"].lag == 0, what="at rest")
        group.freeze()
        live.insert(who, "Harbour lease 2.docx", minute=5)
        inserted = time()
        eventually(lambda: seen(live)["group"].lag > 0, what="captured")
        lags: list[float] = []
        # It waits since capture wrote it, which may take a while.
        eventually(lambda: lags.append(seen(live)["group"].lag_seconds) or lags[-1] > ALLOWED_LAG_S, what="it waits")
        assert lags == sorted(lags)
        assert lags[-1] <= time() - inserted + 1
        stopped = seen(live)["group"]
        assert stopped.status is Status.ERR
        assert [one.status for one in stopped.partitions if one.lag] == [Status.STOP]
        # Its place is the database's, so nobody has read what `group` said of this person; Kafka says who is there.
        # A test before may have run `bill` in this window, when it was well.
        eventually(lambda: stalled(live) == {Status.STALL}, STATUS_WINDOW_S + 30, "it stalls")
        assert ops(live, "lag")[0] == 1
        group.wake()
        with running(home, "group"):
            eventually(lambda: seen(live)["group"].lag == 0, what="caught up")


def test_a_place_is_moved_kept_and_put_back(live: Live) -> None:
    who, home = live.timekeeper(), live.stack.home.path
    with running(home, "group") as group:
        live.insert(who, "Harbour lease.docx")
        eventually(lambda: live.groups(who) == live.expected(who), what="grouped")
        assert group.stop() == 0
    eventually(lambda: not consumer_groups(live.settings.kafka(), ["group"])[0].active, what="left")
    before = committed(live)
    began = min(number for (_, number), offset in before.items() if offset > 0)
    live.insert(who, "Harbour lease 2.docx", minute=5)
    eventually(lambda: seen(live)["group"].lag > 0, what="captured")

    code, out, _err = ops(live, "offsets", "reset", "group", "--to", "earliest")
    assert code == 0
    assert f"changes {began}: {before['changes', began]} -> 0" in out
    assert committed(live) == before

    code, _out, err = ops(live, "offsets", "reset", "group", "--to", "latest", "--yes")
    assert code == 1
    assert "verify --mend" in err
    assert committed(live) == before

    for to in ("yesterday", "7", "1999999999"):
        chosen = ["--partition", "0"] if to == "1999999999" else []
        assert ops(live, "offsets", "reset", "group", "--to", to, *chosen)[0] == 2
    assert ops(live, "offsets", "reset", "bill", "--to", "earliest")[0] == 2
    assert ops(live, "offsets", "reset", "nobody", "--to", "earliest")[0] == 2

    code, out, _err = ops(
        live, "offsets", "reset", "group", "--to", "1970-01-01", "--partition", str(began), "--yes", "--json"
    )
    assert code == 0
    move = {"partition": began, "before": before["changes", began], "after": 0, "skips": False}
    assert json.loads(out) == {"group": "group", "topic": "changes", "moves": [move], "done": True}
    assert committed(live) == {**before, ("changes", began): 0}
    (file,) = (home / "offsets").glob("*.json")
    kept = msgspec.json.decode(file.read_bytes(), type=OffsetMove)
    assert (kept.group, kept.to, kept.undone_at) == ("group", "1970-01-01", None)
    assert "@" in kept.by

    assert ops(live, "offsets", "undo", "group")[0] == 0
    assert committed(live)["changes", began] == 0
    code, out, _err = ops(live, "offsets", "undo", "group", "--yes")
    assert code == 0
    assert committed(live) == before
    assert ops(live, "offsets", "undo", "group", "--yes")[0] == 1
    code, out, _err = ops(live, "offsets", "show", "--json")
    assert code == 0
    (shown,) = json.loads(out)["moved"]
    assert shown["undone_by"] == kept.by
    file.unlink()
    with running(home, "group"):
        eventually(lambda: live.groups(who) == live.expected(who), what="nothing lost")
