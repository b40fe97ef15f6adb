"""Creates or upgrades what this version needs on a server: database, tables and users. Running it again is harmless."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, text

from connectors.mariadb.server.engine import connect
from connectors.mariadb.server.users import Passwords, ensure_users
from connectors.mariadb.tables import ledger_tables, source_tables
from connectors.mariadb.tables.column_types import Base
from schemas.errors import StackError

MIGRATIONS_FOLDER = Path(__file__).parents[1] / "migrations"
LOCK_WAIT_S = 60
MIN_SERVER_VERSION = (10, 6)

TABLE_MODULES = (source_tables, ledger_tables)
"""The modules whose import puts every table into `METADATA`."""

METADATA = Base.metadata


def migrate(admin: URL, passwords: Passwords, database: str = "timeloom") -> str:
    """Creates or upgrades `database` as an administrator of the server; returns the revision that it has afterwards.

    Raises StackError where the server is too old or out of reach, or where another migration runs for longer than a
    minute.
    """
    _create_database(admin, database)
    engine = connect(admin.set(database=database), pool_size=1)
    with engine.connect() as connection:
        _take_migration_lock(connection, database)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        ensure_users(connection, database, passwords)
        connection.commit()
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return str(revision)


def current_revision(engine: Engine) -> str | None:
    """Returns the revision of a database, None where the version table is empty.

    Raises StackError where it doesn't answer or has no tables of ours.
    """
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


@cache
def head_revision() -> str:
    """Returns the revision that this version of the code needs."""
    return str(ScriptDirectory(str(MIGRATIONS_FOLDER)).get_current_head())


def _create_database(admin: URL, database: str) -> None:
    """Creates the database where it doesn't exist. Raises StackError where the server is too old."""
    engine = connect(admin.set(database="information_schema"), pool_size=1)
    with engine.connect() as connection:
        version = connection.dialect.server_version_info or ()
        if not getattr(connection.dialect, "is_mariadb", False) or tuple(version[:2]) < MIN_SERVER_VERSION:
            found = ".".join(str(part) for part in version)
            raise StackError(
                f"The server at {admin.render_as_string()} is {connection.dialect.name} {found}; "
                f"MariaDB {MIN_SERVER_VERSION[0]}.{MIN_SERVER_VERSION[1]} or later is needed."
            )
        connection.execute(
            text(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        )
    engine.dispose()


def _take_migration_lock(connection: Connection, database: str) -> None:
    """Takes a lock until the connection closes: DDL can't be rolled back, so two migrations must not run at once."""
    name = f"{database}.migrate"
    if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S}) != 1:
        raise StackError(f"Another migration of {database} has been running for {LOCK_WAIT_S} s; wait for it to end.")
    connection.commit()
