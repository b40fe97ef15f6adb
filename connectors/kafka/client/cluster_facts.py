"""Reads facts about a Kafka cluster; it changes nothing."""

from collections.abc import Iterable

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.connectivity import knock
from schemas.checks import ClusterFacts, TopicFacts
from schemas.errors import StackError

TIMEOUT_S = 10


def read_facts(cluster: Cluster, topics: Iterable[str]) -> ClusterFacts:
    """Reads facts about the brokers and these topics. Raises StackError if they are out of reach or refuse."""
    admin = knock(cluster)
    try:
        known = admin.list_topics(timeout=TIMEOUT_S)
        present = [name for name in topics if name in known.topics and known.topics[name].partitions]
        broker = ConfigResource(ResourceType.BROKER, str(min(known.brokers)))
        settings = _settings(admin, [broker, *(ConfigResource(ResourceType.TOPIC, name) for name in present)])
    except KafkaException as error:
        raise StackError(f"Kafka at {cluster} doesn't tell its settings: {error.args[0].str()}.") from error
    found = {}
    for name in present:
        partitions = known.topics[name].partitions
        copies = min(len(one.replicas) for one in partitions.values())
        found[name] = TopicFacts(len(partitions), copies, settings[name])
    return ClusterFacts(brokers=len(known.brokers), settings=settings[broker.name], topics=found)


def _settings(admin: AdminClient, resources: list[ConfigResource]) -> dict[str, dict[str, str]]:
    """Each resource's settings by its name."""
    answers = admin.describe_configs(resources, request_timeout=TIMEOUT_S)
    return {
        one.name: {name: str(entry.value) for name, entry in future.result().items()} for one, future in answers.items()
    }
