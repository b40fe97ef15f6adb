"""Trace ids: the place in the binlog of the change that a decision began with, as `file:position`."""

import msgspec

from schemas.groups import Lineage
from schemas.records import ConsumerRecord
from schemas.row_decoders import JSON_ERRORS

NAMED = 20
"""Most groups that a log line names; it counts all of them."""


class _Source(msgspec.Struct):
    file: str | None = None
    pos: int = 0


class _Envelope(msgspec.Struct):
    source: _Source


_envelope = msgspec.json.Decoder(_Envelope)


def trace_of(lineage: Lineage) -> str:
    """A decision's trace id. What was decided without a change, as when a partition is read back, has its place in
    `changes` instead.
    """
    return _trace(lineage.file, lineage.pos, lineage.partition, lineage.offset)


def trace_of_change(record: ConsumerRecord) -> str:
    """The trace id of a change that may be anything: its place in `changes` where it tells none in the binlog."""
    try:
        source = _envelope.decode(record.value or b"").source
    except JSON_ERRORS:
        source = _Source()
    return _trace(source.file, source.pos, record.partition, record.offset)


def _trace(file: str | None, pos: int, partition: int, offset: int) -> str:
    return f"{file}:{pos}" if file else f"changes:{partition}:{offset}"
