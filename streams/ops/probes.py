"""Asks servers, consumers, connector and supervisor at once, for `ops status`."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from processors.monitoring.links import Program
from schemas.errors import TimeloomError
from schemas.topics import CHANGES, GROUPS, HEARTBEAT
from streams.shared.consumer_state import ConsumerState, read_consumer_states
from streams.shared.probe import Probe

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from connectors.debezium.connector import CaptureState
    from connectors.mariadb.server.server_facts import Binlog
    from streams.settings import Settings

LEDGER_OFFSETS_TIMEOUT_S = 1.0
"""So long the consumers' look waits for the database's word on `bill`, before it goes by Kafka's."""


class ProbeResults(msgspec.Struct, frozen=True, kw_only=True):
    """The answers, each with the reason if there is none."""

    binlog: "tuple[Binlog | None, TimeloomError | None]"
    consumers: tuple[list[ConsumerState] | None, TimeloomError | None]
    capture_state: "tuple[CaptureState | None, TimeloomError | None]"
    capture_offset: dict[str, Any]
    newest_ms: tuple[dict[str, int] | None, TimeloomError | None]
    dead_letters: tuple[dict[str, int] | None, TimeloomError | None]
    programs: tuple[dict[str, Program] | None, TimeloomError | None]


def probe_all(settings: "Settings", timeout_s: float) -> ProbeResults:
    """Asks all of them at once, so that one that hangs delays no other."""
    from connectors.debezium.connector import Connect
    from connectors.kafka.progress.topic_progress import newest
    from connectors.mariadb.server.engine import connect as engine_of
    from streams.shared.consumer_state import ledger_offsets_in

    database, cluster, connect = settings.mariadb(), settings.kafka(), Connect(settings.connect())
    # Made here, since two threads can't import a database's dialect at once. Of the three users only capture's may see
    # the binlog.
    pipeline = engine_of(database.url("pipeline"), pool_size=1)
    capture = engine_of(database.url("capture"), pool_size=1)
    deadline = time.monotonic() + timeout_s
    books = Probe("MariaDB", lambda: ledger_offsets_in(pipeline))
    consumers = Probe(
        "Kafka",
        lambda: read_consumer_states(
            cluster, books.result(time.monotonic() + min(LEDGER_OFFSETS_TIMEOUT_S, timeout_s / 2))[0]
        ),
    )
    binlog = Probe("MariaDB", lambda: _binlog(capture))
    written = Probe("Kafka", lambda: newest(cluster, (CHANGES, GROUPS, HEARTBEAT)))
    state = Probe("Kafka Connect", connect.state)
    offset = Probe("Kafka Connect", connect.offset)
    letters = Probe("Kafka", lambda: count_dead_letters(settings))
    programs = Probe("the supervisor", lambda: _supervised_programs(settings))
    return ProbeResults(
        binlog=binlog.result(deadline),
        consumers=consumers.result(deadline),
        capture_state=state.result(deadline),
        capture_offset=offset.result(deadline)[0] or {},
        newest_ms=written.result(deadline),
        dead_letters=letters.result(deadline),
        programs=programs.result(deadline),
    )


def count_dead_letters(settings: "Settings") -> dict[str, int]:
    """The number of open dead letters by reason. Raises StackError without a broker."""
    from connectors.kafka.consumers.consumer_groups import check_listens
    from connectors.kafka.records.open_dead_letters import read_letters

    check_listens(settings.kafka())
    # One behind a transaction that is open now is counted at the next look; to wait for it would take too long.
    return dict(Counter(letter.said.reason.value for letter in read_letters(settings.kafka(), settled=False).open))


def _binlog(engine: "Engine") -> "Binlog":
    from connectors.mariadb.server.server_facts import read_binlog

    try:
        return read_binlog(engine)
    finally:
        engine.dispose()


def _supervised_programs(settings: "Settings") -> dict[str, Program]:
    """The workers of the stack in this folder; none if a user's own servers are used."""
    from schemas.checks import PROGRAMS
    from streams.stack.command import opened

    if settings.elsewhere():
        return {}
    parts = {part.part: part for part in opened().status() if part.part in PROGRAMS}
    return {name: Program(name=name, state=part.state, said=part.said) for name, part in parts.items()}
