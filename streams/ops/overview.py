"""Collects what `ops status` shows: the links in the order in which work passes them.

mariadb ─▶ kafka ─▶ connect ─▶ capture ─▶ group ─▶ bill; then groups, dead letters, disk
"""

import shutil
import time
from typing import TYPE_CHECKING, Any

import msgspec

from processors.monitoring.links import (
    Capture,
    Link,
    Program,
    bytes_behind,
    capture_link,
    disk_link,
    for_own_servers,
    letters_link,
    program_link,
    seconds_text,
    server_link,
    unknown_link,
    worker_link,
)
from processors.monitoring.status import Status, worst
from schemas.topics import CHANGES, GROUPS, HEARTBEAT
from streams.ops.probes import ProbeResults, probe_all
from streams.shared.consumer_state import ConsumerState
from streams.shared.probe import ProbeTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.debezium.connector import CaptureState
    from connectors.mariadb.server.server_facts import Binlog
    from streams.settings import Settings


class BinlogState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server writes, where capture reads, and the bytes between; None if unknown."""

    server_file: str
    server_position: int
    gtid: str
    capture_file: str | None = None
    capture_position: int | None = None
    behind_bytes: int | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The state of all links. `broken`: the first link that isn't well; links behind it may suffer from it."""

    well: bool
    broken: Link | None
    links: tuple[Link, ...]
    consumers: tuple[ConsumerState, ...]
    binlog: BinlogState | None
    newest_group_s: float | None
    dead_letters: dict[str, int] | None

    @property
    def all_up(self) -> bool:
        """Whether every server answered."""
        return all(link.up for link in self.links)


def read_overview(settings: "Settings", timeout_s: float) -> Overview:
    """Asks all servers now. A server that hasn't answered after `within_s` counts as not up."""
    told = probe_all(settings, timeout_s)
    where = _binlog_state(told.binlog[0], told.capture_offset)
    links = _all_links(told, where, settings)
    broken = next((link for link in links if not link.well), None)
    return Overview(
        well=broken is None,
        broken=broken,
        links=tuple(links),
        consumers=tuple(told.consumers[0] or ()),
        binlog=where,
        newest_group_s=_newest_group_age_s(told.newest_ms[0]),
        dead_letters=told.dead_letters[0],
    )


def _all_links(results: ProbeResults, binlog: BinlogState | None, settings: "Settings") -> list[Link]:
    """The links in the order of work, so that the first that isn't well is the one to mend."""
    (seen, no_look), (times, no_times), (captured, no_connect) = (
        results.consumers,
        results.newest_ms,
        results.capture_state,
    )
    servers = {"mariadb": results.binlog[1], "kafka": no_look and no_times, "connect": no_connect}
    links = [
        server_link(name, str(why) if why else None, isinstance(why, ProbeTimeout)) for name, why in servers.items()
    ]
    if captured is not None:
        links.append(capture_link(_capture_facts(captured, times, binlog)))
    links += _worker_links(seen or (), results.programs[0] or {})
    if no_look and not servers["kafka"]:
        links.append(unknown_link("consumers", str(no_look)))
    if not servers["kafka"]:
        links += _topic_links(times, results)
    if results.programs[1] and not any(servers.values()):  # it asks the servers too, and would only say it again
        links.append(unknown_link("the supervisor", str(results.programs[1])))
    if settings.elsewhere():
        return [for_own_servers(link) for link in links]
    if settings.home.exists():
        links.append(disk_link(shutil.disk_usage(settings.home).free, str(settings.home)))
    return links


def _topic_links(times: "Mapping[str, int] | None", results: ProbeResults) -> list[Link]:
    """The links of `groups` and `dead-letters`."""
    group_s = _newest_group_age_s(times)
    said = "none yet" if group_s is None else f"the newest was published {seconds_text(group_s)} ago"
    groups = Link(name="groups", well=True, said=said)
    if times is None:
        groups = unknown_link("groups", str(results.newest_ms[1]))
    counts, no_counts = results.dead_letters
    letters = letters_link(counts) if counts is not None else unknown_link("dead letters", str(no_counts))
    return [groups, letters]


def _worker_links(states: "Sequence[ConsumerState]", supervised: "Mapping[str, Program]") -> list[Link]:
    """The links of the consumers, then of the other supervised programs."""
    consumers = []
    for one in states:
        program = supervised.get(one.group, Program(name=one.group))
        how = one.status if one.status is Status.NOTFOUND else worst(partition.status for partition in one.partitions)
        consumers.append(worker_link(program, how, len(one.members), one.lag, one.lag_seconds))
    named = {one.group for one in states}
    return consumers + [program_link(program) for name, program in supervised.items() if name not in named]


def _binlog_state(logs: "Binlog | None", offset: "Mapping[str, Any]") -> BinlogState | None:
    if logs is None or not logs.files:
        return None
    file, end = logs.files[-1]
    seen = BinlogState(server_file=file, server_position=end, gtid=logs.gtid)
    if "file" not in offset:
        return seen
    at = str(offset["file"]), int(offset["pos"])
    return msgspec.structs.replace(
        seen, capture_file=at[0], capture_position=at[1], behind_bytes=bytes_behind(logs.files, *at)
    )


def _capture_facts(state: "CaptureState", times: dict[str, int] | None, binlog: BinlogState | None) -> Capture:
    wrote = [(times or {}).get(topic.name, 0) for topic in (CHANGES, HEARTBEAT)]
    return Capture(
        connector=state.connector,
        task=state.task,
        why=state.why,
        wrote=times is not None,
        quiet_s=_age_s(max(wrote)) if any(wrote) else None,
        behind_bytes=binlog.behind_bytes if binlog else None,
        purged=binlog is not None and binlog.capture_file is not None and binlog.behind_bytes is None,
    )


def _newest_group_age_s(times: "Mapping[str, int] | None") -> float | None:
    return _age_s(times[GROUPS.name]) if times and GROUPS.name in times else None


def _age_s(at_ms: int) -> float:
    return round(max(0.0, time.time() - at_ms / 1000), 1)
