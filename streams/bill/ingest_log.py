"""One log line for each timekeeper of a batch that `bill` keeps, with the trace id of the decision it stems from."""

from collections import defaultdict
from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

import structlog

from schemas.groups import Lineage, PublishedMark
from schemas.keys import GroupKey, Scope
from streams.bill import metrics
from streams.telemetry.traces import NAMED, trace_of

if TYPE_CHECKING:
    from connectors.mariadb.billing.ingestion import GroupsRecord, IngestResult
    from schemas.records import ConsumerRecord

log = structlog.get_logger("bill")


def tell_kept(
    partition: int, records: Sequence["ConsumerRecord"], decoded: Sequence["GroupsRecord"], taken: "IngestResult"
) -> None:
    """Counts and logs what a batch did, once it is committed."""
    metrics.GROUPS_TAKEN.inc(taken.groups)
    metrics.ENTRIES.inc(taken.entries)
    metrics.PERIODS_CLOSED.inc(len(taken.closed))
    _tell_age(decoded)
    by_scope: dict[Scope, list[GroupsRecord]] = defaultdict(list)
    for record in decoded:
        by_scope[Scope(record.key.firm, record.key.timekeeper)].append(record)
    for scope, theirs in by_scope.items():
        _tell(scope, theirs)
    # Of the batch only sums: a line that is about several timekeepers names none.
    (log.info if taken.marks or taken.blocked_by_release else log.debug)(
        "taken",
        partition=partition,
        offsets=[records[0].offset, records[-1].offset],
        groups=taken.groups,
        ignored=taken.superseded,
        days=taken.days,
        entries=taken.entries,
        withheld=taken.blocked_by_release,
        marks=taken.marks,
        closed=taken.closed,
        in_doubt=sum(map(len, taken.stale.values())),
    )


def _tell(scope: Scope, records: Sequence["GroupsRecord"]) -> None:
    """A timekeeper's records by the change that they were decided at; tombstones carry none and are told with each."""
    by_trace: dict[str, tuple[Lineage, list[int], list[int]]] = {}
    gone = [record.key.group for record in records if record.published is None and isinstance(record.key, GroupKey)]
    for record in records:
        if record.published is not None:
            lineage = record.published.lineage
            _, groups, marks = by_trace.setdefault(trace_of(lineage), (lineage, [], []))
            if isinstance(record.published, PublishedMark):
                marks.append(record.published.mark.id)
            elif isinstance(record.key, GroupKey):
                groups.append(record.key.group)
    if not by_trace:
        log.info("kept", firm=scope.firm, timekeeper=scope.timekeeper, gone=gone[:NAMED])
    for trace, (lineage, groups, marks) in by_trace.items():
        log.info(
            "kept",
            trace=trace,
            firm=scope.firm,
            timekeeper=scope.timekeeper,
            changes=[lineage.partition, lineage.offset],
            gtid=lineage.gtid or None,
            groups=groups[:NAMED],
            gone=gone[:NAMED],
            marks=marks,
        )


def _tell_age(decoded: Sequence["GroupsRecord"]) -> None:
    committed_ms = max((one.published.lineage.committed_ms for one in decoded if one.published is not None), default=0)
    if committed_ms:
        metrics.COMMITTED.set(committed_ms / 1000)
        metrics.CAPTURE_DELAY.set(max(0.0, time() - committed_ms / 1000))
