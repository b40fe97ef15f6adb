"""`stack check`: a server that is right is said to be right, each wrong one is told with what mends it when pasted."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from connectors.mariadb.server.engine import connect, database_url
from connectors.mariadb.server.server_facts import read_database_facts
from connectors.mariadb.server.users import grants
from connectors.stack.install.archives import Fetcher
from connectors.stack.progress import Silent
from connectors.stack.servers import mariadb
from connectors.stack.servers.home import Home, Remembered, first_memory
from connectors.stack.stack import Stack
from processors.server_checks.connect import check_connect
from processors.server_checks.kafka import check_cluster
from processors.server_checks.mariadb import SQL, check_database, read_grant
from schemas.checks import CheckLevel, ClusterFacts, ConnectFacts, DatabaseFacts, ServerCheck, TopicFacts
from schemas.topics import CHANGES, TOPICS
from tests.contracts.test_cli import run
from tests.programs import eventually

ROOT = Path(__file__).parents[2]
SERVER = {
    "log_bin": "ON",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_row_metadata": "FULL",
    "read_only": "OFF",
    "gtid_strict_mode": "ON",
    "sync_binlog": "1",
    "innodb_flush_log_at_trx_commit": "1",
    "time_zone": "+00:00",
    "binlog_expire_logs_seconds": "259200",
    "server_id": "1",
    "max_allowed_packet": "16777216",
}
USERS = ("capture", "collector", "pipeline")
OUR_GRANTS = {user: tuple(one for one in grants("d") if f"TO '{user}'" in one) for user in USERS}
GOOD = DatabaseFacts(version="10.11.6-MariaDB", variables=SERVER, charset="utf8mb4 utf8mb4_bin", grants={**OUR_GRANTS})
TOPICS_THERE = {topic.name: TopicFacts(topic.partitions, 3, topic.settings) for topic in TOPICS}
BROKER = {
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.max.timeout.ms": "900000",
    "group.min.session.timeout.ms": "6000",
    "auto.create.topics.enable": "false",
}
CLUSTER = ClusterFacts(brokers=3, settings=BROKER, topics=TOPICS_THERE)


def not_right(checks: list[ServerCheck]) -> dict[str, ServerCheck]:
    return {one.what: one for one in checks if one.level is not CheckLevel.RIGHT}


def of_database(facts: DatabaseFacts, own_tls: bool = False) -> dict[str, ServerCheck]:
    return not_right(check_database(facts, grants("d"), "d", own_tls))


def of_cluster(facts: ClusterFacts) -> dict[str, ServerCheck]:
    return not_right(check_cluster(facts, TOPICS, 6000))


def test_what_is_right_is_said_to_be_right() -> None:
    assert of_database(GOOD) == {}
    assert of_cluster(CLUSTER) == {}


@pytest.mark.parametrize(
    ("variable", "value", "level", "mend"),
    [
        ("log_bin", "OFF", CheckLevel.WRONG, "log_bin=mariadb-bin"),
        ("binlog_format", "MIXED", CheckLevel.WRONG, "SET GLOBAL binlog_format = 'ROW';"),
        ("binlog_row_image", "MINIMAL", CheckLevel.WRONG, "SET GLOBAL binlog_row_image = 'FULL';"),
        ("binlog_row_metadata", "NO_LOG", CheckLevel.BETTER, "SET GLOBAL binlog_row_metadata = 'FULL';"),
        ("read_only", "ON", CheckLevel.WRONG, "SET GLOBAL read_only = 'OFF';"),
        ("gtid_strict_mode", "OFF", CheckLevel.BETTER, "SET GLOBAL gtid_strict_mode = 'ON';"),
        ("sync_binlog", "0", CheckLevel.BETTER, "SET GLOBAL sync_binlog = 1;"),
        ("innodb_flush_log_at_trx_commit", "2", CheckLevel.BETTER, "SET GLOBAL innodb_flush_log_at_trx_commit = 1;"),
        ("time_zone", "SYSTEM", CheckLevel.BETTER, "SET GLOBAL time_zone = '+00:00';"),
        ("binlog_expire_logs_seconds", "3600", CheckLevel.WRONG, "SET GLOBAL binlog_expire_logs_seconds = 259200;"),
        ("binlog_expire_logs_seconds", "86400", CheckLevel.BETTER, "SET GLOBAL binlog_expire_logs_seconds = 259200;"),
        ("server_id", "7001", CheckLevel.WRONG, "SET GLOBAL server_id = 223344;"),
        ("max_allowed_packet", "1048576", CheckLevel.WRONG, "SET GLOBAL max_allowed_packet = 16777216;"),
    ],
)
def test_a_variable_that_is_not_right_is_told_with_its_mending(
    variable: str, value: str, level: CheckLevel, mend: str
) -> None:
    found = of_database(msgspec.structs.replace(GOOD, variables={**SERVER, variable: value}))
    assert list(found) == [variable]
    assert (found[variable].found, found[variable].level) == (value, level)
    assert found[variable].mend[0].startswith(mend)
    assert found[variable].why


def test_a_binlog_that_is_kept_for_ever_is_right() -> None:
    assert of_database(msgspec.structs.replace(GOOD, variables={**SERVER, "binlog_expire_logs_seconds": "0"})) == {}


@pytest.mark.parametrize("version", ["10.5.20-MariaDB", "8.0.36", "9.4.0-MySQL"])
def test_an_older_server_and_another_kind_are_wrong(version: str) -> None:
    assert list(of_database(msgspec.structs.replace(GOOD, version=version))) == ["version"]


def test_a_server_that_asks_for_tls_needs_our_setting() -> None:
    strict = msgspec.structs.replace(GOOD, variables={**SERVER, "require_secure_transport": "ON"})
    assert list(of_database(strict)) == ["TLS"]
    assert of_database(strict, own_tls=True) == {}


def test_users_that_are_missing_or_can_not_be_seen() -> None:
    nobody = msgspec.structs.replace(GOOD, grants={"capture": None, "pipeline": None}, hidden_users=("collector",))
    found = of_database(nobody)
    assert {what: one.level for what, one in found.items()} == {
        "user capture": CheckLevel.WRONG,
        "user collector": CheckLevel.BETTER,
        "user pipeline": CheckLevel.WRONG,
    }
    assert found["user capture"].mend == ("./timeloom prepare",)


def test_a_missing_grant_is_printed_as_it_is_given() -> None:
    less = tuple(grant for grant in OUR_GRANTS["capture"] if "`mark`" not in grant)
    found = of_database(msgspec.structs.replace(GOOD, grants={**OUR_GRANTS, "capture": less}))
    assert found["user capture"].mend == ("GRANT SELECT ON `d`.`mark` TO 'capture'@'%';",)


@pytest.mark.parametrize(
    "given",
    [
        "GRANT ALL PRIVILEGES ON *.* TO `pipeline`@`%` IDENTIFIED BY PASSWORD '*0' WITH GRANT OPTION",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON `d`.* TO `pipeline`@`%`",
    ],
)
def test_a_wider_grant_is_enough(given: str) -> None:
    assert of_database(msgspec.structs.replace(GOOD, grants={**OUR_GRANTS, "pipeline": (given,)})) == {}


def test_a_grant_is_read_as_the_server_prints_it() -> None:
    printed = "GRANT RELOAD, BINLOG MONITOR ON *.* TO `capture`@`%` IDENTIFIED BY PASSWORD '*0'"
    assert read_grant(printed) == ("capture", "*.*", frozenset({"RELOAD", "BINLOG MONITOR"}))


def test_a_topic_that_is_missing_is_told_as_a_command() -> None:
    found = of_cluster(
        msgspec.structs.replace(CLUSTER, topics={name: one for name, one in TOPICS_THERE.items() if name != "changes"})
    )
    (line,) = found["topic changes"].mend
    assert "--create --topic changes --partitions 16 --replication-factor 3" in line
    assert "--config retention.ms=-1" in line


def test_a_topic_that_forgets_is_wrong() -> None:
    week = TopicFacts(16, 3, {**CHANGES.settings, "retention.ms": "604800000"})
    found = of_cluster(msgspec.structs.replace(CLUSTER, topics={**TOPICS_THERE, "changes": week}))
    assert list(found) == ["changes retention.ms"]
    assert found["changes retention.ms"].mend[0].endswith("--alter --topic changes --add-config retention.ms=-1")


def test_partitions_and_copies_of_a_topic() -> None:
    few = {**TOPICS_THERE, "groups": TopicFacts(4, 3, {}), "changes": TopicFacts(16, 1, CHANGES.settings)}
    found = of_cluster(msgspec.structs.replace(CLUSTER, topics=few))
    assert {what: one.level for what, one in found.items()} == {
        "topic groups": CheckLevel.WRONG,
        "topic changes": CheckLevel.BETTER,
    }


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("offsets.topic.replication.factor", "1"),
        ("transaction.max.timeout.ms", "10000"),
        ("group.min.session.timeout.ms", "10000"),
        ("auto.create.topics.enable", "true"),
    ],
)
def test_a_broker_setting_that_is_not_right(setting: str, value: str) -> None:
    found = of_cluster(msgspec.structs.replace(CLUSTER, settings={**BROKER, setting: value}))
    assert list(found) == [setting]
    assert found[setting].mend[0].startswith(f"{setting}=")


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        (ConnectFacts(version="4.3.1", plugin="3.5.0.Final"), []),
        (ConnectFacts(version="4.3.1", plugin="3.10.1.Final"), []),
        (ConnectFacts(version="4.3.1", plugin=None), ["Debezium for MariaDB"]),
        (ConnectFacts(version="4.3.1", plugin="2.7.4.Final"), ["Debezium for MariaDB"]),
        (ConnectFacts(version="4.3.1", plugin="3.5.0.Final", exactly_once="it is off"), ["exactly-once"]),
    ],
)
def test_connect_has_the_connector_and_exactly_once(facts: ConnectFacts, wrong: list[str]) -> None:
    assert list(not_right(check_connect(facts))) == wrong


@pytest.mark.stack
def test_the_native_stack_is_right(stack: Stack) -> None:
    code, out, err = run("stack", "check", "--json", TIMELOOM_HOME=str(stack.home.path))
    said = json.loads(out)
    assert (code, err, said["unreachable"]) == (0, "", [])
    assert [one["what"] for one in said["checks"] if one["level"] != "right"] == ["brokers"]
    assert {one["part"] for one in said["checks"]} == {"mariadb", "kafka", "connect"}
    assert len(said["checks"]) > 28


@pytest.mark.stack
def test_a_server_that_does_not_answer(stack: Stack) -> None:
    """What can be checked is, and the rest is named."""
    where = stack.addresses()
    url = f"mysql://{where.admin_user}@127.0.0.1:{where.ports.mariadb}/timeloom"
    secret = where.secrets.admin
    code, out, _ = run(
        "stack", "check", "--url", url, "--kafka", "127.0.0.1:9", "--json", TIMELOOM_ADMIN_PASSWORD=secret
    )
    said = json.loads(out)
    assert code == 3
    assert {one["part"] for one in said["checks"]} == {"mariadb"}
    assert "127.0.0.1:9" in said["unreachable"][0]
    assert (
        f"export TIMELOOM_DATABASE_HOST=127.0.0.1 TIMELOOM_DATABASE_PORT={where.ports.mariadb}" in said["environment"]
    )
    assert secret not in out


def test_an_address_that_is_none_is_wrong_usage() -> None:
    code, _, err = run("stack", "check", "--url", "postgres://somewhere")
    assert (code, err) == (2, "timeloom: --url is no address like mysql://USER@HOST:PORT/DATABASE.\n")


@pytest.fixture
def wrong_server(tmp_path: Path) -> Iterator[Remembered]:
    """A MariaDB as it comes: no binlog, and settings of its own."""
    home, memory = Home(tmp_path, ROOT / ".timeloom" / "downloads"), first_memory()
    home.make()
    server = mariadb.ensure_server(home.downloads, Fetcher(), Silent())
    mariadb.write_administrator(home, memory)
    mariadb.initialise(server, home)
    wrong = ["--skip-log-bin", "--binlog-format=MIXED", "--binlog-row-image=MINIMAL", "--server-id=7001"]
    wrong += ["--max-allowed-packet=1M", "--expire-logs-days=0.5", "--default-time-zone=SYSTEM"]
    process = subprocess.Popen([*mariadb.command(server, home, memory), *wrong], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: mariadb.accepts(memory), 30)
        yield memory
    finally:
        process.terminate()
        process.wait(30)


def test_what_is_told_of_a_real_server_mends_it_when_it_is_pasted(wrong_server: Remembered) -> None:
    """All but what only a restart changes, and what `prepare` makes."""
    url = database_url(
        "127.0.0.1", wrong_server.ports.mariadb, wrong_server.admin_user, wrong_server.secrets.admin, "d"
    )
    asked = read_database_facts(url, "d", OUR_GRANTS)
    found = of_database(asked)
    wrong = {what for what, one in found.items() if one.level is CheckLevel.WRONG}
    users = {"user capture", "user collector", "user pipeline"}
    expected = {"log_bin", "binlog_format", "binlog_row_image", "binlog_expire_logs_seconds", "server_id"}
    assert wrong == expected | {"max_allowed_packet", "database d"} | users
    engine = connect(url.set(database="information_schema"))
    with engine.begin() as connection:
        for one in found.values():
            for line in one.mend if one.where == SQL else ():
                connection.execute(text(line.replace(":", "\\:")))
    engine.dispose()
    assert set(of_database(read_database_facts(url, "d", OUR_GRANTS))) == {"log_bin"} | users
