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
SILENCE_S = 60

# A process that was frozen in the middle of a transaction holds its locks, and its heir waits for them. So long may it
# do nothing before the server rolls it back; nothing of ours computes that long between statements of one that writes.
IDLE_S = 30

# Every session computes times in UTC and refuses what doesn't fit instead of cutting it.
SESSION = (
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)

GONE = frozenset({2002, 2003, 2006, 2013, 1040, 1053, 1152, 1927})
NO_TLS_THERE = 2026
REFUSED = frozenset({1044, 1045, 1142, 1143, 1227, 1698})
BROKEN_CHECK = 4025
UNMIGRATED = frozenset({1049, 1054, 1146})


def address(host: str, port: int, user: str, password: str, database: str = "timeloom") -> URL:
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
            "read_timeout": SILENCE_S,
            "write_timeout": SILENCE_S,
            "init_command": f"{SESSION}, idle_write_transaction_timeout = {IDLE_S}",
        },
    )
    event.listen(engine, "handle_error", partial(_told, url.render_as_string()), retval=True)
    return engine


def _told(where: str, failure: ExceptionContext) -> StackError | IntegrityError | None:
    """What a person can mend, as a StackError in place of SQLAlchemy's; None leaves it as it is."""
    # A ping that fails makes the pool connect anew, and DESCRIBE is how SQLAlchemy asks whether a table is there.
    if failure.is_pre_ping or (failure.statement or "").startswith("DESCRIBE"):
        return None
    cause = failure.original_exception
    if not isinstance(cause, Exception):
        return None  # Ctrl-C or an exit in the middle of a statement says nothing about the server
    code = cause.args[0] if cause.args else None
    if code == BROKEN_CHECK:
        # PyMySQL tells it as OperationalError, which is what may be tried again; this may not.
        return IntegrityError(failure.statement, None, cause, hide_parameters=True)
    if isinstance(cause.__context__, ssl.SSLError) or code == NO_TLS_THERE:
        message = (
            f"MariaDB at {where} can't be reached by TLS: TIMELOOM_DATABASE_SSL_CA must have signed its certificate"
        )
    elif code in GONE or failure.is_disconnect:
        message = f"MariaDB does not answer at {where}. Start it: `./timeloom stack up`"
    elif code in REFUSED:
        message = (
            f"MariaDB refuses this user at {where}. Is its password right? `./timeloom prepare` sets users and grants"
        )
    elif code in UNMIGRATED:
        message = f"The tables at {where} aren't as this version needs them. `./timeloom stack up` migrates them"
    else:
        return None
    return StackError(f"{message} ({cause}).")
