"""What an owner asks of the topics and counts against a record, where deciding fails: tried without any broker."""

import json
from collections.abc import Iterable, Iterator

import pytest

from connectors.kafka.client.cluster import Cluster
from processors.partition.partition import Partition
from schemas.keys import Scope
from schemas.topics import DEAD_LETTERS, ConsumerRecord, ProducerRecord, partition_of
from streams.group import partition_owner
from streams.group.partition_owner import DecisionTurns, PartitionOwner
from streams.shared.model_store import ModelStore, shipped_model

WHO = next(Scope(1, number) for number in range(1, 999) if partition_of(Scope(1, number)) == 0)


class Topics:
    """What was written, and whether each reading of it waited for the end marks of what was written before."""

    def __init__(self) -> None:
        self.log: list[ProducerRecord] = []
        self.waited: list[bool] = []

    def read(self, _: Cluster, topic: str, __: list[int], *, settled: bool = False) -> Iterator[ConsumerRecord]:
        self.waited.append(settled)
        for offset, one in enumerate(self.log):
            if one.topic == topic:
                yield ConsumerRecord(0, offset, one.key, one.value)

    def keys(self, topic: str) -> list[bytes]:
        return [one.key for one in self.log if one.topic == topic]


class Writer:
    """Stands for the fenced writer where nobody fences."""

    def __init__(self, topics: Topics) -> None:
        self._topics, self.writes = topics, 0

    def write(self, records: Iterable[ProducerRecord]) -> None:
        self._topics.log += records
        self.writes += 1


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    topics = Topics()
    monkeypatch.setattr(partition_owner, "read_to_end", topics.read)
    monkeypatch.setattr(partition_owner, "FencedWriter", lambda *_: Writer(topics))
    return topics


def owner() -> PartitionOwner:
    return PartitionOwner(Cluster("nowhere:1"), 0, ModelStore(), shipped_model().version, DecisionTurns())


def deletion(offset: int) -> ConsumerRecord:
    row = {"id": 5, "firm_id": WHO.firm, "timekeeper_id": WHO.timekeeper}
    envelope = {"op": "d", "before": row, "after": None, "source": {"table": "activity"}}
    return ConsumerRecord(0, offset, None, json.dumps(envelope).encode())


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    absorb, left = Partition.absorb, [error] * times

    def fail(partition: Partition, records: Iterable[ConsumerRecord]) -> list[ProducerRecord]:
        if left:
            raise left.pop()
        return absorb(partition, records)

    monkeypatch.setattr(Partition, "absorb", fail)


def test_after_a_failed_batch_our_own_last_one_is_waited_for(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker answers a commit before its end marks are in the log: a reader that didn't wait would miss it."""
    one = owner()
    assert topics.waited == [False, False], "making the writer has waited"
    one.handle([deletion(1)])
    failing(monkeypatch, ValueError("once"), 1)
    one.handle([deletion(2)])
    assert topics.waited[2:] == [True, True]


def test_a_lack_of_memory_is_no_records_fault(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        failing(monkeypatch, MemoryError(), 1)
        with pytest.raises(MemoryError):
            owner().handle([deletion(1)])
    assert topics.log == []
    failing(monkeypatch, ValueError("once, so that it is tried by itself"), 2)
    with pytest.raises(ValueError, match="once"):
        owner().handle([deletion(1)])
    written = list(topics.log)
    failing(monkeypatch, MemoryError(), 1)
    with pytest.raises(MemoryError):
        owner().handle([deletion(1)])
    assert topics.log == written


def test_after_a_burial_too(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        failing(monkeypatch, ValueError("always"), 2)
        with pytest.raises(ValueError, match="always"):
            owner().handle([deletion(1)])
    failing(monkeypatch, ValueError("always"), 1)
    one = owner()
    topics.waited.clear()
    one.handle([deletion(1)])
    assert topics.keys(DEAD_LETTERS.name) == [b'["changes",0,1]']
    assert topics.waited == [True, True]
