"""What was said on `groups` about a partition's timekeepers, and what is to be said when a decision differs from it."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from processors.partition.producer_records import group_record
from schemas.groups import Group, Lineage, PublishedGroup, decode_published, encode_group, encode_published
from schemas.keys import MarkKey, Scope, decode_groups_key
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.row_decoders import JSON_ERRORS


class Memory:
    """A digest of each group's last said value, by scope and name."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._said: dict[Scope, dict[int, bytes]] = {}

    def remember(self, record: ConsumerRecord) -> None:
        """Takes in one record of `groups`: the only memory of what was said.

        What no worker of ours wrote is passed over where its key names no group (`bill` dead-letters it), and is said
        anew, or taken back, where it does.
        """
        try:
            key = decode_groups_key(record.key or b"")
        except JSON_ERRORS:
            return
        if isinstance(key, MarkKey):
            return
        said = self._said.setdefault(Scope(key.firm, key.timekeeper), {})
        if record.value is None:
            said.pop(key.group, None)
            return
        said[key.group] = _said_digest(record.value)

    @property
    def scopes(self) -> Iterable[Scope]:
        """Everybody of whom something was said."""
        return self._said.keys()

    def names(self, scope: Scope) -> set[int]:
        """The groups of one timekeeper as they were last said."""
        return set(self._said.get(scope, ()))

    def differences(
        self, scope: Scope, changed: Mapping[int, Group], gone: Iterable[int], lineage: Lineage
    ) -> list[ProducerRecord]:
        """Tombstones for what was said and is gone, upserts for what wasn't said so; remembered as said from now on.

        Where it raises, it has remembered nothing.
        """
        said = self._said.get(scope, {})
        digests = {name: _digest(encode_group(group)) for name, group in changed.items()}
        away = sorted(name for name in gone if name in said)
        new = sorted(name for name, digest in digests.items() if said.get(name) != digest)
        records: list[tuple[int, bytes | None]] = [(name, None) for name in away]
        records += [(name, encode_published(PublishedGroup(changed[name], lineage))) for name in new]
        outgoing = [group_record(self._number, scope, name, value) for name, value in records]
        said = self._said.setdefault(scope, said)
        for name in away:
            del said[name]
        said |= {name: digests[name] for name in new}
        return outgoing


def _said_digest(value: bytes) -> bytes:
    """The digest of a record's group; of what is none, a digest that no group has."""
    try:
        said = decode_published(value)
    except JSON_ERRORS:
        return b""
    return _digest(encode_group(said.group)) if isinstance(said, PublishedGroup) else b""


def _digest(raw: bytes) -> bytes:
    """16 bytes stand for a said value: equal values have equal digests, and nothing else is asked of them."""
    return blake2b(raw, digest_size=16).digest()
