"""Trace ids: the binlog position of the change that a decision began with, as `file:position`."""

import msgspec

from schemas.groups import Lineage
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import ConsumerRecord

MAX_LOGGED_GROUPS = 20
"""Most groups that a log line names; it counts all of them."""


class _Source(msgspec.Struct):
    file: str | None = None
    pos: int = 0


class _Envelope(msgspec.Struct):
    source: _Source


_envelope = msgspec.json.Decoder(_Envelope)


def trace_id(lineage: Lineage) -> str:
    """A decision's trace id. A decision without a change, as after a restore, has its offset in `changes` instead."""
    return _format_trace_id(lineage.file, lineage.pos, lineage.partition, lineage.offset)


def change_trace_id(record: ConsumerRecord) -> str:
    """The trace id of any change: its offset in `changes` if it has no binlog position."""
    try:
        source = _envelope.decode(record.value or b"").source
    except JSON_ERRORS:
        source = _Source()
    return _format_trace_id(source.file, source.pos, record.partition, record.offset)


def _format_trace_id(file: str | None, pos: int, partition: int, offset: int) -> str:
    return f"{file}:{pos}" if file else f"changes:{partition}:{offset}"
