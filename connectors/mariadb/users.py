"""The three database users, and the least that each may do.

A collector writes what was done and what people decide; it sees nothing of what `bill` keeps. Capture reads the binlog
and the captured tables. The pipeline reads, and writes only what `bill` keeps and marks: an activity never changes
because of it (`verify --mend` has rows said again as a collector).
"""

import msgspec
from sqlalchemy import Connection, text

from connectors.mariadb.columns import Base
from connectors.mariadb.models import CAPTURED

PEOPLE = ("firm", "timekeeper", "client", "matter")
SHELF = ("model",)
CONNECTOR = ("debezium_signal", "debezium_heartbeat")

GLOBAL_CAPTURE = "RELOAD, SHOW DATABASES, REPLICATION SLAVE, BINLOG MONITOR, REPLICATION SLAVE ADMIN"


class Passwords(msgspec.Struct, frozen=True):
    """The three users' passwords. Not shown when printed."""

    collector: str
    capture: str
    pipeline: str

    def __repr__(self) -> str:
        return "Passwords(********)"


def grants(database: str) -> list[str]:
    """Every GRANT of the three users, on tables of `database`."""
    ledger = sorted(set(Base.metadata.tables) - set(PEOPLE) - set(CAPTURED) - set(SHELF) - set(CONNECTOR))
    may = [
        ("collector", "SELECT, INSERT, UPDATE", PEOPLE),
        ("collector", "SELECT, INSERT, UPDATE, DELETE", sorted(set(CAPTURED) - {"mark"})),
        ("collector", "SELECT, INSERT", SHELF),  # what a version holds never changes
        ("capture", "SELECT", CAPTURED),
        ("capture", "SELECT, INSERT, UPDATE, DELETE", CONNECTOR),
        ("pipeline", "SELECT", (*PEOPLE, *CAPTURED, *SHELF, "alembic_version")),
        ("pipeline", "INSERT", ("mark", "debezium_signal")),
        ("pipeline", "SELECT", ("debezium_signal",)),
        ("pipeline", "SELECT, INSERT, UPDATE, DELETE", ledger),
    ]
    tables = [
        f"GRANT {what} ON `{database}`.`{table}` TO '{user}'@'%'" for user, what, tables in may for table in tables
    ]
    return [
        f"GRANT {GLOBAL_CAPTURE} ON *.* TO 'capture'@'%'",
        # MariaDB grants LOCK TABLES by database only; it locks nothing that the user can't read.
        f"GRANT LOCK TABLES ON `{database}`.* TO 'capture'@'%'",
        *tables,
    ]


def make_users(connection: Connection, database: str, passwords: Passwords) -> None:
    """Creates the users that are absent, sets their passwords, grants what they need. Again, it changes nothing."""
    for user, password in msgspec.structs.asdict(passwords).items():
        for statement in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
            connection.execute(text(f"{statement} '{user}'@'%' IDENTIFIED BY :password"), {"password": password})
    for grant in grants(database):
        connection.execute(text(grant))
