"""Connections to MariaDB: one way of setting them up, and one way in which their failures are told.

What a person can mend (server down, user or password wrong, tables not there) is raised as
`schemas.errors.StackError`. The rest stays SQLAlchemy's: a deadlock or a lock that waited too long is for the caller to
try again, a broken constraint is for the caller to understand.
"""

import ssl
from functools import partial

from sqlalchemy import URL, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import IntegrityError

from schemas.errors import StackError

CONNECT_TIMEOUT_S = 5
# Longer than any statement of ours takes, so that only a server that has stopped is given up.
SOCKET_TIMEOUT_S = 60

# A process that was frozen in the middle of a transaction holds its locks, and its heir waits for them. So long may it
# do nothing before the server rolls it back; nothing of ours computes that long between statements of one that writes.
IDLE_TRANSACTION_TIMEOUT_S = 30

# Every session computes times in UTC and refuses what doesn't fit instead of cutting it.
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
    """Where the database is and as whom; printed, it hides the password."""
    return URL.create("mariadb+pymysql", user, password, host, port, database)


def connect(url: URL, *, pool_size: int = 4) -> Engine:
    """An engine whose sessions read what is committed, in UTC. It connects when it is first used."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # an error's text goes to logs; words must not
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
    """What a person can mend, as a StackError in place of SQLAlchemy's; None leaves it as it is."""
    # A ping that fails makes the pool connect anew, and DESCRIBE is how SQLAlchemy asks whether a table is there.
    if context.is_pre_ping or (context.statement or "").startswith("DESCRIBE"):
        return None
    cause = context.original_exception
    if not isinstance(cause, Exception):
        return None  # Ctrl-C or an exit in the middle of a statement says nothing about the server
    code = cause.args[0] if cause.args else None
    if code == CHECK_VIOLATION_CODE:
        # PyMySQL tells it as OperationalError, which is what may be tried again; this may not.
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
        message = f"The tables at {shown_url} aren't as this version needs them. `./timeloom stack up` migrates them"
    else:
        return None
    return StackError(f"{message} ({cause}).")
