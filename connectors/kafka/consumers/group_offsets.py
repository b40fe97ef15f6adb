"""Moves what a consumer group has committed. The broker refuses it itself while somebody is in the group."""

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers.consumer_groups import TIMEOUT_S, admin, consumer_groups
from schemas.errors import StackError


def commit_for(cluster: Cluster, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Commits these offsets (the next to read) for a group that nobody is in, and reads them back.

    Raises StackError where the broker refuses, or has others afterwards.
    """
    wanted = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
    request = [ConsumerGroupTopicPartitions(group, wanted)]
    client = admin(cluster)  # kept until the answer is there: without it, it never comes
    try:
        answer = client.alter_consumer_group_offsets(request, request_timeout=TIMEOUT_S)[group].result()
    except KafkaException as error:
        raise StackError(
            f"The broker did not move {group}: {error.args[0].str()}. Has somebody joined it meanwhile? See "
            "`./timeloom ops lag`."
        ) from error
    if refused := [one for one in answer.topic_partitions if one.error]:
        told = "; ".join(f"{one.topic} {one.partition}: {one.error.str()}" for one in refused)
        raise StackError(f"The broker did not move all of {group}: {told}. See `./timeloom ops offsets show`.")
    (now,) = consumer_groups(cluster, [group])
    if wrong := {one: now.committed.get(one) for one, offset in offsets.items() if now.committed.get(one) != offset}:
        raise StackError(f"{group} was moved, and isn't where it was put: {wrong}. Has somebody else moved it too?")
