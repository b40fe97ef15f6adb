"""What is known of servers that somebody has, and what is said about each point: right, wrong, or could be better."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class CheckLevel(StrEnum):
    """`WRONG`: Timeloom doesn't work, or could lose something. `BETTER`: it works, and one should know."""

    RIGHT = "right"
    BETTER = "better"
    WRONG = "wrong"


class ServerCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One point. `mend` lines are ready to paste at the place that `where` names; empty where nothing is to be done."""

    part: str
    what: str
    found: str
    wanted: str
    level: CheckLevel = CheckLevel.RIGHT
    why: str = ""
    where: str = ""
    mend: tuple[str, ...] = ()


class DatabaseFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A MariaDB as it answered. `grants`: a user's, as the server prints them; None where there is no such user.

    `unseen` names what the asking user may not see. `charset` is the database's; None where there is none yet.
    """

    version: str
    variables: Mapping[str, str]
    grants: Mapping[str, tuple[str, ...] | None] = {}
    charset: str | None = None
    binlog_filters: str = ""
    hidden_users: tuple[str, ...] = ()


class ConnectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka Connect as it answered. `plugin`: the version of the connector that capture needs; None without it.

    `exactly_once`: what it says against exactly-once; empty where nothing.
    """

    version: str
    plugin: str | None
    exactly_once: str = ""


class TopicFacts(msgspec.Struct, frozen=True):
    """A topic as it is."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


class ClusterFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka as it answered; `settings` are one broker's. Topics that aren't there are left out."""

    brokers: int
    settings: Mapping[str, str]
    topics: Mapping[str, TopicFacts]
