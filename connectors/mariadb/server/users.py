"""The three database users, and the least that each may do.

A collector writes what was done and what people decide; it sees nothing of what `bill` keeps. Capture reads the binlog
and the captured tables. The pipeline reads, and writes only what `bill` keeps and marks: an activity never changes
because of it (`verify --mend` has rows said again as a collector).
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
    """The three users' passwords. Not shown when printed."""

    collector: str
    capture: str
    pipeline: str

    def __repr__(self) -> str:
        return "Passwords(********)"


def grants(database: str) -> list[str]:
    """Every GRANT of the three users, on tables of `database`."""
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
        ("collector", "SELECT, INSERT", MODEL_TABLES),  # what a version holds never changes
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
        # MariaDB grants LOCK TABLES by database only; it locks nothing that the user can't read.
        f"GRANT LOCK TABLES ON `{database}`.* TO 'capture'@'%'",
        *tables,
    ]


def ensure_users(connection: Connection, database: str, passwords: Passwords) -> None:
    """Creates the users that are absent, sets their passwords, grants what they need. Again, it changes nothing."""
    for user, password in msgspec.structs.asdict(passwords).items():
        for statement in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
            connection.execute(text(f"{statement} '{user}'@'%' IDENTIFIED BY :password"), {"password": password})
    for grant in grants(database):
        connection.execute(text(grant))
