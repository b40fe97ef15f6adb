"""Brings a server to what this version needs: the database, its tables, its users. Doing it again changes nothing."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, text

from connectors.mariadb import ledger, models
from connectors.mariadb.columns import Base
from connectors.mariadb.engine import connect
from connectors.mariadb.users import Passwords, make_users
from schemas.errors import StackError

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_S = 60
OLDEST = (10, 6)

TABLES = (models, ledger)
"""The modules whose import puts every table into `METADATA`."""

METADATA = Base.metadata


def migrate(admin: URL, passwords: Passwords, database: str = "timeloom") -> str:
    """Makes or upgrades `database` as an administrator of the server; returns the migration that it is at now.

    Raises StackError where the server is too old, is out of reach, or another migration runs for a minute.
    """
    _create(admin, database)
    engine = connect(admin.set(database=database), pool_size=1)
    with engine.connect() as connection:
        _lock(connection, database)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        make_users(connection, database, passwords)
        connection.commit()
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return str(revision)


def found_at(engine: Engine) -> str | None:
    """The migration that a database is at. Raises StackError where it doesn't answer or has no tables of ours."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


@cache
def latest() -> str:
    """The migration that this version of the code needs."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def _create(admin: URL, database: str) -> None:
    """Makes the database if it is absent, on a server that is new enough."""
    engine = connect(admin.set(database="information_schema"), pool_size=1)
    with engine.connect() as connection:
        version = connection.dialect.server_version_info or ()
        if not getattr(connection.dialect, "is_mariadb", False) or tuple(version[:2]) < OLDEST:
            found = ".".join(str(part) for part in version)
            raise StackError(
                f"The server at {admin.render_as_string()} is {connection.dialect.name} {found}; "
                f"MariaDB {OLDEST[0]}.{OLDEST[1]} or later is needed."
            )
        connection.execute(
            text(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        )
    engine.dispose()


def _lock(connection: Connection, database: str) -> None:
    """Held until the connection closes: DDL can't be rolled back, so two migrations must not run at once."""
    name = f"{database}.migrate"
    if connection.scalar(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": LOCK_WAIT_S}) != 1:
        raise StackError(f"Another migration of {database} has been running for {LOCK_WAIT_S} s; wait for it to end.")
    connection.commit()
