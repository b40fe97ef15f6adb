"""What a consumer hasn't read yet, on a real broker: exact where transactions leave marks and aborted data behind."""

from collections.abc import Iterator
from time import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers.commit_history import commits_since, decode_commit
from connectors.kafka.consumers.consumer_groups import consumer_groups
from connectors.kafka.progress.unread import Unread, partitions_of, unread
from schemas.errors import StackError
from streams.settings import Settings
from tests.topics import TransactionalTopic

pytestmark = pytest.mark.stack


@pytest.fixture
def topic(settings: Settings) -> Iterator[TransactionalTopic]:
    topic = TransactionalTopic(settings.kafka())
    yield topic
    topic.admin.delete_topics([topic.name])[topic.name].result()


def test_an_empty_topic_has_nothing_to_read(topic: TransactionalTopic) -> None:
    for place in (None, 0):
        seen = topic.from_(place)
        assert (seen.begin, seen.end, seen.next, seen.offsets, seen.missing) == (0, 0, None, 0, False)


def test_behind_the_last_record_the_end_mark_is_nothing_to_read(topic: TransactionalTopic) -> None:
    topic.commit(3)  # 0, 1, 2, and the mark at 3
    assert topic.from_(3) == Unread(begin=0, end=4)
    assert topic.from_(4) == Unread(begin=0, end=4)


def test_aborted_records_are_nothing_to_read(topic: TransactionalTopic) -> None:
    topic.commit(2)  # 0, 1, mark 2
    topic.abort(50)  # 3 to 52, mark 53
    topic.abort(1)  # 54, mark 55
    assert topic.from_(2) == Unread(begin=0, end=56)
    assert topic.from_(2).offsets == 0
    topic.commit(1)  # 56, mark 57
    seen = topic.from_(2)
    assert (seen.next, seen.offsets) == (56, 2)


def test_the_oldest_unread_record_tells_since_when(topic: TransactionalTopic) -> None:
    before = time() * 1000
    topic.commit(1)  # 0, mark 1
    between = time() * 1000
    topic.commit(1)  # 2, mark 3
    first, second = topic.from_(None), topic.from_(1)
    assert (first.next, second.next) == (0, 2)
    assert first.since_ms is not None
    assert second.since_ms is not None
    assert before - 1 <= first.since_ms <= between + 1 <= second.since_ms + 2


def test_a_transaction_under_way_is_nothing_to_read_yet(topic: TransactionalTopic) -> None:
    topic.commit(1)  # 0, mark 1
    topic.open(5)
    assert topic.from_(1) == Unread(begin=0, end=2)
    # A reader of uncommitted records is further, and that is no wrong place.
    assert topic.from_(7) == Unread(begin=0, end=2)


def test_a_place_behind_the_end_is_missing_and_one_before_the_beginning_begins_there(topic: TransactionalTopic) -> None:
    topic.commit(4)
    assert topic.from_(6).missing
    gone = {TopicPartition(topic.name, 0, 2): None}
    for future in topic.admin.delete_records(list(gone)).values():
        future.result()
    seen = topic.from_(0)
    assert (seen.begin, seen.next, seen.missing) == (2, 2, False)


@pytest.mark.parametrize("group", ["a", "unread test", "gruppe-größe-😀"])
def test_commits_are_found_in_the_brokers_own_topic(topic: TransactionalTopic, group: str) -> None:
    """Whichever of its partitions a group's name leads to: so the hash is Kafka's."""
    topic.commit(5)
    consumer = Consumer({**topic.cluster.client(), "group.id": group, "enable.auto.commit": False})
    since_ms = int(time() * 1000) - 1
    for offset in (1, 4, 2):
        consumer.commit(offsets=[TopicPartition(topic.name, 0, offset)], asynchronous=False)
    consumer.close()
    found = [one for one in commits_since(topic.cluster, [group], since_ms) if one.topic == topic.name]
    assert [(one.group, one.partition, one.offset) for one in found] == [(group, 0, 1), (group, 0, 4), (group, 0, 2)]
    assert all(since_ms <= one.at_ms <= time() * 1000 + 1 for one in found)
    assert commits_since(topic.cluster, [group], int(time() * 1000) + 60_000) == []
    (seen,) = consumer_groups(topic.cluster, [group])
    assert (seen.state, seen.active, seen.members, seen.committed) == ("EMPTY", False, (), {(topic.name, 0): 2})


def test_other_records_of_that_topic_are_no_commits() -> None:
    """A group's members (key version 2), a commit that is forgotten, a record without a key."""
    key = bytes.fromhex("0001 0001 67 0001 74 00000005".replace(" ", ""))
    value = bytes.fromhex("0003 000000000000002a ffffffff 0000 0000000000000001".replace(" ", ""))
    commit = decode_commit(key, value, 7)
    assert commit is not None
    assert (commit.group, commit.topic, commit.partition, commit.offset, commit.at_ms) == ("g", "t", 5, 42, 7)
    assert decode_commit(b"\x00\x02" + key[2:], value, 7) is None
    assert decode_commit(key, None, 7) is None
    assert decode_commit(None, value, 7) is None


def test_a_topic_that_is_not_there_has_no_partitions(topic: TransactionalTopic) -> None:
    assert partitions_of(topic.cluster, [topic.name, "never-made"]) == {topic.name: 1}


def test_a_group_that_never_was_is_dead(topic: TransactionalTopic) -> None:
    (seen,) = consumer_groups(topic.cluster, ["never-was"])
    assert (seen.state, seen.active, seen.committed) == ("DEAD", False, {})


def test_a_broker_that_is_not_there_is_told() -> None:
    nowhere = Cluster("127.0.0.1:1")
    with pytest.raises(StackError, match=r"Nobody listens at 127\.0\.0\.1:1 "):
        consumer_groups(nowhere, ["g"])
    with pytest.raises(StackError, match=r"Nobody listens at 127\.0\.0\.1:1 "):
        unread(nowhere, {("t", 0): 0})
