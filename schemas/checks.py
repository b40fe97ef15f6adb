"""Checks: of a program's health, and of a user's own servers with the facts that they are about."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

GROUP, BILL, WATCHDOG = "group", "bill", "watchdog"
PROGRAMS = (GROUP, BILL, WATCHDOG)
"""The programs that run as long as the stack does, and answer /healthz, /readyz and /metrics."""


class CheckLevel(StrEnum):
    """`WRONG`: Timeloom doesn't work, or could lose data. `BETTER`: it works, but the user should know of the point."""

    RIGHT = "right"
    BETTER = "better"
    WRONG = "wrong"


class ServerCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One checked point: what was found, what is wanted, and why.

    The lines of `mend` are ready to paste at the place that `where` names. It is empty where nothing is to be done.
    """

    part: str
    what: str
    found: str
    wanted: str
    level: CheckLevel = CheckLevel.RIGHT
    why: str = ""
    where: str = ""
    mend: tuple[str, ...] = ()


class DatabaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a MariaDB server. `grants`: by user, as the server prints them; None where the user doesn't exist.

    `hidden_users` are the users whose grants the asking user may not see. `charset` is the database's; None where the
    database doesn't exist yet. `binlog_filters` is empty where there are none, or they can't be seen.
    """

    version: str
    variables: Mapping[str, str]
    grants: Mapping[str, tuple[str, ...] | None] = {}
    charset: str | None = None
    binlog_filters: str = ""
    hidden_users: tuple[str, ...] = ()


class ConnectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a Kafka Connect. `plugin` is the version of the connector for capture; None where it is absent.

    `exactly_once` is Connect's objection to exactly-once delivery; empty where it has none.
    """

    version: str
    plugin: str | None
    exactly_once: str = ""


class TopicFacts(msgspec.Struct, frozen=True):
    """A topic as it is on the broker: partitions, replication factor, and settings by name."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


class ClusterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a Kafka cluster. `settings` are those of one broker. Topics that don't exist are left out."""

    brokers: int
    settings: Mapping[str, str]
    topics: Mapping[str, TopicFacts]


class HealthCheck(msgspec.Struct, frozen=True):
    """One health check. `said` is what it found; `mend` is what to do where it failed, and empty where it passed."""

    name: str
    well: bool
    said: str
    mend: str = ""


class Health(msgspec.Struct, frozen=True):
    """A program's answer. It is well where every check is. It never contains words of people."""

    program: str
    well: bool
    checks: tuple[HealthCheck, ...]

    @property
    def problems(self) -> str:
        """The failed checks and what to do about them, in one line; empty where all is well."""
        return " ".join(f"{check.name}: {check.said}. {check.mend}".strip() for check in self.checks if not check.well)


def encode_health(health: Health) -> bytes:
    """Returns the body of the answer."""
    return msgspec.json.encode(health)


def decode_health(raw: bytes) -> Health:
    """Decodes an answer's body.

    Raises msgspec.DecodeError or ValidationError on bytes that no program of ours wrote.
    """
    return msgspec.json.decode(raw, type=Health)
