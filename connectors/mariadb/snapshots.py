"""Asks the connector to read tables again, by a row in its signal table, and counts what there is to read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, func, insert, select, text

from connectors.mariadb.columns import Base
from connectors.mariadb.ledger import DebeziumSignal

EXECUTE = "execute-snapshot"
WINDOW = "snapshot-window-open"
"""The connector writes such a row for each chunk that it reads."""
LOG = "log"
"""The connector only writes the message to its log."""
NOTED = "-noted"


class Asked(msgspec.Struct, frozen=True):
    """A snapshot that was asked for, when (by the database's clock), and of how many windows there were rows before.

    `transaction`: the GTID of the one that asked for it; empty where nobody could note it.
    """

    id: str
    tables: tuple[str, ...]
    at: str
    windows: int
    transaction: str = ""

    @property
    def at_s(self) -> float:
        """When, in seconds since 1970."""
        return datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp()


def ask(connection: Connection, database: str, tables: Iterable[str]) -> Asked:
    """Writes the signal, commits, and notes which transaction that was: by that a place is from before or after it."""
    at = str(connection.execute(text("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f')")).scalar_one())
    asked = Asked(f"snapshot-{at}", tuple(tables), at, _windows(connection))
    data = {
        "data-collections": [f"{database}.{table}" for table in asked.tables],
        "type": "incremental",
        # By a key with a NULL in it, or one that changes, rows would be left out or come twice.
        "surrogate-key": "id",
        "timeloom": asked,
    }
    _signal(connection, asked.id, EXECUTE, data)
    gtid = str(connection.execute(text("SELECT @@last_gtid")).scalar_one())
    _signal(connection, f"{asked.id}{NOTED}", LOG, {"message": f"{asked.id} is {gtid}", "transaction": gtid})
    return msgspec.structs.replace(asked, transaction=gtid)


def last_asked(connection: Connection) -> Asked | None:
    """The last one that `ask` asked for."""
    query = select(DebeziumSignal.data).where(DebeziumSignal.type == EXECUTE, DebeziumSignal.id.startswith("snapshot-"))
    found = connection.execute(query.order_by(DebeziumSignal.id.desc()).limit(1)).scalar()
    if found is None:
        return None
    asked = msgspec.convert(msgspec.json.decode(found)["timeloom"], Asked)
    noted = connection.execute(select(DebeziumSignal.data).where(DebeziumSignal.id == f"{asked.id}{NOTED}")).scalar()
    return msgspec.structs.replace(asked, transaction=msgspec.json.decode(noted)["transaction"]) if noted else asked


def windows_since(connection: Connection, asked: Asked) -> int:
    """How many windows the connector has opened since: one for each chunk, and one for the end."""
    return _windows(connection) - asked.windows


def seconds_since(connection: Connection, at: str) -> float:
    """Since an instant of the database's clock."""
    query = text("SELECT TIMESTAMPDIFF(MICROSECOND, :at, UTC_TIMESTAMP(6)) / 1000000")
    return float(connection.execute(query, {"at": at.replace("T", " ")}).scalar_one())


def rows(connection: Connection, table: str, upto: int | None = None) -> int:
    """How many there are, or how many with an id up to that one."""
    column = Base.metadata.tables[table].c.id
    query = select(func.count()).select_from(Base.metadata.tables[table])
    return int(connection.execute(query if upto is None else query.where(column <= upto)).scalar_one())


def _windows(connection: Connection) -> int:
    query = select(func.count()).select_from(DebeziumSignal).where(DebeziumSignal.type == WINDOW)
    return int(connection.execute(query).scalar_one())


def _signal(connection: Connection, id: str, type: str, data: object) -> None:
    row = {"id": id, "type": type, "data": msgspec.json.encode(data).decode()}
    connection.execute(insert(DebeziumSignal).values(row))
    connection.commit()
