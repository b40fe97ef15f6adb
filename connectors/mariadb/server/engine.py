"""Creates engines for MariaDB and translates the errors of their connections.

An error that a person can mend (server down, user or password wrong, tables missing) is raised as
`schemas.errors.StackError`. All others stay SQLAlchemy's: the caller retries a deadlock or a lock timeout, and
handles a violated constraint.
"""

import ssl
from functools import partial

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import IntegrityError

from schemas.errors import StackError

CONNECT_TIMEOUT_S = 5
# Longer than any of our statements runs, so that only a server that has stopped exceeds it.
SOCKET_TIMEOUT_S = 60

# A process that is frozen in the middle of a transaction keeps its locks, and the process that takes over its work
# waits for them. The server rolls a writing transaction back after it has been idle for this long. None of our
# transactions that write computes that long between two statements.
IDLE_TRANSACTION_TIMEOUT_S = 30

# Every session computes times in UTC and refuses a value that doesn't fit instead of truncating it.
SESSION_SETTINGS = (
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)

UNREACHABLE_CODES = frozenset({2002, 2003, 2006, 2013, 1040, 1053, 1152, 1927})
NO_TLS_CODE = 2026
ACCESS_DENIED_CODES = frozenset({1044, 1045, 1142, 1143, 1227, 1698})
CHECK_VIOLATION_CODE = 4025
SCHEMA_MISMATCH_CODES = frozenset({1049, 1054, 1146})


def database_url(host: str, port: int, user: str, password: str, database: str = "timeloom") -> URL:
    """Returns the URL of the database for this user. Its printed form hides the password."""
    return URL.create("mariadb+pymysql", user, password, host, port, database)


def connect(url: URL, *, pool_size: int = 4) -> Engine:
    """Returns an engine whose sessions use READ COMMITTED and UTC. It connects when it is first used."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # error texts go to logs, and people's words must not
        connect_args={
            "charset": "utf8mb4",
            "collation": "utf8mb4_bin",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": SOCKET_TIMEOUT_S,
            "write_timeout": SOCKET_TIMEOUT_S,
            "init_command": f"{SESSION_SETTINGS}, idle_write_transaction_timeout = {IDLE_TRANSACTION_TIMEOUT_S}",
        },
    )
    event.listen(engine, "handle_error", partial(_translated_error, url.render_as_string()), retval=True)
    return engine


def _translated_error(shown_url: str, context: ExceptionContext) -> StackError | IntegrityError | None:
    """Returns the StackError that replaces an error which a person can mend; None keeps SQLAlchemy's own error."""
    # After a failed ping the pool connects again. SQLAlchemy uses DESCRIBE to find out whether a table exists.
    if context.is_pre_ping or (context.statement or "").startswith("DESCRIBE"):
        return None
    cause = context.original_exception
    if not isinstance(cause, Exception):
        return None  # Ctrl-C or an exit in the middle of a statement is not an error of the server
    code = cause.args[0] if cause.args else None
    if code == CHECK_VIOLATION_CODE:
        # PyMySQL raises OperationalError, which callers retry; a violated check must not be retried.
        return IntegrityError(context.statement, None, cause, hide_parameters=True)
    if isinstance(cause.__context__, ssl.SSLError) or code == NO_TLS_CODE:
        message = (
            f"MariaDB at {shown_url} can't be reached by TLS: TIMELOOM_DATABASE_SSL_CA must have signed its certificate"
        )
    elif code in UNREACHABLE_CODES or context.is_disconnect:
        message = f"MariaDB does not answer at {shown_url}. Start it: `./timeloom stack up`"
    elif code in ACCESS_DENIED_CODES:
        message = (
            f"MariaDB refuses this user at {shown_url}. Is its password right? "
            "`./timeloom prepare` sets users and grants"
        )
    elif code in SCHEMA_MISMATCH_CODES:
        message = f"The tables at {shown_url} don't match this version. `./timeloom stack up` migrates them"
    else:
        return None
    return StackError(f"{message} ({cause}).")
