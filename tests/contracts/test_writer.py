"""What the broker takes: as much as it likes in one transaction, and single records up to their topic's limit."""

import os

import pytest

from connectors.kafka.records.fenced_writer import FencedWriter
from connectors.kafka.records.partition_log import read_to_end
from schemas.errors import PartitionFenced, StackError
from schemas.topics import MAX_RECORD_BYTES, WORKING_SET, ProducerRecord
from tests.live import Live
from tests.topics import create_topic

pytestmark = pytest.mark.stack
TOPIC = "writer-test"


@pytest.fixture(scope="module", autouse=True)
def topic(live: Live) -> None:
    """A topic with the limits of `working-set`, of which nobody reads."""
    limit = {"max.message.bytes": WORKING_SET.settings["max.message.bytes"]}
    create_topic(live.settings.kafka(), TOPIC, **limit)


def said(live: Live) -> dict[bytes, int]:
    """The keys on the topic, with the sizes of their values; what was committed a moment ago has no end mark yet."""
    return {r.key or b"": len(r.value or b"") for r in read_to_end(live.settings.kafka(), TOPIC, [0], settled=True)}


def test_a_transaction_may_be_much_larger_than_a_record(live: Live) -> None:
    writer = FencedWriter(live.settings.kafka(), "writer-test-many")
    writer.write([ProducerRecord(TOPIC, 0, b"many %d" % n, os.urandom(60_000)) for n in range(300)])
    assert sum(key.startswith(b"many") for key in said(live)) == 300


def test_the_largest_record_that_is_let_through_is_taken(live: Live) -> None:
    """Of bytes that can't be compressed. One that is larger is refused, and nothing of its batch is there."""
    writer = FencedWriter(live.settings.kafka(), "writer-test-large")
    size = MAX_RECORD_BYTES[WORKING_SET.name] - len(b"large")
    writer.write([ProducerRecord(TOPIC, 0, b"large", os.urandom(size))])
    assert said(live)[b"large"] == size
    with pytest.raises(StackError, match="read"):
        writer.write(
            [ProducerRecord(TOPIC, 0, b"beside", b"x"), ProducerRecord(TOPIC, 0, b"larger", os.urandom(size + 10_000))]
        )
    FencedWriter(live.settings.kafka(), "writer-test-large")  # whoever comes next ends what was left open
    assert not {b"beside", b"larger"} & said(live).keys()


def test_whoever_takes_the_name_fences_who_had_it(live: Live) -> None:
    former = FencedWriter(live.settings.kafka(), "writer-test-name")
    former.write([ProducerRecord(TOPIC, 0, b"former", b"1")])
    FencedWriter(live.settings.kafka(), "writer-test-name").write([ProducerRecord(TOPIC, 0, b"former", b"22")])
    with pytest.raises(PartitionFenced):
        former.write([ProducerRecord(TOPIC, 0, b"former", b"333")])
    assert said(live)[b"former"] == 2
