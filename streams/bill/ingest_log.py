"""Logs one line for each timekeeper of an ingested batch, with the trace id of the decision that it stems from."""

from collections import defaultdict
from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

import structlog

from schemas.groups import Lineage, PublishedMark
from schemas.keys import GroupKey, Scope
from streams.bill import metrics
from streams.telemetry.traces import MAX_LOGGED_GROUPS, trace_id

if TYPE_CHECKING:
    from connectors.mariadb.billing.ingestion import GroupsRecord, IngestResult
    from schemas.topics import ConsumerRecord

log = structlog.get_logger("bill")


def log_ingested(
    partition: int,
    records: Sequence["ConsumerRecord"],
    groups_records: Sequence["GroupsRecord"],
    result: "IngestResult",
) -> None:
    """Counts and logs what a batch caused, once it is committed."""
    metrics.GROUPS_INGESTED.inc(result.groups)
    metrics.ENTRIES_SLICED.inc(result.entries)
    metrics.PERIODS_CLOSED.inc(len(result.closed))
    _observe_age(groups_records)
    by_scope: dict[Scope, list[GroupsRecord]] = defaultdict(list)
    for record in groups_records:
        by_scope[Scope(record.key.firm, record.key.timekeeper)].append(record)
    for scope, scope_records in by_scope.items():
        _log_scope(scope, scope_records)
    # The batch's line has only sums, because a line about several timekeepers names none.
    (log.info if result.marks or result.blocked_by_release else log.debug)(
        "taken",
        partition=partition,
        offsets=[records[0].offset, records[-1].offset],
        groups=result.groups,
        ignored=result.superseded,
        days=result.days,
        entries=result.entries,
        withheld=result.blocked_by_release,
        marks=result.marks,
        closed=result.closed,
        in_doubt=sum(map(len, result.stale.values())),
    )


def _log_scope(scope: Scope, records: Sequence["GroupsRecord"]) -> None:
    """Logs a timekeeper's records, one line for each change at which they were decided. Tombstones carry no lineage and
    are listed in each line.
    """
    by_trace: dict[str, tuple[Lineage, list[int], list[int]]] = {}
    gone = [record.key.group for record in records if record.published is None and isinstance(record.key, GroupKey)]
    for record in records:
        if record.published is not None:
            lineage = record.published.lineage
            _, groups, marks = by_trace.setdefault(trace_id(lineage), (lineage, [], []))
            if isinstance(record.published, PublishedMark):
                marks.append(record.published.mark.id)
            elif isinstance(record.key, GroupKey):
                groups.append(record.key.group)
    if not by_trace:
        log.info("kept", firm=scope.firm, timekeeper=scope.timekeeper, gone=gone[:MAX_LOGGED_GROUPS])
    for trace, (lineage, groups, marks) in by_trace.items():
        log.info(
            "kept",
            trace=trace,
            firm=scope.firm,
            timekeeper=scope.timekeeper,
            changes=[lineage.partition, lineage.offset],
            gtid=lineage.gtid or None,
            groups=groups[:MAX_LOGGED_GROUPS],
            gone=gone[:MAX_LOGGED_GROUPS],
            marks=marks,
        )


def _observe_age(groups_records: Sequence["GroupsRecord"]) -> None:
    committed_ms = max(
        (one.published.lineage.committed_ms for one in groups_records if one.published is not None), default=0
    )
    if committed_ms:
        metrics.NEWEST_CHANGE_TIMESTAMP.set(committed_ms / 1000)
        metrics.CAPTURE_DELAY.set(max(0.0, time() - committed_ms / 1000))
