"""What a consumer whose place is kept elsewhere tells Kafka: never more than what was taken, in the end all of it."""

from time import time

import pytest

from connectors.kafka.consumers.commit_history import commits_since
from connectors.kafka.consumers.external_offsets_consumer import ExternalOffsetsConsumer
from schemas.topics import ConsumerRecord
from streams.settings import Settings
from tests.programs import eventually
from tests.topics import TransactionalTopic

pytestmark = pytest.mark.stack


def test_the_end_is_committed_with_the_record_before_it(settings: Settings) -> None:
    """Offsets 0 to 2 are records and 3 the mark, so 4 is the end; were it committed first, 1 would be a step back."""
    topic, since_ms = TransactionalTopic(settings.kafka()), int(time() * 1000)
    topic.commit(3)
    consumer = ExternalOffsetsConsumer(topic.cluster, topic.name, topic.name, lambda partition: 0)

    records: list[ConsumerRecord] = []

    def polled() -> list[ConsumerRecord]:
        consumer.gather(100, 0.1, 1)  # three records and the end: at once
        records.extend(consumer.next(0, 4))
        return records

    def committed() -> list[int]:
        return [one.offset for one in commits_since(topic.cluster, [topic.name], since_ms)]

    try:
        eventually(polled, what="the records come")
        assert [record.offset for record in records] == [0, 1, 2]
        consumer.advance(0, 1)
        eventually(lambda: 1 in committed(), what="it is committed")
        assert committed() == [1]
        consumer.advance(0, 3)
        eventually(lambda: 4 in committed(), what="it is committed")
        assert committed() == [1, 4]
        assert consumer.offsets == {0: 3}
    finally:
        consumer.close()
        topic.admin.delete_topics([topic.name])[topic.name].result()


def test_what_is_held_of_a_partition_that_is_taken_up_again_comes_once(settings: Settings) -> None:
    """After a fence its keeper says where to go on: what was held from before is no part of that."""
    topic = TransactionalTopic(settings.kafka())
    topic.commit(3)
    kept = [0]
    consumer = ExternalOffsetsConsumer(topic.cluster, topic.name, topic.name, lambda partition: kept[0])

    def held() -> list[int]:
        consumer.gather(100, 0.1, 0.5)
        return consumer.waiting

    try:
        eventually(held, what="the records come")
        assert [record.offset for record in consumer.next(0, 2)] == [0, 1], "no more than was asked for"
        assert consumer.waiting == [0]
        kept[0] = 1
        consumer.replace(0)
        assert consumer.waiting == []
        eventually(held, what="the records come again")
        assert [record.offset for record in consumer.next(0, 100)] == [1, 2]
    finally:
        consumer.close()
        topic.admin.delete_topics([topic.name])[topic.name].result()
