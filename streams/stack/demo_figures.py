"""The demo's figures: the latency from commit to group, and what passed through the pipeline."""

import time
from statistics import quantiles
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec
from sqlalchemy import text

from connectors.kafka.client.cluster import Cluster
from schemas.groups import PublishedGroup, decode_published
from schemas.keys import GroupKey, decode_groups_key
from schemas.topics import CHANGES, GROUPS

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from streams.shared.terminal import TerminalProgress
    from streams.verify.report import VerifyReport

POLL_WAIT_S = 0.01


class Figures(msgspec.Struct, frozen=True):
    """`p50_ms` and `p99_ms` are None if there were too few changes."""

    changes: int
    groups_published: int
    p50_ms: float | None
    p99_ms: float | None


class GroupArrivals:
    """Follows `groups` in a thread, and records when each activity was first in a group."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._first_seen_at: dict[int, float] = {}
        self._groups_published = 0
        self._stop = Event()
        self._ready = Event()
        self._screen: TerminalProgress | None = None
        self._thread = Thread(target=self._record_arrivals, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def report_to(self, screen: "TerminalProgress") -> None:
        """From now on reports on the screen which groups form."""
        self._screen = screen

    def figures(self, engine: "Engine", since_ms: int) -> Figures:
        """The latency from the row's write time to its first group as a reader saw it, for rows written since then."""
        from connectors.kafka.progress.topic_progress import offsets_since
        from connectors.kafka.records.partition_log import read_to_end

        starts = offsets_since(self._cluster, CHANGES.name, range(CHANGES.partitions), since_ms)
        changes = sum(1 for _ in read_to_end(self._cluster, CHANGES.name, list(starts), starts))
        took = sorted(self._latencies_ms(engine, since_ms))
        if len(took) < 100:
            return Figures(changes, self._groups_published, None, None)
        cuts = quantiles(took, n=100)
        return Figures(changes, self._groups_published, cuts[49], cuts[98])

    def _latencies_ms(self, engine: "Engine", began_ms: int) -> list[float]:
        """Milliseconds of the paced rows: the imported history comes in large transactions."""
        from processors.simulation.values import SIMULATION_SOURCE

        written = text(
            "SELECT id, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) FROM activity WHERE source = :source"
        )
        with engine.connect() as connection:
            rows = connection.execute(written, {"source": SIMULATION_SOURCE}).all()
        # A group that grows names its older members too: an earlier demo's rows are seen anew, and tell nothing.
        new = [(id_, at) for id_, at in rows if at >= began_ms * 1000 and id_ in self._first_seen_at]
        return [(self._first_seen_at[id_] * 1e6 - at) / 1e3 for id_, at in new]

    def _record_arrivals(self) -> None:
        from connectors.kafka.records.topic_tail import follow

        told = 0.0
        for records in follow(self._cluster, GROUPS.name, GROUPS.partitions, 0, POLL_WAIT_S):
            now = time.time()
            self._ready.set()
            for record in records:
                said = decode_published(record.value) if record.value else None
                if isinstance(said, PublishedGroup) and isinstance(decode_groups_key(record.key or b""), GroupKey):
                    self._groups_published += 1
                    for member in said.group.members:
                        self._first_seen_at.setdefault(member.id, now)
            if self._screen is not None and records and now - told > 2:
                told = now
                self._screen.say(f"  {len(self._first_seen_at)} activities in groups so far")
            if self._stop.is_set():
                return


def print_figures(
    console: "Console", engine: "Engine", figures: Figures, report: "VerifyReport", closed_periods: int
) -> None:
    """Prints the counts, the latency, the calls with their cost, and what `verify` found."""
    with engine.connect() as connection:
        groups = connection.execute(text("SELECT COUNT(*) FROM activity_group")).scalar_one()
        entries = connection.execute(text("SELECT COUNT(*) FROM entry")).scalar_one()
        calls, cost = connection.execute(
            text("SELECT COUNT(*), COALESCE(SUM(cost_microdollars), 0) FROM llm_call")
        ).one()
    console.print(
        f"\n{figures.changes} changes → {figures.groups_published} group values published → {groups} groups, "
        f"{entries} entries, {closed_periods} periods closed, {report.dead_letters} dead letters"
    )
    if figures.p50_ms is not None:
        console.print(f"commit to group: p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms")
    narrated = "narratives are the activities' own words" if not calls else "see ./timeloom bill --help"
    console.print(f"language model: {calls} calls, ${int(cost) / 1e6:.4f} ({narrated})")
    console.print(
        f"verify: {report.activities} activities, {report.grouped} grouped, {report.outliers} outliers, "
        f"{report.missing} missing, {report.extra} extra, {report.double} double, minutes "
        f"{'conserved' if report.minutes.conserved else 'NOT conserved'}: "
        f"{'all is right' if report.ok else 'NOT RIGHT'}"
    )
