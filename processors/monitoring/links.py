"""The links of the pipeline in the order in which changes pass them, each with its state and its remedy."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from processors.monitoring.status import Status
from schemas.checks import PROGRAMS

SILENT_S = 20.0
"""Capture writes a heartbeat every 5 s. On a busy machine three in a row may be late, but not the fourth."""

FREE_BYTES = 1_000_000_000
"""With less free disk than this, the broker and the database will soon fail."""

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
    """One link. `said` is its state in words. `mend`: a command, or where to read what to do; empty where all is well.

    `up` is False for a server that doesn't answer.
    """

    name: str
    well: bool
    said: str
    mend: str = ""
    up: bool = True


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """The state of capture. `wrote`: whether the topics that it writes could be read. `quiet_s`: seconds since its last
    record; None where it has written none.

    `behind_bytes`: bytes of binlog that it has yet to read, None where not known. `purged`: the binlog file from which
    it has to continue is gone.
    """

    connector: str
    task: str
    why: str = ""
    wrote: bool = True
    quiet_s: float | None = None
    behind_bytes: int | None = None
    purged: bool = False


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A program as its supervisor (`state`) and its own health (`said`) report it. `state` is None where nothing
    supervises it here.
    """

    name: str
    state: str | None = None
    said: str = ""


def bytes_behind(files: Sequence[tuple[str, int]], file: str, position: int) -> int | None:
    """Returns the bytes of binlog from a position to the end of the last of `files` (name, bytes; oldest first).

    None where the position's file is gone.
    """
    sizes = dict(files)
    if file not in sizes:
        return None
    later = [size for name, size in files[[name for name, _ in files].index(file) :]]
    return max(0, sum(later) - position)


def capture_link(capture: Capture) -> Link:
    """Returns whether changes reach Kafka. A task may be silent although it is RUNNING."""
    states = f"connector {capture.connector}, task {capture.task}"
    behind = "" if capture.behind_bytes is None else f", {bytes_text(capture.behind_bytes)} of binlog behind"
    if "UNREGISTERED" in (capture.connector, capture.task):
        return _wrong("capture", "it isn't registered with Connect", "./timeloom prepare")
    if capture.purged:
        # No single command helps: `verify` writes a mark, and no mark arrives while capture is dead.
        return _wrong(
            "capture", "the binlog from which it has to continue is gone", "docs/runbook.md#the-binlog-is-gone"
        )
    if (capture.connector, capture.task) != ("RUNNING", "RUNNING"):
        return _wrong("capture", f"{states}. {capture.why}".strip(), _capture_mend(capture))
    if not capture.wrote:
        said = "Connect reports RUNNING; Kafka didn't answer whether it writes"
        return _wrong("capture", said, "./timeloom ops status --within 10")
    if capture.quiet_s is None:
        return _wrong(
            "capture", "Connect reports RUNNING, but it has written nothing yet", "./timeloom stack logs connect"
        )
    if capture.quiet_s > SILENT_S:
        said = f"Connect reports RUNNING, but it has been silent for {seconds_text(capture.quiet_s)}{behind}"
        return _wrong("capture", said, "./timeloom watchdog --now")
    return Link(name="capture", well=True, said=f"runs, wrote {seconds_text(capture.quiet_s)} ago{behind}")


def _capture_mend(capture: Capture) -> str:
    states = (capture.connector, capture.task)
    if capture.connector in ("STOPPED", "PAUSED"):
        return _RESUME
    if "FAILED" in states:
        return "./timeloom prepare"
    return "docs/runbook.md#what-connect-says" if "UNASSIGNED" in states else "./timeloom stack logs connect"


def worker_link(program: Program, status: Status, members: int, lag: int, lag_s: float) -> Link:
    """Returns whether a worker runs and keeps up. `status` is that of its worst partition; `lag_s` is seconds."""
    # Processes elsewhere may do the work while the local one is down. One that failed is reported anyway.
    if program.state == "failed" or (program.state == "down" and not members):
        why = f": {program.said}" if program.said else ""
        return _wrong(program.name, f"it is {program.state}{why}", "./timeloom stack up")
    if not members:
        waiting = f"; {lag} offsets wait, the oldest for {seconds_text(lag_s)}" if lag else ""
        return _wrong(program.name, f"no process runs it{waiting}", "./timeloom stack up")
    behind = f"{lag} offsets, {seconds_text(lag_s)} behind"
    if status is not Status.OK:
        return _wrong(program.name, f"{status}, {behind}", _MENDS[status].format(name=program.name))
    if program.state == "starting" or program.said:
        said = program.said or "it runs, but isn't ready yet"
        return _wrong(program.name, f"{said.rstrip('.')}; {behind}", f"./timeloom stack logs {program.name}")
    return Link(name=program.name, well=True, said=f"OK, {behind}, {members} {'runs' if members == 1 else 'run'}")


def program_link(program: Program) -> Link:
    """Returns whether a program runs that reads no topic."""
    if program.state == "up" and not program.said:
        return Link(name=program.name, well=True, said="runs")
    said = f"it is {program.state}{f': {program.said}' if program.said else ''}"
    mend = "./timeloom stack up" if program.state in ("down", "failed") else f"./timeloom stack logs {program.name}"
    return _wrong(program.name, said, mend)


def unknown_link(name: str, why: str) -> Link:
    """Returns a link whose state wasn't known in time."""
    return _wrong(name, why, "./timeloom ops status --within 10")


def letters_link(counts: Mapping[str, int]) -> Link:
    """Returns the link for the open dead letters, which need a person. `counts` is by reason."""
    if not counts:
        return Link(name="dead letters", well=True, said="none")
    by_reason = ", ".join(
        f"{reason} {count}" for reason, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )
    return _wrong("dead letters", f"{sum(counts.values())}: {by_reason}", "./timeloom ops dlq list")


def disk_link(free: int, where: str) -> Link:
    """Returns whether enough disk is free. `free` is bytes."""
    said = f"{bytes_text(free)} free at {where}"
    if free < FREE_BYTES:
        return _wrong("disk", f"{said}: free some space, then", "./timeloom stack up")
    return Link(name="disk", well=True, said=said)


def server_link(name: str, refused: str | None, hangs: bool = False) -> Link:
    """Returns the link of a server. `refused`: why it doesn't answer, or None.

    `hangs`: it accepts connections, so starting it has no effect.
    """
    if refused is None:
        return Link(name=name, well=True, said="answers")
    mend = f"./timeloom stack logs {name}" if hangs else "./timeloom stack up"
    # A link's line is only the fact. The rest of an error's text is causes and commands.
    return Link(name=name, well=False, said=re.split(r"\. |: [A-Z]| \(", refused)[0], mend=mend, up=False)


def for_own_servers(link: Link) -> Link:
    """Returns the link with a remedy for servers of the user's own. `./timeloom stack` knows neither them nor their
    programs.
    """
    match link.mend.split():
        case ["./timeloom", "stack", "logs", part]:
            mend = f"read the log of {part}, where it runs"
        case ["./timeloom", "stack", *_]:
            command = f": ./timeloom {link.name}" if link.name in PROGRAMS else ""
            mend = f"start it where it runs{command}"
        case _:
            return link
    return msgspec.structs.replace(link, mend=mend)


def seconds_text(seconds: float) -> str:
    """Returns a duration in the unit that a person would use."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def bytes_text(size: int) -> str:
    """Returns a number of bytes in the unit that a person would use."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def _wrong(name: str, said: str, mend: str) -> Link:
    return Link(name=name, well=False, said=said, mend=mend)
