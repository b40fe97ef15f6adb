"""A database of its own for the contract tests of MariaDB, on the server that the test session brought up."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from sqlalchemy import URL, Connection, Engine, text

from connectors.mariadb.server.engine import connect
from connectors.mariadb.server.migrate import migrate
from connectors.mariadb.server.users import Passwords
from streams.settings import USERS, Settings
from tests.contracts.ledger import Books

NAME = "timeloom_contracts"


class Database(msgspec.Struct, frozen=True):
    """An empty, migrated database and its users."""

    admin: URL
    collector: URL
    capture: URL
    pipeline: URL
    passwords: Passwords


@contextmanager
def session(url: URL) -> Iterator[Connection]:
    """A connection whose work is rolled back, and which is closed for good: nothing of it stays on the server."""
    engine = connect(url, pool_size=1)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Database]:
    """Made for one module's tests and dropped after them; users are the server's, so they keep their passwords."""
    server = settings.mariadb()
    admin, secrets = server.url("admin"), server.secrets
    passwords = Passwords(secrets.collector, secrets.capture, secrets.pipeline)
    drop = text(f"DROP DATABASE IF EXISTS {NAME}")
    with session(admin) as connection:
        connection.execute(drop)
    migrate(admin, passwords, NAME)
    users = {user: server.url(user).set(database=NAME) for user in USERS}
    yield Database(passwords=passwords, **users)
    with session(admin) as connection:
        connection.execute(drop)


@pytest.fixture(scope="module")
def collector(database: Database) -> Iterator[Engine]:
    """That database as a collector may use it."""
    engine = connect(database.collector)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def pipeline(database: Database) -> Iterator[Engine]:
    """That database as `bill` may use it."""
    engine = connect(database.pipeline)
    yield engine
    engine.dispose()


@pytest.fixture
def books(collector: Engine, pipeline: Engine) -> Books:
    """A timekeeper of its own, who hasn't done anything yet."""
    return Books(collector, pipeline)
