"""Everything that `ops status` tells, gathered at once: the links in the order in which work goes through them.

mariadb ─▶ kafka ─▶ connect ─▶ capture ─▶ group ─▶ bill; then groups, dead letters, disk
"""

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from processors.monitoring.links import (
    Capture,
    Link,
    Program,
    bytes_behind,
    capture_link,
    disk_link,
    letters_link,
    program_link,
    server_link,
    told_seconds,
    unknown_link,
    worker_link,
)
from processors.monitoring.status import Status, worst
from schemas.topics import CHANGES, GROUPS, HEARTBEAT
from streams.ops.asking import Asked
from streams.ops.consumers import ConsumerSeen, look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Engine

    from connectors.debezium.connector import CaptureState
    from connectors.mariadb.binlog import Binlog
    from streams.settings import Settings

PLACES_S = 1.0
"""So long the consumers' look waits for the database's word on `bill`, before it goes by Kafka's."""


class BinlogSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server writes, where capture goes on, and the bytes between; None where it isn't known."""

    server_file: str
    server_position: int
    gtid: str
    capture_file: str | None = None
    capture_position: int | None = None
    behind_bytes: int | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `broken`: the first link that isn't well; what is behind it may be wrong because of it."""

    well: bool
    broken: Link | None
    links: tuple[Link, ...]
    consumers: tuple[ConsumerSeen, ...]
    binlog: BinlogSeen | None
    newest_group_s: float | None
    dead_letters: dict[str, int] | None

    @property
    def all_up(self) -> bool:
        """True when every server answered."""
        return all(link.up for link in self.links)


def overview(settings: "Settings", within_s: float) -> Overview:
    """Asks everybody at once; who hasn't answered after `within_s` counts as not up."""
    from connectors.debezium.connector import Connect
    from connectors.kafka.newest import newest
    from connectors.mariadb.engine import connect as engine_of
    from streams.ops.lag import places_in

    database, cluster, connect = settings.mariadb(), settings.kafka(), Connect(settings.connect())
    # Made here, since two threads can't import a database's dialect at once. Of the three users only capture's may see
    # the binlog.
    pipeline = engine_of(database.url("pipeline"), pool_size=1)
    capture = engine_of(database.url("capture"), pool_size=1)
    deadline = time.monotonic() + within_s
    books = Asked("MariaDB", lambda: places_in(pipeline))
    consumers = Asked("Kafka", lambda: look(cluster, books.or_why(time.monotonic() + min(PLACES_S, within_s / 2))[0]))
    binlog = Asked("MariaDB", lambda: _binlog(capture))
    written = Asked("Kafka", lambda: newest(cluster, (CHANGES, GROUPS, HEARTBEAT)))
    state = Asked("Kafka Connect", connect.state)
    offset = Asked("Kafka Connect", connect.offset)
    letters = Asked("Kafka", lambda: dead_letters(settings))
    programs = Asked("the supervisor", lambda: _programs(settings))

    logs, no_database = binlog.or_why(deadline)
    seen, no_broker = consumers.or_why(deadline)
    captured, no_connect = state.or_why(deadline)
    times, no_times = written.or_why(deadline)
    counts, no_counts = letters.or_why(deadline)
    supervised, no_programs = programs.or_why(deadline)
    where = _where(logs, offset.or_why(deadline)[0] or {})
    links = [server_link("mariadb", no_database), server_link("kafka", no_broker), server_link("connect", no_connect)]
    if captured is not None:
        links.append(capture_link(_capture(captured, times, where)))
    group_s = None if not times or GROUPS.name not in times else _age(times[GROUPS.name])
    said = "none yet" if group_s is None else f"the newest was said {told_seconds(group_s)} ago"
    links += _worker_links(seen or (), supervised or {})
    links.append(unknown_link("groups", no_times) if no_times else Link(name="groups", well=True, said=said))
    links.append(letters_link(counts) if counts is not None else unknown_link("dead letters", no_counts or ""))
    links += [unknown_link("the supervisor", no_programs)] if no_programs else []
    if settings.home.exists():
        links.append(disk_link(shutil.disk_usage(settings.home).free, str(settings.home)))
    broken = next((link for link in links if not link.well), None)
    return Overview(
        well=broken is None,
        broken=broken,
        links=tuple(links),
        consumers=tuple(seen or ()),
        binlog=where,
        newest_group_s=group_s,
        dead_letters=counts,
    )


def _worker_links(seen: "Sequence[ConsumerSeen]", supervised: "Mapping[str, Program]") -> list[Link]:
    """The consumers, then what else is supervised."""
    consumers = []
    for one in seen:
        program = supervised.get(one.group, Program(name=one.group))
        how = one.status if one.status is Status.NOTFOUND else worst(partition.status for partition in one.partitions)
        consumers.append(worker_link(program, how, len(one.members), one.lag, one.lag_seconds))
    named = {one.group for one in seen}
    return consumers + [program_link(program) for name, program in supervised.items() if name not in named]


def dead_letters(settings: "Settings") -> dict[str, int]:
    """How many dead letters there are, by reason; one for each origin. Raises StackError without a broker."""
    from connectors.kafka.log import read_to_end
    from schemas.dead_letters import decode_dead_letter
    from schemas.topics import DEAD_LETTERS

    last = {record.key: record.value for record in read_to_end(settings.kafka(), DEAD_LETTERS.name, [0])}
    return dict(Counter(decode_dead_letter(value).reason.value for value in last.values() if value is not None))


def _binlog(engine: "Engine") -> "Binlog":
    from connectors.mariadb.binlog import read_binlog

    try:
        return read_binlog(engine)
    finally:
        engine.dispose()


def _programs(settings: "Settings") -> dict[str, Program]:
    """The workers of the stack in this folder; none where it is somebody else's servers that we use."""
    from connectors.stack.programs import WORKERS
    from streams.stack import opened

    if settings.kafka_bootstrap is not None:
        return {}
    parts = {part.part: part for part in opened().status() if part.part in WORKERS}
    return {name: Program(name=name, state=part.state, said=part.said) for name, part in parts.items()}


def _where(logs: "Binlog | None", offset: "Mapping[str, Any]") -> BinlogSeen | None:
    if logs is None or not logs.files:
        return None
    file, end = logs.files[-1]
    seen = BinlogSeen(server_file=file, server_position=end, gtid=logs.gtid)
    if "file" not in offset:
        return seen
    at = str(offset["file"]), int(offset["pos"])
    return msgspec.structs.replace(
        seen, capture_file=at[0], capture_position=at[1], behind_bytes=bytes_behind(logs.files, *at)
    )


def _capture(state: "CaptureState", times: dict[str, int] | None, where: BinlogSeen | None) -> Capture:
    wrote = [(times or {}).get(topic.name, 0) for topic in (CHANGES, HEARTBEAT)]
    return Capture(
        connector=state.connector,
        task=state.task,
        why=state.why,
        wrote=times is not None,
        quiet_s=_age(max(wrote)) if any(wrote) else None,
        behind_bytes=where.behind_bytes if where else None,
        purged=where is not None and where.capture_file is not None and where.behind_bytes is None,
    )


def _age(at_ms: int) -> float:
    return round(max(0.0, time.time() - at_ms / 1000), 1)
