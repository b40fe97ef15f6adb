"""What MariaDB needs: its binlog above all, since what isn't in it never reaches a group."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from processors.server_checks.check_list import point
from schemas.checks import CheckLevel, DatabaseFacts, ServerCheck

PART = "mariadb"
SQL = "MariaDB, as an administrator"
FILE = "my.cnf of MariaDB, under [mysqld]; then restart it"
HERE = "a shell here, with the settings for these servers"
OLDEST = (10, 6)
DAY_S = 86_400
PACKET = 16_777_216
OURS = "7001"
"""The replication client id that capture uses (connectors/debezium/connector.properties)."""

Grant = tuple[str, str, frozenset[str]]
"""A user, on what, and which privileges."""


class Rule(msgspec.Struct, frozen=True):
    """A variable that must, or had better, have one value. `file`: only a restart changes it."""

    variable: str
    wanted: str
    why: str
    level: CheckLevel = CheckLevel.WRONG
    file: bool = False


RULES = (
    Rule("log_bin", "ON", "capture reads the binlog", file=True),
    Rule("binlog_format", "ROW", "other formats hold statements, not rows"),
    Rule("binlog_row_image", "FULL", "a change needs the whole row, before and after"),
    Rule("binlog_row_metadata", "FULL", "the binlog then names its columns", CheckLevel.BETTER),
    Rule("read_only", "OFF", "collectors and `bill` write here; this may be a replica"),
    Rule(
        "gtid_strict_mode",
        "ON",
        "an out-of-order GTID is refused at once, not found by capture later",
        CheckLevel.BETTER,
    ),
    Rule("sync_binlog", "1", "after a power cut the binlog may lack what was committed", CheckLevel.BETTER),
    Rule("innodb_flush_log_at_trx_commit", "1", "a power cut may take back what was committed", CheckLevel.BETTER),
    Rule("time_zone", "+00:00", "instants are UTC; NOW() of a session that sets nothing is not", CheckLevel.BETTER),
)


def check_database(facts: DatabaseFacts, wanted: Iterable[str], database: str, own_tls: bool) -> list[ServerCheck]:
    """Every point about a MariaDB, in the order of the tables above. `wanted`: the GRANT statements of our users.

    `own_tls`: whether we were told whom to trust, and so ask for TLS.
    """
    return [
        _version(facts.version),
        *(_variable(rule, facts) for rule in RULES),
        _kept(facts.variables.get("binlog_expire_logs_seconds", "")),
        _server_id(facts.variables.get("server_id", "")),
        _packet(facts.variables.get("max_allowed_packet", "")),
        _filters(facts.binlog_filters, database),
        _tls(facts, own_tls),
        _charset(facts.charset, database),
        *_grants(facts, [read_grant(grant) for grant in wanted]),
    ]


def _version(found: str) -> ServerCheck:
    numbers = re.match(r"(\d+)\.(\d+)", found)
    right = "mariadb" in found.lower() and numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST
    why = "older ones aren't tried, and MySQL's binlog is another"
    return point(PART, "version", found, "MariaDB 10.6 or later", right, why=why, where="", mend=())


def _variable(rule: Rule, facts: DatabaseFacts) -> ServerCheck:
    found = facts.variables.get(rule.variable, "")
    right = found.upper() == rule.wanted.upper()
    where, mend = (FILE, f"{rule.variable}=mariadb-bin") if rule.file else (SQL, _set(rule.variable, rule.wanted))
    return point(
        PART,
        rule.variable,
        found or "not there",
        rule.wanted,
        right,
        why=rule.why,
        where=where,
        mend=mend,
        level=rule.level,
    )


def _set(variable: str, value: str) -> str:
    shown = value if value.isdigit() else f"'{value}'"
    return f"SET GLOBAL {variable} = {shown};  -- and {variable}={value} in my.cnf, for the next start"


def _kept(found: str) -> ServerCheck:
    seconds, what = int(found or 0), "binlog_expire_logs_seconds"  # 0 is for ever
    return point(
        PART,
        what,
        found,
        f"{3 * DAY_S} or more, or 0",
        seconds == 0 or seconds >= 3 * DAY_S,
        why="how long capture may be away before it needs a new snapshot, which has no deletes in it",
        where=SQL,
        mend=_set(what, str(3 * DAY_S)),
        level=CheckLevel.BETTER if seconds >= DAY_S else CheckLevel.WRONG,
    )


def _server_id(found: str) -> ServerCheck:
    right, why = found not in ("", "0", OURS), f"{OURS} is capture's own id as a replication client"
    mend = _set("server_id", "223344")
    return point(PART, "server_id", found, f"neither 0 nor {OURS}", right, why=why, where=SQL, mend=mend)


def _packet(found: str) -> ServerCheck:
    right, mend = int(found or 0) >= PACKET, _set("max_allowed_packet", str(PACKET))
    why, wanted = "a row with its before may have 8 MB", f"{PACKET} or more"
    return point(PART, "max_allowed_packet", found, wanted, right, why=why, where=SQL, mend=mend)


def _filters(found: str, database: str) -> ServerCheck:
    mend = f"# {found}: without what keeps {database} out"
    why, wanted = "what is filtered never reaches a group", "none"
    return point(PART, "binlog filters", found or "none", wanted, not found, why=why, where=FILE, mend=mend)


def _tls(facts: DatabaseFacts, own_tls: bool) -> ServerCheck:
    asked = facts.variables.get("require_secure_transport", "OFF").upper() == "ON"
    return point(
        PART,
        "TLS",
        "required" if asked else "not required",
        "TIMELOOM_DATABASE_SSL_CA where it is required",
        own_tls or not asked,
        why="capture asks for TLS only when it is told whom to trust",
        where=HERE,
        mend="export TIMELOOM_DATABASE_SSL_CA=/path/to/ca.pem",
    )


def _charset(found: str | None, database: str) -> ServerCheck:
    make = "CREATE DATABASE" if found is None else "ALTER DATABASE"
    mend = f"{make} `{database}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"
    shown, wanted = found or "not there yet", "utf8mb4 utf8mb4_bin"
    why = "words compare byte for byte; where it isn't there, `prepare` makes it too"
    return point(PART, f"database {database}", shown, wanted, found == wanted, why=why, where=SQL, mend=mend)


def _grants(facts: DatabaseFacts, wanted: Sequence[Grant]) -> list[ServerCheck]:
    """A check for each user. What the asking user may not see is reported as hidden, not as missing."""
    return [_user(facts, user, [one for one in wanted if one[0] == user]) for user in sorted({g[0] for g in wanted})]


def _user(facts: DatabaseFacts, user: str, wanted: list[Grant]) -> ServerCheck:
    present = facts.grants.get(user)
    lacking = [one for one in wanted if not _granted(one, present or ())]
    what, least = f"user {user}", "with the least that it needs"
    if user in facts.hidden_users:
        why = "the user that asks may not read mysql.user"
        return point(PART, what, "can't be seen", least, False, why=why, where="", mend=(), level=CheckLevel.BETTER)
    if present is None or facts.charset is None:
        why, found = "`prepare` makes it, and the tables first", "not there yet" if present is None else "no tables yet"
        return point(PART, what, found, least, False, why=why, where=HERE, mend="./timeloom prepare")
    found = f"{len(lacking)} grants missing" if lacking else "has its grants"
    mend = tuple(_statement(one) for one in lacking)
    return point(PART, what, found, least, not lacking, why="`prepare` gives them too", where=SQL, mend=mend)


def read_grant(statement: str) -> Grant:
    """A GRANT as the server prints it, or as we write it. Column lists, roles and passwords are of no interest here."""
    found = re.match(r"GRANT (.+) ON (\S+) TO [`']?([^`'@]+)", statement)
    if found is None:
        return "", "", frozenset()
    privileges = re.sub(r"\([^)]*\)", "", found[1])
    return found[3], found[2].replace("`", ""), frozenset(one.strip().upper() for one in privileges.split(","))


def _granted(wanted: Grant, present: Sequence[str]) -> bool:
    """A privilege counts if it is granted for the table, its database or everything."""
    _user, on, may = wanted
    scopes = {on, "*.*", f"{on.split('.')[0]}.*"}
    has: set[str] = set()
    for _, scope, privileges in map(read_grant, present):
        if scope in scopes:
            has |= privileges
    return "ALL PRIVILEGES" in has or may <= {NEWER.get(one, one) for one in has}


NEWER = {"REPLICATION CLIENT": "BINLOG MONITOR"}
"""Two names of one privilege."""


def _statement(grant: Grant) -> str:
    user, on, may = grant
    database, table = on.split(".")
    named = on if on == "*.*" else f"`{database}`.{table if table == '*' else f'`{table}`'}"
    return f"GRANT {', '.join(sorted(may))} ON {named} TO '{user}'@'%';"
