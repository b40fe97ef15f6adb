"""Consumer groups as the broker knows them: their members and committed offsets; and committing for an empty group."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.client.connectivity import knock
from schemas.errors import StackError

TIMEOUT_S = 10.0
"""A broker that listens answers in milliseconds, and on a machine that is at its end in seconds."""

CONNECTS_S = 1.0

EMPTY = ("EMPTY", "DEAD", "UNKNOWN")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A live member of a group: its client id, its host, and its partitions."""

    client: str
    host: str
    partitions: tuple[tuple[str, int], ...] = ()


class ConsumerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group now. `state` is Kafka's: STABLE, EMPTY, DEAD (never was), or a rebalance."""

    name: str
    state: str
    members: tuple[Member, ...]
    committed: dict[tuple[str, int], int]

    @property
    def active(self) -> bool:
        """Whether the group has members, or is about to."""
        return self.state not in EMPTY

    @property
    def owners(self) -> dict[tuple[str, int], Member]:
        """The owner of each partition; none while the group rebalances."""
        return {one: member for member in self.members for one in member.partitions}


def admin(cluster: Cluster) -> AdminClient:
    """An admin client for reading. It logs nothing, since errors are raised. Raises StackError if it isn't let in."""
    check_listens(cluster)
    return knock(cluster, TIMEOUT_S)


def check_listens(cluster: Cluster) -> None:
    """Raises StackError if no broker listens: the kernel knows at once, while the library would go on trying."""
    refused = ""
    for address in cluster.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECTS_S).close()
            return
        except OSError as error:
            refused = str(error)
    raise StackError(
        f"Nobody listens at {cluster} ({refused}). See `./timeloom stack status`; bring it up: ./timeloom stack up"
    )


def consumer_groups(cluster: Cluster, names: Iterable[str]) -> list[ConsumerGroup]:
    """Reads these groups. Raises StackError if the broker doesn't answer."""
    client = admin(cluster)
    try:
        asked = client.describe_consumer_groups(list(names), request_timeout=TIMEOUT_S)
        return [_group(client, name, future.result()) for name, future in asked.items()]
    except KafkaException as error:
        raise unanswered(cluster, error) from error


def unanswered(cluster: Cluster, error: KafkaException) -> StackError:
    """The error for a broker that gave no answer."""
    return StackError(
        f"The broker at {cluster} doesn't answer, or not this: {error.args[0].str()}. See `./timeloom stack status`; "
        "bring it up, with its topics: ./timeloom stack up"
    )


def _group(client: AdminClient, name: str, described: Any) -> ConsumerGroup:
    request = [ConsumerGroupTopicPartitions(name)]
    listed = client.list_consumer_group_offsets(request, request_timeout=TIMEOUT_S)[name].result()
    return ConsumerGroup(
        name=name,
        state=described.state.name,
        members=tuple(
            Member(client=m.client_id, host=m.host.lstrip("/"), partitions=_named(m.assignment.topic_partitions))
            for m in described.members
        ),
        committed={(one.topic, one.partition): one.offset for one in listed.topic_partitions if one.offset >= 0},
    )


def _named(partitions: Sequence[TopicPartition]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((one.topic, one.partition) for one in partitions))


def commit_for(cluster: Cluster, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Commits these offsets (the next to read) for a group without members, and reads them back.

    Raises StackError if the broker refuses, or has others afterwards.
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
