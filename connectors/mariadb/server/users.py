"""Creates the three database users, each with the least grants that it needs.

A collector writes activities and people's decisions, and can't read the ledger. Capture reads the binlog and the
captured tables. The pipeline reads, and writes only the ledger, marks and signals to the connector: it never changes an
activity (`verify --mend` resends rows as a collector).
"""

import msgspec
from sqlalchemy import Connection, text

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.source_tables import CAPTURED_TABLES

DIRECTORY_TABLES = ("firm", "timekeeper", "client", "matter")
MODEL_TABLES = ("model",)
CONNECTOR_TABLES = ("debezium_signal", "debezium_heartbeat")

CAPTURE_PRIVILEGES = "RELOAD, SHOW DATABASES, REPLICATION SLAVE, BINLOG MONITOR, REPLICATION SLAVE ADMIN"


class Passwords(msgspec.Struct, frozen=True):
    """The three users' passwords. Printing it shows none of them."""

    collector: str
    capture: str
    pipeline: str

    def __repr__(self) -> str:
        return "Passwords(********)"


def grants(database: str) -> list[str]:
    """Returns every GRANT statement of the three users, for the tables of `database`."""
    ledger = sorted(
        set(Base.metadata.tables)
        - set(DIRECTORY_TABLES)
        - set(CAPTURED_TABLES)
        - set(MODEL_TABLES)
        - set(CONNECTOR_TABLES)
    )
    may = [
        ("collector", "SELECT, INSERT, UPDATE", DIRECTORY_TABLES),
        ("collector", "SELECT, INSERT, UPDATE, DELETE", sorted(set(CAPTURED_TABLES) - {"mark"})),
        ("collector", "SELECT, INSERT", MODEL_TABLES),  # a stored version never changes
        ("capture", "SELECT", CAPTURED_TABLES),
        ("capture", "SELECT, INSERT, UPDATE, DELETE", CONNECTOR_TABLES),
        ("pipeline", "SELECT", (*DIRECTORY_TABLES, *CAPTURED_TABLES, *MODEL_TABLES, "alembic_version")),
        ("pipeline", "INSERT", ("mark", "debezium_signal")),
        ("pipeline", "SELECT", ("debezium_signal",)),
        ("pipeline", "SELECT, INSERT, UPDATE, DELETE", ledger),
    ]
    tables = [
        f"GRANT {what} ON `{database}`.`{table}` TO '{user}'@'%'" for user, what, tables in may for table in tables
    ]
    return [
        f"GRANT {CAPTURE_PRIVILEGES} ON *.* TO 'capture'@'%'",
        # MariaDB grants LOCK TABLES for whole databases only. The user still can't lock a table that it can't read.
        f"GRANT LOCK TABLES ON `{database}`.* TO 'capture'@'%'",
        *tables,
    ]


def ensure_users(connection: Connection, database: str, passwords: Passwords) -> None:
    """Creates absent users, sets all passwords and grants what each user needs. Running it again changes nothing."""
    for user, password in msgspec.structs.asdict(passwords).items():
        for statement in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
            connection.execute(text(f"{statement} '{user}'@'%' IDENTIFIED BY :password"), {"password": password})
    for grant in grants(database):
        connection.execute(text(grant))
