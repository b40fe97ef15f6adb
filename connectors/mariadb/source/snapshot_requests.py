"""Requests incremental snapshots by rows in the connector's signal table, and counts what there is to read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, func, insert, select, text

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.ledger_tables import DebeziumSignal

EXECUTE_SNAPSHOT = "execute-snapshot"
WINDOW_OPEN = "snapshot-window-open"
"""The type of the row that the connector writes for each chunk that it reads."""
LOG_SIGNAL = "log"
"""The type of a signal that makes the connector only write a message to its log."""
NOTE_SUFFIX = "-noted"


class SnapshotRequest(msgspec.Struct, frozen=True):
    """A requested snapshot: its tables, when it was requested (the database's clock), and how many windows there were.

    `windows` is the number of window rows before the request. `transaction` is the GTID of the request's transaction;
    empty where it wasn't recorded.
    """

    id: str
    tables: tuple[str, ...]
    at: str
    windows: int
    transaction: str = ""

    @property
    def requested_at_s(self) -> float:
        """When it was requested, in seconds since 1970."""
        return datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp()


def request_snapshot(connection: Connection, database: str, tables: Iterable[str]) -> SnapshotRequest:
    """Writes the signal, commits, and records the GTID of that transaction in a second row.

    By that GTID a binlog position is known to be from before or after the request.
    """
    at = str(connection.execute(text("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f')")).scalar_one())
    request = SnapshotRequest(f"snapshot-{at}", tuple(tables), at, _count_windows(connection))
    data = {
        "data-collections": [f"{database}.{table}" for table in request.tables],
        "type": "incremental",
        # With a key that holds a NULL or that changes, the connector would leave rows out or read them twice.
        "surrogate-key": "id",
        "timeloom": request,
    }
    _insert_signal(connection, request.id, EXECUTE_SNAPSHOT, data)
    gtid = str(connection.execute(text("SELECT @@last_gtid")).scalar_one())
    _insert_signal(
        connection,
        f"{request.id}{NOTE_SUFFIX}",
        LOG_SIGNAL,
        {"message": f"{request.id} is {gtid}", "transaction": gtid},
    )
    return msgspec.structs.replace(request, transaction=gtid)


def read_last_request(connection: Connection) -> SnapshotRequest | None:
    """Returns the last snapshot that `request_snapshot` requested; None where there is none."""
    query = select(DebeziumSignal.data).where(
        DebeziumSignal.type == EXECUTE_SNAPSHOT, DebeziumSignal.id.startswith("snapshot-")
    )
    found = connection.execute(query.order_by(DebeziumSignal.id.desc()).limit(1)).scalar()
    if found is None:
        return None
    request = msgspec.convert(msgspec.json.decode(found)["timeloom"], SnapshotRequest)
    noted = connection.execute(
        select(DebeziumSignal.data).where(DebeziumSignal.id == f"{request.id}{NOTE_SUFFIX}")
    ).scalar()
    return msgspec.structs.replace(request, transaction=msgspec.json.decode(noted)["transaction"]) if noted else request


def count_windows_since_request(connection: Connection, request: SnapshotRequest) -> int:
    """Returns how many windows the connector opened since the request: one for each chunk, and one for the end."""
    return _count_windows(connection) - request.windows


def seconds_since(connection: Connection, since: str) -> float:
    """Returns the seconds since an instant of the database's clock, by that clock."""
    query = text("SELECT TIMESTAMPDIFF(MICROSECOND, :at, UTC_TIMESTAMP(6)) / 1000000")
    return float(connection.execute(query, {"at": since.replace("T", " ")}).scalar_one())


def count_rows(connection: Connection, table: str, max_id: int | None = None) -> int:
    """Returns how many rows a table has; with `max_id`, how many with an id up to that one."""
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
