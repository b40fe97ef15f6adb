"""Creates the topics of `schemas.topics`, and refuses a broker on which one has wrong settings."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from connectors.kafka.client.cluster import Cluster
from schemas.errors import StackError, TopicMismatch
from schemas.topics import Topic

TIMEOUT_S = 20


COPIES = 3
"""Of each partition, where there are so many brokers."""


def ensure_topics(cluster: Cluster, topics: Iterable[Topic]) -> list[str]:
    """Creates what is missing, then reads every topic back and checks it. Returns the names that were created."""
    # Below 6: at its end the library tells of its own queues, on the screen of whoever starts the stack.
    admin = AdminClient({**cluster.client(), "socket.timeout.ms": TIMEOUT_S * 1000, "log_level": 5})
    wanted = list(topics)
    created = _create(admin, wanted, min(COPIES, len(admin.list_topics(timeout=TIMEOUT_S).brokers)))
    _told(admin, created)
    check_topics(admin, wanted)
    return created


def _create(admin: AdminClient, topics: list[Topic], replication: int) -> list[str]:
    new = [NewTopic(t.name, t.partitions, replication, config=dict(t.settings)) for t in topics]
    created = []
    for name, future in admin.create_topics(new, operation_timeout=TIMEOUT_S).items():
        try:
            future.result()
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(f"The broker did not create topic {name}: {error.args[0].str()}") from error
    return created


@retry(retry=retry_if_result(bool), stop=stop_after_delay(TIMEOUT_S), wait=wait_fixed(0.05))
def _told(admin: AdminClient, created: list[str]) -> list[str]:
    """Waits until the broker's metadata has every new topic: it confirms the creation before that."""
    known = admin.list_topics(timeout=TIMEOUT_S).topics
    return [name for name in created if name not in known or not known[name].partitions]


def check_topics(admin: AdminClient, topics: list[Topic]) -> None:
    """Raises TopicMismatch naming every difference between the registry and the broker."""
    known = admin.list_topics(timeout=TIMEOUT_S).topics
    resources = [ConfigResource(ResourceType.TOPIC, t.name) for t in topics]
    answers = {r.name: f.result() for r, f in admin.describe_configs(resources).items()}
    wrong = []
    for topic in topics:
        partitions = len(known[topic.name].partitions) if topic.name in known else 0
        if partitions != topic.partitions:
            wrong.append(f"{topic.name}: {partitions} partitions, must be {topic.partitions} (they are for life)")
        for key, must in topic.settings.items():
            found = answers[topic.name][key].value
            if found != must:
                wrong.append(f"{topic.name}: {key} is {found}, must be {must} ({topic.why})")
    if wrong:
        raise TopicMismatch(
            "Topics on the broker are not what Timeloom needs, so nothing was started:\n  "
            + "\n  ".join(wrong)
            + "\nChange them on the broker, or use another cluster. The stack in this folder starts anew, without its "
            "data, with ./timeloom stack reset"
        )
