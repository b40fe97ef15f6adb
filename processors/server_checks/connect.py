"""What Kafka Connect needs: the connector, and exactly-once support."""

import re

from processors.server_checks.check_list import point
from schemas.checks import ConnectFacts, ServerCheck

PART = "connect"
OLDEST = (3, 5)
FILE = "the properties of each Connect worker; then restart them"


def check_connect(facts: ConnectFacts) -> list[ServerCheck]:
    """Every check of a Kafka Connect."""
    numbers = re.match(r"(\d+)\.(\d+)", facts.plugin or "")
    recent = numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST
    wanted = ".".join(map(str, OLDEST))
    return [
        point(PART, "version", facts.version, "any", True, why="", where="", mend=()),
        point(
            PART,
            "Debezium for MariaDB",
            facts.plugin or "not there",
            f"{wanted} or later",
            recent,
            why="capture is this connector",
            where="the folder that plugin.path names on each Connect worker; then restart them",
            mend=f"# debezium-connector-mariadb {wanted} with everything that it needs, in a folder of its own",
        ),
        point(
            PART,
            "exactly-once",
            facts.exactly_once or "supported",
            "supported",
            not facts.exactly_once,
            why="a crash would double changes",
            where=FILE,
            mend="exactly.once.source.support=enabled",
        ),
    ]
