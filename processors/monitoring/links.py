"""The links of the way that work goes, each with what is so, whether that is well, and what mends it."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from processors.monitoring.status import Status

SILENT_S = 20.0
"""Capture writes a heartbeat every 5 s. Three in a row may be late on a busy machine; the fourth isn't."""

FREE_BYTES = 1_000_000_000
"""With less disk than this free, a broker is near its end, and so are the tables."""

PROGRAMS = ("group", "bill", "watchdog")
"""Those of the links that are commands of ours."""

_RESUME = 'curl -X PUT "$CONNECT/connectors/timeloom/resume" (docs/runbook.md#what-connect-says)'

_MENDS = {
    Status.NOTFOUND: "./timeloom stack up",
    Status.STOP: "./timeloom stack up",
    Status.STALL: "./timeloom stack logs {name}",
    Status.REWIND: "./timeloom ops offsets show",
    Status.ERR: "./timeloom ops lag",
    Status.WARNING: "./timeloom ops lag",
}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link. `mend`: a command, or where to read what to do; empty where all is well.

    `up` is False for a server that doesn't answer.
    """

    name: str
    well: bool
    said: str
    mend: str = ""
    up: bool = True


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Capture as it is. `wrote`: whether what it writes could be looked at; `quiet_s`: since then, None: never.

    `behind_bytes`: of binlog. `purged`: the binlog that it has to go on from is gone.
    """

    connector: str
    task: str
    why: str = ""
    wrote: bool = True
    quiet_s: float | None = None
    behind_bytes: int | None = None
    purged: bool = False


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as its supervisor and it itself tell: `state` None where nobody supervises it here."""

    name: str
    state: str | None = None
    said: str = ""


def bytes_behind(files: Sequence[tuple[str, int]], file: str, position: int) -> int | None:
    """Binlog from a position to the end of the last of `files` (name, bytes; oldest first); None: the file is gone."""
    sizes = dict(files)
    if file not in sizes:
        return None
    later = [size for name, size in files[[name for name, _ in files].index(file) :]]
    return max(0, sum(later) - position)


def capture_link(capture: Capture) -> Link:
    """Whether changes reach Kafka: a task may say that it runs, and be silent."""
    states = f"connector {capture.connector}, task {capture.task}"
    behind = "" if capture.behind_bytes is None else f", {told_bytes(capture.behind_bytes)} of binlog behind"
    if "UNREGISTERED" in (capture.connector, capture.task):
        return _wrong("capture", "it isn't registered with Connect", "./timeloom prepare")
    if capture.purged:
        # A command alone would fail: `verify` sends a mark, and no mark comes through while capture is dead.
        return _wrong("capture", "the binlog that it goes on from is gone", "docs/runbook.md#the-binlog-is-gone")
    if (capture.connector, capture.task) != ("RUNNING", "RUNNING"):
        return _wrong("capture", f"{states}. {capture.why}".strip(), _capture_mend(capture))
    if not capture.wrote:
        said = "it says RUNNING; whether it writes, Kafka didn't tell"
        return _wrong("capture", said, "./timeloom ops status --within 10")
    if capture.quiet_s is None:
        return _wrong("capture", "it says RUNNING, and has written nothing yet", "./timeloom stack logs connect")
    if capture.quiet_s > SILENT_S:
        said = f"it says RUNNING, and has been silent for {told_seconds(capture.quiet_s)}{behind}"
        return _wrong("capture", said, "./timeloom watchdog --now")
    return Link(name="capture", well=True, said=f"runs, wrote {told_seconds(capture.quiet_s)} ago{behind}")


def _capture_mend(capture: Capture) -> str:
    states = (capture.connector, capture.task)
    if capture.connector in ("STOPPED", "PAUSED"):
        return _RESUME
    if "FAILED" in states:
        return "./timeloom prepare"
    return "docs/runbook.md#what-connect-says" if "UNASSIGNED" in states else "./timeloom stack logs connect"


def worker_link(program: Program, status: Status, members: int, lag: int, lag_s: float) -> Link:
    """Whether a worker runs and comes along. `status`: of its worst partition."""
    # Others may do the work while ours is down; one that failed is told of anyway.
    if program.state == "failed" or (program.state == "down" and not members):
        why = f": {program.said}" if program.said else ""
        return _wrong(program.name, f"it is {program.state}{why}", "./timeloom stack up")
    if not members:
        waiting = f"; {lag} offsets wait, the oldest for {told_seconds(lag_s)}" if lag else ""
        return _wrong(program.name, f"nobody runs it{waiting}", "./timeloom stack up")
    behind = f"{lag} offsets, {told_seconds(lag_s)} behind"
    if status is not Status.OK:
        return _wrong(program.name, f"{status}, {behind}", _MENDS[status].format(name=program.name))
    if program.state == "starting" or program.said:
        said = program.said or "it runs, and isn't ready yet"
        return _wrong(program.name, f"{said.rstrip('.')}; {behind}", f"./timeloom stack logs {program.name}")
    return Link(name=program.name, well=True, said=f"OK, {behind}, {members} {'runs' if members == 1 else 'run'}")


def program_link(program: Program) -> Link:
    """Whether a program runs that reads no topic."""
    if program.state == "up" and not program.said:
        return Link(name=program.name, well=True, said="runs")
    said = f"it is {program.state}{f': {program.said}' if program.said else ''}"
    mend = "./timeloom stack up" if program.state in ("down", "failed") else f"./timeloom stack logs {program.name}"
    return _wrong(program.name, said, mend)


def unknown_link(name: str, why: str) -> Link:
    """What nobody told in time."""
    return _wrong(name, why, "./timeloom ops status --within 10")


def letters_link(counts: Mapping[str, int]) -> Link:
    """What waits for a person."""
    if not counts:
        return Link(name="dead letters", well=True, said="none")
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return _wrong("dead letters", f"{sum(counts.values())}: {told}", "./timeloom ops dlq list")


def disk_link(free: int, where: str) -> Link:
    """Whether there is room to go on."""
    said = f"{told_bytes(free)} free at {where}"
    if free < FREE_BYTES:
        return _wrong("disk", f"{said}: free some, then", "./timeloom stack up")
    return Link(name="disk", well=True, said=said)


def server_link(name: str, refused: str | None, hangs: bool = False) -> Link:
    """A server that answers, or why it doesn't. `hangs`: somebody is there, so that starting it would do nothing."""
    if refused is None:
        return Link(name=name, well=True, said="answers")
    mend = f"./timeloom stack logs {name}" if hangs else "./timeloom stack up"
    # The rest of an error's text is causes and commands: here a line is a fact.
    return Link(name=name, well=False, said=re.split(r"\. |: [A-Z]| \(", refused)[0], mend=mend, up=False)


def run_elsewhere(link: Link) -> Link:
    """The same link where the servers are somebody's own: `./timeloom stack` knows neither them nor their programs."""
    match link.mend.split():
        case ["./timeloom", "stack", "logs", part]:
            mend = f"read the log of {part}, where it runs"
        case ["./timeloom", "stack", *_]:
            command = f": ./timeloom {link.name}" if link.name in PROGRAMS else ""
            mend = f"start it as it is run there{command}"
        case _:
            return link
    return msgspec.structs.replace(link, mend=mend)


def told_seconds(seconds: float) -> str:
    """A length of time in the unit that one would say it in."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def told_bytes(size: int) -> str:
    """A number of bytes in the unit that one would say it in."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def _wrong(name: str, said: str, mend: str) -> Link:
    return Link(name=name, well=False, said=said, mend=mend)
