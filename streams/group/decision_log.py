"""One log line for each decision, with the binlog position that it began at as its trace id.

A line is about one timekeeper, named by numbers; nobody's words are in it. Find a change again by its position:

    ./timeloom stack logs group | grep mariadb-bin.000002:1234
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from time import time

import msgspec
import structlog

from schemas.dead_letters import decode_dead_letter
from schemas.groups import PublishedGroup, decode_published
from schemas.keys import GroupKey, OriginKey, Scope, decode_groups_key, decode_key
from schemas.records import ConsumerRecord, ProducerRecord
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import DEAD_LETTERS, GROUPS
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.traces import NAMED, trace_of_change

log = structlog.get_logger("group")


class _Owner(msgspec.Struct):
    firm_id: int
    timekeeper_id: int


_owner = msgspec.json.Decoder(_Owner)


class _Decided(msgspec.Struct):
    """What a batch was for one timekeeper: its changes, and what was said of it."""

    changes: list[ConsumerRecord] = msgspec.field(default_factory=list)
    said: list[int] = msgspec.field(default_factory=list)
    gone: list[int] = msgspec.field(default_factory=list)


def tell_decisions(records: Sequence[ConsumerRecord], outgoing: Iterable[ProducerRecord]) -> None:
    """Counts and logs what `group` decided on these changes, once it is on the broker."""
    decided: dict[Scope, _Decided] = defaultdict(_Decided)
    for record in records:
        if (scope := _scope(record)) is not None:
            decided[scope].changes.append(record)
    newest: bytes | None = None
    for one in outgoing:
        if one.topic == DEAD_LETTERS.name:
            _tell_letter(one, records)
        elif one.topic == GROUPS.name and isinstance(key := decode_groups_key(one.key), GroupKey):
            scope = Scope(key.firm, key.timekeeper)
            (decided[scope].gone if one.value is None else decided[scope].said).append(key.group)
            newest = one.value or newest
    for scope, what in decided.items():
        _tell(scope, what)
    if records and newest is not None:
        _time(newest)


def _scope(record: ConsumerRecord) -> Scope | None:
    """Whose change it is, by its key; None where that tells nobody, which is for a dead letter to say."""
    try:
        owner = _owner.decode(record.key or b"")
    except JSON_ERRORS:
        return None
    return Scope(owner.firm_id, owner.timekeeper_id)


def _tell(scope: Scope, what: _Decided) -> None:
    metrics.GROUPS_SAID.labels("value").inc(len(what.said))
    metrics.GROUPS_SAID.labels("tombstone").inc(len(what.gone))
    if not what.changes:
        return  # read back: its owner tells how many it said anew
    first, last = what.changes[0], what.changes[-1]
    log.info(
        "decided",
        trace=trace_of_change(last),
        since=trace_of_change(first),
        firm=scope.firm,
        timekeeper=scope.timekeeper,
        partition=last.partition,
        offsets=[first.offset, last.offset],
        changes=len(what.changes),
        said=len(what.said),
        gone=len(what.gone),
        groups=[*what.said, *what.gone][:NAMED],
    )


def _tell_letter(letter: ProducerRecord, records: Sequence[ConsumerRecord]) -> None:
    if letter.value is None:
        return  # one that is taken back
    value, origin = decode_dead_letter(letter.value), decode_key(letter.key, OriginKey)
    shared_metrics.DEAD_LETTERS.labels(str(value.reason)).inc()
    change = next((one for one in records if one.offset == origin.offset), None)
    log.error(
        "dead_letter",
        trace=trace_of_change(change) if change else None,
        origin=list(msgspec.structs.astuple(origin)),
        reason=str(value.reason),
        table=value.table,
        row=value.row,
    )


def _time(newest: bytes) -> None:
    """How long it took from the commit; a group that was decided without a change says no time."""
    said = decode_published(newest)
    if isinstance(said, PublishedGroup) and said.lineage.committed_ms:
        metrics.COMMIT_SECONDS.observe(max(0.0, time() - said.lineage.committed_ms / 1000))
