"""Logs one line for each decision, with the binlog position of the batch's last change as the trace id.

A line is about one timekeeper, named by numbers, and contains no words of activities. Find a change by its position:

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
from schemas.row_decoders import JSON_ERRORS
from schemas.topics import DEAD_LETTERS, GROUPS, ConsumerRecord, ProducerRecord
from streams.group import metrics
from streams.telemetry import metrics as shared_metrics
from streams.telemetry.traces import MAX_LOGGED_GROUPS, change_trace_id

log = structlog.get_logger("group")


class _ChangeKey(msgspec.Struct):
    firm_id: int
    timekeeper_id: int


_change_key = msgspec.json.Decoder(_ChangeKey)


class _DecisionCounts(msgspec.Struct):
    """A timekeeper's part of a batch: the changes, and the groups that were published and deleted."""

    changes: list[ConsumerRecord] = msgspec.field(default_factory=list)
    published: list[int] = msgspec.field(default_factory=list)
    deleted: list[int] = msgspec.field(default_factory=list)


def log_decisions(records: Sequence[ConsumerRecord], outgoing: Iterable[ProducerRecord]) -> None:
    """Counts and logs what `group` decided on these changes. It is called once the broker has the result."""
    decided: dict[Scope, _DecisionCounts] = defaultdict(_DecisionCounts)
    for record in records:
        if (scope := _scope(record)) is not None:
            decided[scope].changes.append(record)
    newest: bytes | None = None
    for one in outgoing:
        if one.topic == DEAD_LETTERS.name:
            _log_dead_letter(one, records)
        elif one.topic == GROUPS.name and isinstance(key := decode_groups_key(one.key), GroupKey):
            scope = Scope(key.firm, key.timekeeper)
            (decided[scope].deleted if one.value is None else decided[scope].published).append(key.group)
            newest = one.value or newest
    for scope, counts in decided.items():
        _log_scope(scope, counts)
    if records and newest is not None:
        _observe_commit_delay(newest)


def _scope(record: ConsumerRecord) -> Scope | None:
    """Returns the timekeeper of a change, from its key.

    None where the key can't be decoded; such a record becomes a dead letter.
    """
    try:
        owner = _change_key.decode(record.key or b"")
    except JSON_ERRORS:
        return None
    return Scope(owner.firm_id, owner.timekeeper_id)


def _log_scope(scope: Scope, counts: _DecisionCounts) -> None:
    metrics.GROUPS_PUBLISHED.labels("value").inc(len(counts.published))
    metrics.GROUPS_PUBLISHED.labels("tombstone").inc(len(counts.deleted))
    if not counts.changes:
        return  # restored or redecided without a change; the owner logs the restore
    first, last = counts.changes[0], counts.changes[-1]
    log.info(
        "decided",
        trace=change_trace_id(last),
        since=change_trace_id(first),
        firm=scope.firm,
        timekeeper=scope.timekeeper,
        partition=last.partition,
        offsets=[first.offset, last.offset],
        changes=len(counts.changes),
        said=len(counts.published),
        gone=len(counts.deleted),
        groups=[*counts.published, *counts.deleted][:MAX_LOGGED_GROUPS],
    )


def _log_dead_letter(record: ProducerRecord, records: Sequence[ConsumerRecord]) -> None:
    if record.value is None:
        return  # a tombstone: the dead letter is resolved
    value, origin = decode_dead_letter(record.value), decode_key(record.key, OriginKey)
    shared_metrics.DEAD_LETTERS.labels(str(value.reason)).inc()
    change = next((one for one in records if one.offset == origin.offset), None)
    log.error(
        "dead_letter",
        trace=change_trace_id(change) if change else None,
        origin=list(msgspec.structs.astuple(origin)),
        reason=str(value.reason),
        table=value.table,
        row=value.row,
    )


def _observe_commit_delay(newest: bytes) -> None:
    """Observes the time since the commit. A group that was decided without a change has no commit time."""
    published = decode_published(newest)
    if isinstance(published, PublishedGroup) and published.lineage.committed_ms:
        metrics.COMMIT_TO_GROUP_SECONDS.observe(max(0.0, time() - published.lineage.committed_ms / 1000))
