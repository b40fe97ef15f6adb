"""Remembers what is published on `groups` about a partition's timekeepers, and finds the differences to publish."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from processors.partition.producer_records import group_record
from schemas.groups import Group, Lineage, PublishedGroup, decode_published, encode_group, encode_published
from schemas.keys import MarkKey, Scope, decode_groups_key
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import ConsumerRecord, ProducerRecord


class PublishedState:
    """A digest of each group's last published value, by timekeeper and name."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._digests: dict[Scope, dict[int, bytes]] = {}

    def restore(self, record: ConsumerRecord) -> None:
        """Restores one record of `groups`, the only memory of what is published.

        A record that no worker of ours wrote is ignored where its key names no group (`bill` makes it a dead letter).
        Otherwise its group is published again, or deleted.
        """
        try:
            key = decode_groups_key(record.key or b"")
        except JSON_ERRORS:
            return
        if isinstance(key, MarkKey):
            return
        published = self._digests.setdefault(Scope(key.firm, key.timekeeper), {})
        if record.value is None:
            published.pop(key.group, None)
            return
        published[key.group] = _published_digest(record.value)

    @property
    def scopes(self) -> Iterable[Scope]:
        """All timekeepers with a published group."""
        return self._digests.keys()

    def names(self, scope: Scope) -> set[int]:
        """Returns the names of a timekeeper's published groups."""
        return set(self._digests.get(scope, ()))

    def differences(
        self, scope: Scope, changed: Mapping[int, Group], gone: Iterable[int], lineage: Lineage
    ) -> list[ProducerRecord]:
        """Returns tombstones for published groups that are gone, and upserts for values that differ from the published
        ones.

        From now on these count as published. Where it raises, none of them does.
        """
        published = self._digests.get(scope, {})
        digests = {name: _digest(encode_group(group)) for name, group in changed.items()}
        away = sorted(name for name in gone if name in published)
        new = sorted(name for name, digest in digests.items() if published.get(name) != digest)
        records: list[tuple[int, bytes | None]] = [(name, None) for name in away]
        records += [(name, encode_published(PublishedGroup(changed[name], lineage))) for name in new]
        outgoing = [group_record(self._number, scope, name, value) for name, value in records]
        published = self._digests.setdefault(scope, published)
        for name in away:
            del published[name]
        published |= {name: digests[name] for name in new}
        return outgoing


def _published_digest(value: bytes) -> bytes:
    """Returns the digest of a record's group. For a record without a group, one that no group has."""
    try:
        published = decode_published(value)
    except JSON_ERRORS:
        return b""
    return _digest(encode_group(published.group)) if isinstance(published, PublishedGroup) else b""


def _digest(raw: bytes) -> bytes:
    """Returns 16 bytes that stand for a published value. Equal values have equal digests; nothing else is needed."""
    return blake2b(raw, digest_size=16).digest()
