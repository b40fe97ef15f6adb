"""Capture on the real stack: what must be kept is refused otherwise, changes are shown, snapshots say nothing new."""

import json
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from sqlalchemy import text

from connectors.debezium.connector import Connect, Target, configuration
from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.topic_admin import ensure_topics
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.server.engine import connect
from connectors.mariadb.server.migrate import migrate
from connectors.mariadb.server.users import Passwords
from schemas.errors import TopicMismatch
from schemas.keys import Scope, decode_groups_key
from schemas.topics import CHANGES, PARTITIONS, TOPICS, ConsumerRecord
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack


def set_retention(cluster: Cluster, topic: str, milliseconds: str) -> None:
    admin = AdminClient(cluster.client())
    entry = ConfigEntry("retention.ms", milliseconds, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()

    def told() -> str | None:
        """What the broker says now: it takes a setting in a moment after it has promised it."""
        (found,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return str(found.result()["retention.ms"].value)

    eventually(lambda: told() == milliseconds, what=f"{topic} has its retention")


@pytest.fixture
def restored(live: Live) -> Iterator[None]:
    yield
    for topic in ("changes", "schema-history"):
        set_retention(live.settings.kafka(), topic, "-1")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("topic", ["changes", "schema-history"])
def test_a_finite_retention_of_what_is_kept_for_ever_is_refused(live: Live, topic: str) -> None:
    set_retention(live.settings.kafka(), topic, "604800000")
    with pytest.raises(TopicMismatch, match=rf"{topic}: retention\.ms is 604800000, must be -1"):
        ensure_topics(live.settings.kafka(), TOPICS)


def test_registering_again_changes_nothing_and_a_change_is_shown(live: Live) -> None:
    database = live.settings.mariadb()
    target = Target(
        database_host=database.host,
        database_port=database.port,
        database_password=database.secrets.capture,
        kafka_bootstrap=live.settings.kafka().bootstrap,
        partitions=PARTITIONS,
    )
    capture = Connect(live.settings.connect())
    wanted = configuration(target)
    assert capture.register(wanted) == []
    shown = capture.register({**wanted, "max.batch.size": "1024"})
    assert [msgspec.structs.astuple(one) for one in shown] == [("max.batch.size", "4096", "1024")]
    back = capture.register(wanted)
    assert [msgspec.structs.astuple(one) for one in back] == [("max.batch.size", "1024", "4096")]
    eventually(lambda: capture.state().running)


def test_an_incremental_snapshot_says_every_row_again_and_no_group(live: Live) -> None:
    who = live.timekeeper()
    rows = [live.insert(who, f"Witness statement {n}.docx", minute=n * 7) for n in range(30)]

    def read_again() -> Counter[int]:
        found: Counter[int] = Counter()
        for record in read_to_end(live.settings.kafka(), CHANGES.name, list(range(PARTITIONS))):
            # Other tests put what is no envelope at all into this topic.
            if f'"timekeeper_id":{who.timekeeper},'.encode() not in (record.value or b""):
                continue
            envelope = json.loads(record.value or b"")
            if envelope["op"] == "r" and envelope["after"]["timekeeper_id"] == who.timekeeper:
                found[envelope["after"]["id"]] += 1
        return found

    with running(live.stack.home.path, "group"):
        eventually(lambda: live.groups(who) == live.expected(who))
        before, records = live.groups(who), len(said_of(live, who))
        with live.pipeline.begin() as connection:
            signal = {"type": "incremental", "data-collections": ["timeloom.activity"], "surrogate-key": "id"}
            connection.execute(
                text("INSERT INTO debezium_signal (id, type, data) VALUES (:id, 'execute-snapshot', :data)"),
                {"id": f"test-{who.timekeeper}", "data": json.dumps(signal)},
            )
        eventually(lambda: read_again() == Counter(rows), what="each row is read once more")
        late = live.insert(who, "Witness statement, last.docx", minute=300)
        eventually(lambda: str(late).encode() in b"".join(live.groups(who).values()))
        changed = [record for record in said_of(live, who)[records:] if record.value]
        assert len(changed) <= 2, "the late row's group, and nothing that the snapshot read again"
        assert before.keys() <= live.groups(who).keys()


def said_of(live: Live, who: Scope) -> list[ConsumerRecord]:
    """What was said of a timekeeper, in its order; `group` may have others to catch up with meanwhile."""
    keyed = [(decode_groups_key(record.key or b""), record) for record in live.said()]
    return [record for key, record in keyed if (key.firm, key.timekeeper) == (who.firm, who.timekeeper)]


def test_every_migration_is_ddl_that_capture_can_read(live: Live) -> None:
    """Debezium reads each statement of the binlog, of any database, and stops for ever at one that it can't parse."""
    database = live.settings.mariadb()
    secrets = database.secrets
    other = "timeloom_migrated_under_capture"
    migrate(database.url("admin"), Passwords(secrets.collector, secrets.capture, secrets.pipeline), other)
    who = live.timekeeper()
    words = b"After the migration of another database.docx"
    row = live.insert(who, words.decode())

    def captured() -> bool:
        records = read_to_end(live.settings.kafka(), CHANGES.name, list(range(PARTITIONS)))
        return any(f'"id":{row},'.encode() in (r.value or b"") and words in (r.value or b"") for r in records)

    try:
        eventually(captured, what=str(Connect(live.settings.connect()).state()))
    finally:
        admin = connect(database.url("admin"))
        with admin.begin() as connection:
            connection.execute(text(f"DROP DATABASE {other}"))
        admin.dispose()
