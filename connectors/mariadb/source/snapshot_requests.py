"""Asks the connector to read tables again, by a row in its signal table, and counts what there is to read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, func, insert, select, text

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.ledger_tables import DebeziumSignal

EXECUTE_SNAPSHOT = "execute-snapshot"
WINDOW_OPEN = "snapshot-window-open"
"""The connector writes such a row for each chunk that it reads."""
LOG = "log"
"""The connector only writes the message to its log."""
NOTE_SUFFIX = "-noted"


class SnapshotRequest(msgspec.Struct, frozen=True):
    """A snapshot that was asked for, when (by the database's clock), and of how many windows there were rows before.

    `transaction`: the GTID of the one that asked for it; empty where nobody could note it.
    """

    id: str
    tables: tuple[str, ...]
    at: str
    windows: int
    transaction: str = ""

    @property
    def requested_at_s(self) -> float:
        """When, in seconds since 1970."""
        return datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp()


def request_snapshot(connection: Connection, database: str, tables: Iterable[str]) -> SnapshotRequest:
    """Writes the signal, commits, and notes which transaction that was: by that a place is from before or after it."""
    at = str(connection.execute(text("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f')")).scalar_one())
    asked = SnapshotRequest(f"snapshot-{at}", tuple(tables), at, _count_windows(connection))
    data = {
        "data-collections": [f"{database}.{table}" for table in asked.tables],
        "type": "incremental",
        # By a key with a NULL in it, or one that changes, rows would be left out or come twice.
        "surrogate-key": "id",
        "timeloom": asked,
    }
    _insert_signal(connection, asked.id, EXECUTE_SNAPSHOT, data)
    gtid = str(connection.execute(text("SELECT @@last_gtid")).scalar_one())
    _insert_signal(
        connection, f"{asked.id}{NOTE_SUFFIX}", LOG, {"message": f"{asked.id} is {gtid}", "transaction": gtid}
    )
    return msgspec.structs.replace(asked, transaction=gtid)


def read_last_request(connection: Connection) -> SnapshotRequest | None:
    """The last one that `ask` asked for."""
    query = select(DebeziumSignal.data).where(
        DebeziumSignal.type == EXECUTE_SNAPSHOT, DebeziumSignal.id.startswith("snapshot-")
    )
    found = connection.execute(query.order_by(DebeziumSignal.id.desc()).limit(1)).scalar()
    if found is None:
        return None
    asked = msgspec.convert(msgspec.json.decode(found)["timeloom"], SnapshotRequest)
    noted = connection.execute(
        select(DebeziumSignal.data).where(DebeziumSignal.id == f"{asked.id}{NOTE_SUFFIX}")
    ).scalar()
    return msgspec.structs.replace(asked, transaction=msgspec.json.decode(noted)["transaction"]) if noted else asked


def count_windows_since(connection: Connection, request: SnapshotRequest) -> int:
    """How many windows the connector has opened since: one for each chunk, and one for the end."""
    return _count_windows(connection) - request.windows


def seconds_since(connection: Connection, since: str) -> float:
    """Since an instant of the database's clock."""
    query = text("SELECT TIMESTAMPDIFF(MICROSECOND, :at, UTC_TIMESTAMP(6)) / 1000000")
    return float(connection.execute(query, {"at": since.replace("T", " ")}).scalar_one())


def count_rows(connection: Connection, table: str, max_id: int | None = None) -> int:
    """How many there are, or how many with an id up to that one."""
    column = Base.metadata.tables[table].c.id
    query = select(func.count()).select_from(Base.metadata.tables[table])
    return int(connection.execute(query if max_id is None else query.where(column <= max_id)).scalar_one())


def _count_windows(connection: Connection) -> int:
    query = select(func.count()).select_from(DebeziumSignal).where(DebeziumSignal.type == WINDOW_OPEN)
    return int(connection.execute(query).scalar_one())


def _insert_signal(connection: Connection, id: str, type: str, data: object) -> None:
    row = {"id": id, "type": type, "data": msgspec.json.encode(data).decode()}
    connection.execute(insert(DebeziumSignal).values(row))
    connection.commit()
