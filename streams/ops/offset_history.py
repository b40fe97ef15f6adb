"""The history of moved offsets: a readable file for each move, in the home's folder `offsets`."""

import os
import pwd
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from processors.monitoring.offset_moves import Move
from schemas.errors import ConfigurationError


class OffsetMove(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer's offsets before and after a move. `undone_at`: when it was undone, None if it wasn't."""

    group: str
    topic: str
    to: str
    at: datetime
    by: str
    moves: list[Move]
    undone_at: datetime | None = None
    undone_by: str | None = None


def history_folder(home: Path) -> Path:
    """The folder of the files."""
    return home / "offsets"


def record_of(group: str, topic: str, to: str, moves: list[Move]) -> OffsetMove:
    """A move made now by the current user."""
    return OffsetMove(group=group, topic=topic, to=to, at=datetime.now(UTC), by=_user_at_host(), moves=moves)


def undo_record_of(move: OffsetMove) -> OffsetMove:
    """The same move, undone now by the current user."""
    return msgspec.structs.replace(move, undone_at=datetime.now(UTC), undone_by=_user_at_host())


def history_file(home: Path, move: OffsetMove) -> Path:
    """The file of a move; names sort by time."""
    return history_folder(home) / f"{move.at:%Y-%m-%dT%H-%M-%S.%fZ}-{move.group}.json"


def save_move(home: Path, move: OffsetMove) -> Path:
    """Writes the file atomically; it is on disk when this returns."""
    file = history_file(home, move)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    with new.open("wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(move)) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    return file


def read_history(home: Path) -> list[OffsetMove]:
    """Every move, oldest first. Raises ConfigurationError for a file that can't be read."""
    found = []
    for file in sorted(history_folder(home).glob("*.json")):
        try:
            found.append(msgspec.json.decode(file.read_bytes(), type=OffsetMove))
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{file} can't be read ({error}). Mend it, or put it elsewhere.") from error
    return found


def _user_at_host() -> str:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return f"{name}@{socket.gethostname()}"
