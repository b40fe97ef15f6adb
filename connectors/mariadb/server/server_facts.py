"""Reads facts about a MariaDB server, as any user that may connect. It changes nothing."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from connectors.mariadb.server.engine import connect
from schemas.checks import DatabaseFacts
from schemas.errors import StackError

NO_SUCH_GRANT = 1141
HOST = "%"


def read_database_facts(url: URL, database: str, users: Iterable[str]) -> DatabaseFacts:
    """Reads the facts about the server at `url`, the database and these users.

    Raises StackError where the server is out of reach.
    """
    engine = connect(url.set(database="information_schema"), pool_size=1)
    try:
        with engine.connect() as connection:
            variables = {str(name): str(value) for name, value in connection.execute(text("SHOW GLOBAL VARIABLES"))}
            grants = {user: _grants(connection, user) for user in users}
            return DatabaseFacts(
                version=variables.get("version", ""),
                variables=variables,
                grants={user: found for user, found in grants.items() if found != ()},
                charset=_charset(connection, database),
                binlog_filters=_binlog_filters(connection),
                hidden_users=tuple(user for user, found in grants.items() if found == ()),
            )
    finally:
        engine.dispose()


def _grants(connection: Connection, user: str) -> tuple[str, ...] | None:
    """Returns the grants as the server prints them; None for an unknown user, empty where we can't see them."""
    try:
        return tuple(row[0] for row in connection.execute(text(f"SHOW GRANTS FOR '{user}'@'{HOST}'")))
    except DBAPIError as error:
        if error.orig is not None and error.orig.args[0] == NO_SUCH_GRANT:
            return None
        raise
    except StackError:
        return ()


def _charset(connection: Connection, database: str) -> str | None:
    query = text(
        "SELECT CONCAT(default_character_set_name, ' ', default_collation_name) FROM schemata WHERE schema_name = :name"
    )
    found = connection.execute(query, {"name": database}).scalar()
    return None if found is None else str(found)


def _binlog_filters(connection: Connection) -> str:
    """Returns the server's filters of the binlog by database; empty where there is none or we can't see it."""
    try:
        row = connection.execute(text("SHOW MASTER STATUS")).mappings().first()
    except StackError:
        return ""
    if row is None:
        return ""
    names = ("Binlog_Do_DB", "Binlog_Ignore_DB")
    return ", ".join(f"{name.lower()}={row[name]}" for name in names if row[name])


class Binlog(msgspec.Struct, frozen=True, kw_only=True):
    """The binlog's files (name, bytes), oldest first; the server writes at the end of the last. `gtid` is lineage."""

    files: tuple[tuple[str, int], ...]
    gtid: str


def read_binlog(engine: Engine) -> Binlog:
    """Reads the binlog's state, as a user who may monitor it.

    Raises StackError where the server doesn't answer or refuses.
    """
    with engine.connect() as connection:
        files = connection.execute(text("SHOW BINARY LOGS")).all()
        gtid = connection.execute(text("SELECT @@gtid_binlog_pos")).scalar_one()
    return Binlog(files=tuple((str(row[0]), int(row[1])) for row in files), gtid=str(gtid))
