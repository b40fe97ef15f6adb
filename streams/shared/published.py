"""What the topic `groups` says now, folded: groups, and the marks that were passed on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.partition_log import read_to_end
from schemas.groups import PublishedGroup, PublishedMark, decode_published
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import GROUPS, PARTITIONS, ConsumerRecord


class PublishedState(msgspec.Struct):
    """`groups`, folded. `partitions` tells in which partition a timekeeper's records are, `marks` which came by."""

    groups: dict[Scope, dict[int, PublishedGroup]] = msgspec.field(default_factory=lambda: defaultdict(dict))
    partitions: dict[Scope, int] = msgspec.field(default_factory=dict)
    marks: set[int] = msgspec.field(default_factory=set)

    def apply(self, record: ConsumerRecord) -> None:
        """Takes in one record; one that no worker of ours wrote says nothing (`bill` dead-letters it)."""
        try:
            key = decode_groups_key(record.key or b"")
            said = None if record.value is None else decode_published(record.value)
        except JSON_ERRORS:
            return
        scope = Scope(key.firm, key.timekeeper)
        self.partitions[scope] = record.partition
        if isinstance(said, PublishedMark):
            self.marks.add(said.mark.id)
        elif isinstance(key, GroupKey) and isinstance(said, PublishedGroup):
            self.groups[scope][key.group] = said
        elif isinstance(key, GroupKey):
            self.groups[scope].pop(key.group, None)


def read_published(
    cluster: Cluster, before: Mapping[int, int] | None = None, partitions: Iterable[int] = range(PARTITIONS)
) -> PublishedState:
    """What `groups` says; with `before`, what it had said before these offsets (nothing of partitions without one)."""
    said = PublishedState()
    for record in read_to_end(cluster, GROUPS.name, list(partitions)):
        if before is None or record.offset < before.get(record.partition, 0):
            said.apply(record)
    return said
