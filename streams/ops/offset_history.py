"""What was moved by hand, by whom, and from where: a readable file for each, in the home's folder `offsets`."""

import os
import pwd
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from processors.monitoring.offset_moves import Move
from schemas.errors import ConfigurationError


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer's offsets as they were and as they were put. `undone_at`: they were put back then."""

    group: str
    topic: str
    to: str
    at: datetime
    by: str
    moves: list[Move]
    undone_at: datetime | None = None
    undone_by: str | None = None


def folder(home: Path) -> Path:
    """Where the files are."""
    return home / "offsets"


def moved(group: str, topic: str, to: str, moves: list[Move]) -> Moved:
    """A move of now, by whoever runs this."""
    return Moved(group=group, topic=topic, to=to, at=datetime.now(UTC), by=_who(), moves=moves)


def undone(what: Moved) -> Moved:
    """The same, put back now by whoever runs this."""
    return msgspec.structs.replace(what, undone_at=datetime.now(UTC), undone_by=_who())


def file_of(home: Path, what: Moved) -> Path:
    """A name that sorts by time."""
    return folder(home) / f"{what.at:%Y-%m-%dT%H-%M-%S.%fZ}-{what.group}.json"


def save(home: Path, what: Moved) -> Path:
    """Writes it, whole or not at all; on the disk when it returns."""
    file = file_of(home, what)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(what)) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    return file


def saved(home: Path) -> list[Moved]:
    """Every move, oldest first. Raises ConfigurationError for a file that can't be read."""
    found = []
    for file in sorted(folder(home).glob("*.json")):
        try:
            found.append(msgspec.json.decode(file.read_bytes(), type=Moved))
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{file} can't be read ({error}). Mend it, or put it elsewhere.") from error
    return found


def _who() -> str:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return f"{name}@{socket.gethostname()}"
