"""What a consumer whose place is kept elsewhere holds of several partitions: fairly, bounded, only what is its own."""

from collections.abc import Iterator
from itertools import count

import pytest
from confluent_kafka import Producer

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.consumers import external_offsets_consumer
from connectors.kafka.consumers.external_offsets_consumer import AHEAD, ExternalOffsetsConsumer
from streams.settings import Settings
from tests.programs import eventually
from tests.topics import create_topic

pytestmark = pytest.mark.stack
VALUE = b"x" * 1_000
_names = count(1)


class Topic:
    """A topic of the test's own with two partitions, and who reads it: the places are kept here."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.name = cluster, f"placed-{next(_names)}"
        self.admin = create_topic(cluster, self.name, 2)
        self._producer = Producer(cluster.client())
        self.kept = {0: 0, 1: 0}
        self._readers: list[ExternalOffsetsConsumer] = []

    def write(self, partition: int, records: int) -> None:
        for _ in range(records):
            self._producer.produce(self.name, VALUE, partition=partition)
            self._producer.poll(0)
        assert self._producer.flush(30) == 0

    def reader(self) -> ExternalOffsetsConsumer:
        self._readers.append(ExternalOffsetsConsumer(self.cluster, self.name, self.name, self.kept.__getitem__))
        return self._readers[-1]

    def keep(self, consumer: ExternalOffsetsConsumer, partition: int, most: int) -> list[int]:
        """The offsets of the next records, which are done."""
        offsets = [record.offset for record in consumer.next(partition, most)]
        if offsets:
            self.kept[partition] = offsets[-1] + 1
            consumer.advance(partition, self.kept[partition])
        return offsets

    def close(self) -> None:
        for consumer in self._readers:
            consumer.close()
        self.admin.delete_topics([self.name])[self.name].result()


@pytest.fixture
def topic(settings: Settings) -> Iterator[Topic]:
    topic = Topic(settings.kafka())
    yield topic
    topic.close()


def test_a_partition_that_is_far_behind_has_another_wait_for_no_more_than_was_fetched(topic: Topic) -> None:
    topic.write(0, 20_000)
    consumer, before = topic.reader(), 0

    def behind() -> int:
        nonlocal before
        consumer.gather(100, 0.1, 0.2)
        before += len(topic.keep(consumer, 0, 100))
        return before

    # Meanwhile the library fetches as far ahead as it will.
    eventually(lambda: behind() >= 2_000, what="the backlog is being read")
    topic.write(1, 1)
    until = before

    def came() -> bool:
        behind()
        return 1 in consumer.waiting

    eventually(came, what="the other partition's record comes")
    # What the library had fetched, one more fetch of at most a megabyte, and what is taken in until it is looked.
    assert before - until <= AHEAD + 1_048_576 // len(VALUE) + 1_000


def test_no_more_bytes_are_held_than_allowed_and_one_fetch(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_offsets_consumer, "HELD_BYTES", 200 * len(VALUE))
    topic.write(0, 5_000)
    consumer = topic.reader()
    came: list[int] = []

    def all_came() -> bool:
        consumer.gather(100, 0.1, 0.2)
        held = consumer.next(0, 5_000)
        assert len(held) <= 200 + 100
        came.extend(record.offset for record in held)
        return len(came) >= 5_000

    eventually(all_came, what="all come")
    assert came == list(range(5_000))


def test_what_is_held_goes_with_its_partition_and_comes_back_with_it_once(topic: Topic) -> None:
    """Another takes a partition, does a part of it and leaves: it goes on behind that part."""
    for partition in (0, 1):
        topic.write(partition, 10)
    first = topic.reader()

    def both() -> bool:
        first.gather(100, 0.1, 0.5)
        return first.waiting == [0, 1] or first.waiting == [1, 0]

    eventually(both, what="it holds records of both")
    assert topic.keep(first, 0, 1) == topic.keep(first, 1, 1) == [0]
    second = topic.reader()

    def shared() -> list[int]:
        first.gather(100, 0.05)
        second.gather(100, 0.05)
        return second.waiting if len(first.offsets) == 1 else []

    eventually(shared, what="each has one")
    (theirs,) = second.waiting
    assert theirs not in first.waiting, "what it held went with its partition"
    done: list[int] = []

    def three() -> bool:
        second.gather(100, 0.05)
        done.extend(topic.keep(second, theirs, 3 - len(done)))
        return len(done) == 3

    eventually(three, what="it does three")
    assert done == [1, 2, 3]
    second.close()
    topic._readers.remove(second)
    eventually(both, what="it holds records of both again")
    rest: dict[int, list[int]] = {0: [], 1: []}

    def all_done() -> bool:
        first.gather(100, 0.05)
        for partition in rest:
            rest[partition] += topic.keep(first, partition, 100)
        return sum(map(len, rest.values())) >= 6 + 9

    eventually(all_done, what="the first does what is left")
    assert rest == {theirs: [4, 5, 6, 7, 8, 9], 1 - theirs: [1, 2, 3, 4, 5, 6, 7, 8, 9]}
