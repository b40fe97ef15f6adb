"""Records as they are read from a topic and as they are to be written, before and after their bytes mean anything."""

import msgspec


class ConsumerRecord(msgspec.Struct, frozen=True):
    """One record as it is on a topic. `value` None is a tombstone. `written_ms` is when, since 1970; 0 is unknown."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0


class ProducerRecord(msgspec.Struct, frozen=True):
    """A record to write. `partition` is explicit: a group goes to the partition its change came from."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
