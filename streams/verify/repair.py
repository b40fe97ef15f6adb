"""Repairs what an audit proved: resends rows that the stream missed, and ingests groups into the ledger again."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec
from sqlalchemy import Engine

from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.fenced_writer import FencedWriter, owner_of
from connectors.mariadb.audit.reingestion import PublishedByScope as SaidBefore
from connectors.mariadb.audit.reingestion import reingest_groups
from connectors.mariadb.audit.resend import resend_deletes, resend_moves, resend_rows
from processors.audit.repair_plan import Mending, mending
from schemas.keys import Scope
from schemas.topics import GROUPS
from streams.shared.billing_rules import ProcessorRules
from streams.shared.model_store import shipped_model
from streams.shared.published import read_published
from streams.verify.audit import Auditor, AuditResult

MAX_PASSES = 4
"""Rows said again, a worker that begins again, tables taken again, and one to spare."""


class RepairCounts(msgspec.Struct):
    """What was done: rows, deletes and moves resent, workers restarted, timekeepers ingested again."""

    rows: int = 0
    deletes: int = 0
    moves: int = 0
    workers: int = 0
    retaken: int = 0


class Repairer:
    """Resends rows as the collector's user, and writes the ledger as the pipeline's."""

    def __init__(self, auditor: Auditor, collector: Engine, pipeline: Engine, cluster: Cluster) -> None:
        self._auditor, self._collector, self._pipeline, self._cluster = auditor, collector, pipeline, cluster

    def repair(self, verdict: AuditResult) -> tuple[AuditResult, RepairCounts]:
        """Repairs and verifies until nothing is damaged or nothing helps; returns the last result and what was done."""
        done = RepairCounts()
        tried: set[Scope] = set()
        for _ in range(MAX_PASSES):
            if verdict.clean:
                break
            plans = {scope: mending(found, tried=scope in tried) for scope, found in verdict.damage.items()}
            self._resend(plans, done)
            self._restart_workers(plans, verdict, done)
            self._reingest(plans, verdict, done)
            tried |= {scope for scope, plan in plans.items() if not plan.retake}
            verdict = _merged(verdict, self._auditor.verify(verdict.damage.keys()))
        return verdict, done

    def _resend(self, plans: Mapping[Scope, Mending], done: RepairCounts) -> None:
        for scope, plan in plans.items():
            done.rows += len(plan.again) - len(resend_rows(self._collector, scope, plan.again))
            done.deletes += len(plan.gone) - len(
                resend_deletes(self._collector, scope, plan.gone, shipped_model().version)
            )
            done.moves += len(plan.moved) - len(resend_moves(self._collector, scope, plan.moved))

    def _restart_workers(self, plans: Mapping[Scope, Mending], verdict: AuditResult, done: RepairCounts) -> None:
        """Fences the partition's worker: at its next batch it ends, is restarted, and publishes what differs."""
        for partition in {verdict.partitions[scope] for scope, plan in plans.items() if plan.begin_again}:
            FencedWriter(self._cluster, owner_of(partition))
            done.workers += 1

    def _reingest(self, plans: Mapping[Scope, Mending], verdict: AuditResult, done: RepairCounts) -> None:
        together: dict[int, list[Scope]] = defaultdict(list)
        for scope, plan in plans.items():
            if plan.retake:
                together[verdict.partitions[scope]].append(scope)
        for partition, scopes in together.items():

            def before(offset: int, partition: int = partition) -> SaidBefore:
                return read_published(self._cluster, {partition: offset}, [partition]).groups

            days = {scope: verdict.audits[scope].days for scope in scopes}
            reingest_groups(self._pipeline, GROUPS.name, partition, days, before, ProcessorRules())
            done.retaken += len(scopes)


def _merged(before: AuditResult, after: AuditResult) -> AuditResult:
    """The later result for the timekeepers it observed, the earlier one for the others."""
    in_flight = {scope: found for scope, found in before.in_flight.items() if scope not in after.audits}
    return msgspec.structs.replace(
        after,
        audits=before.audits | after.audits,
        in_flight=in_flight | after.in_flight,
        partitions=before.partitions | after.partitions,
        looks=before.looks + after.looks,
    )
