"""One log line for each timekeeper of a batch that `bill` keeps, with the trace id of the decision it stems from."""

from collections import defaultdict
from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

import structlog

from schemas.groups import Lineage, MarkSaid
from schemas.keys import GroupKey, Scope
from streams.telemetry import metrics
from streams.telemetry.traces import NAMED, trace_of

if TYPE_CHECKING:
    from connectors.mariadb.taking import Record, Taken
    from schemas.records import Incoming

log = structlog.get_logger("bill")


def tell_kept(partition: int, records: Sequence["Incoming"], decoded: Sequence["Record"], taken: "Taken") -> None:
    """Counts and logs what a batch did, once it is committed."""
    metrics.GROUPS_TAKEN.inc(taken.groups)
    metrics.ENTRIES.inc(taken.entries)
    metrics.PERIODS_CLOSED.inc(len(taken.closed))
    _tell_age(decoded)
    by_scope: dict[Scope, list[Record]] = defaultdict(list)
    for record in decoded:
        by_scope[Scope(record.key.firm, record.key.timekeeper)].append(record)
    for scope, theirs in by_scope.items():
        _tell(scope, theirs)
    # Of the batch only sums: a line that is about several timekeepers names none.
    (log.info if taken.marks or taken.withheld else log.debug)(
        "taken",
        partition=partition,
        offsets=[records[0].offset, records[-1].offset],
        groups=taken.groups,
        ignored=taken.ignored,
        days=taken.days,
        entries=taken.entries,
        withheld=taken.withheld,
        marks=taken.marks,
        closed=taken.closed,
        in_doubt=sum(map(len, taken.in_doubt.values())),
    )


def _tell(scope: Scope, records: Sequence["Record"]) -> None:
    """A timekeeper's records by the change that they were decided at; tombstones carry none and are told with each."""
    by_trace: dict[str, tuple[Lineage, list[int], list[int]]] = {}
    gone = [record.key.group for record in records if record.said is None and isinstance(record.key, GroupKey)]
    for record in records:
        if record.said is not None:
            lineage = record.said.lineage
            _, groups, marks = by_trace.setdefault(trace_of(lineage), (lineage, [], []))
            if isinstance(record.said, MarkSaid):
                marks.append(record.said.mark.id)
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


def _tell_age(decoded: Sequence["Record"]) -> None:
    committed_ms = max((one.said.lineage.committed_ms for one in decoded if one.said is not None), default=0)
    if committed_ms:
        metrics.COMMITTED.set(committed_ms / 1000)
        metrics.CAPTURE_DELAY.set(max(0.0, time() - committed_ms / 1000))
