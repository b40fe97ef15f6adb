"""What Kafka needs: topics that keep their records, and transactions that survive a broker."""

from collections.abc import Iterable, Mapping

from processors.server_checks.check_list import point
from schemas.checks import CheckLevel, ClusterFacts, ServerCheck, TopicFacts
from schemas.topics import Topic

PART = "kafka"
TOOLS = "a machine with Kafka's tools; $BOOTSTRAP is the address"
CONFIGS = "kafka-configs.sh --bootstrap-server $BOOTSTRAP"
FILE = "server.properties of each broker; then restart one after the other"
CONNECT_TRANSACTION_MS = 60_000
COPIES = 3


def check_cluster(facts: ClusterFacts, topics: Iterable[Topic], session_ms: int) -> list[ServerCheck]:
    """Every check of a Kafka. `session_ms` is how long `group` may be silent."""
    copies, settings = min(COPIES, facts.brokers), facts.settings
    return [
        point(
            PART,
            "brokers",
            str(facts.brokers),
            f"{COPIES} or more",
            facts.brokers >= COPIES,
            why="what a single broker loses is lost",
            where="",
            mend=(),
            level=CheckLevel.BETTER,
        ),
        _at_least(settings, "transaction.state.log.replication.factor", copies, "exactly-once hangs on this topic"),
        _at_least(settings, "transaction.state.log.min.isr", min(2, copies), "exactly-once hangs on this topic"),
        _at_least(settings, "offsets.topic.replication.factor", copies, "the consumers' places hang on this topic"),
        _at_least(settings, "transaction.max.timeout.ms", CONNECT_TRANSACTION_MS, "capture asks for that much"),
        _session(settings.get("group.min.session.timeout.ms", ""), session_ms),
        _by_accident(settings.get("auto.create.topics.enable", "")),
        *(check for topic in topics for check in _topic(topic, facts.topics.get(topic.name), copies)),
    ]


def _at_least(settings: Mapping[str, str], name: str, least: int, why: str) -> ServerCheck:
    found = settings.get(name, "")
    right = found.isdigit() and int(found) >= least
    mend = f"{name}={least}"
    return point(PART, name, found or "not told", f"{least} or more", right, why=why, where=FILE, mend=mend)


def _session(found: str, session_ms: int) -> ServerCheck:
    right = found.isdigit() and int(found) <= session_ms
    why, mend = "brokers refuse a shorter session", f"group.min.session.timeout.ms={session_ms}"
    what, wanted = "group.min.session.timeout.ms", f"{session_ms} or less (TIMELOOM_WORKER_SESSION_S)"
    return point(PART, what, found or "not told", wanted, right, why=why, where=FILE, mend=mend)


def _by_accident(found: str) -> ServerCheck:
    why, mend = "a misspelt name becomes a topic that forgets", "auto.create.topics.enable=false"
    what, level = "auto.create.topics.enable", CheckLevel.BETTER
    return point(
        PART, what, found or "not told", "false", found == "false", why=why, where=FILE, mend=mend, level=level
    )


def _topic(topic: Topic, found: TopicFacts | None, copies: int) -> list[ServerCheck]:
    """The checks of a topic: that it exists, its replicas, and each setting that differs from the registry."""
    what, wanted = f"topic {topic.name}", f"partitions {topic.partitions}, copies {copies}"
    if found is None:
        return [
            point(PART, what, "not there yet", wanted, False, why=topic.why, where=TOOLS, mend=_create(topic, copies))
        ]
    there = f"partitions {found.partitions}, copies {found.replication}"
    if found.partitions != topic.partitions:
        why = "partitions are for life: another cluster, or this topic made anew while it is empty"
        return [point(PART, what, there, wanted, False, why=why, where="", mend=())]
    why = "what a broker loses is lost; kafka-reassign-partitions.sh adds copies"
    enough = found.replication >= copies
    checks = [point(PART, what, there, wanted, enough, why=why, where="", mend=(), level=CheckLevel.BETTER)]
    for name, must in topic.settings.items():
        is_now = found.settings.get(name, "not told")
        alter = f"{CONFIGS} --alter --topic {topic.name} --add-config {name}={must}"
        if is_now != must:
            checks.append(
                point(PART, f"{topic.name} {name}", is_now, must, False, why=topic.why, where=TOOLS, mend=alter)
            )
    return checks


def _create(topic: Topic, copies: int) -> str:
    settings = " ".join(f"--config {name}={value}" for name, value in topic.settings.items())
    return (
        f"kafka-topics.sh --bootstrap-server $BOOTSTRAP --create --topic {topic.name} --partitions {topic.partitions} "
        f"--replication-factor {copies} {settings}"
    )
