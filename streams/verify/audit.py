"""Audits all timekeepers of a running pipeline, without locks.

    mark each timekeeper -> wait until `bill` has seen the marks -> one snapshot of the database -> audit

What one observation finds may still be in flight. So timekeepers with findings are observed again behind a second mark:
what is found again in the same state is damage; what changed meanwhile is observed again, a bounded number of times.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Engine

from connectors.kafka.client.cluster import Cluster
from connectors.mariadb.audit.ledger_snapshot import (
    consistent_snapshot,
    read_ledger_snapshot,
    read_offsets,
    read_scopes,
)
from connectors.mariadb.billing.ingestion import CONSUMER
from processors.audit.audit import Audit, audit, proven
from processors.audit.findings import Finding
from schemas.keys import Scope
from schemas.topics import GROUPS
from streams.shared.catch_up import wait_for_marks
from streams.shared.published import read_published
from streams.verify.applied_decisions import read_applied_decisions, read_dead_lettered_rows

MAX_LOOKS = 5
"""What is still changing at the fifth look is reported as in flight."""


class Observation(msgspec.Struct, frozen=True):
    """One observation of some timekeepers: the audits, the partition of each timekeeper, and all dead letters."""

    audits: dict[Scope, Audit]
    partitions: dict[Scope, int]
    dead_letters: int


class AuditResult(msgspec.Struct, frozen=True):
    """What was proven: the last audit of each timekeeper, the proven damage, and what is still in flight."""

    audits: dict[Scope, Audit]
    damage: dict[Scope, list[Finding]]
    in_flight: dict[Scope, list[Finding]]
    partitions: dict[Scope, int]
    dead_letters: int
    looks: int

    @property
    def clean(self) -> bool:
        """Whether no damage was found."""
        return not self.damage


class Auditor:
    """Observes a pipeline. `within_s` is how long `bill` may take to see a mark."""

    def __init__(self, engine: Engine, cluster: Cluster, within_s: float) -> None:
        self._engine, self._cluster, self._within_s = engine, cluster, within_s

    def verify(self, only: Iterable[Scope] | None = None) -> AuditResult:
        """Audits all timekeepers, or these, as often as needed to tell damage from what is in flight.

        Raises StackError, naming the program that is behind, if `bill` doesn't see the marks in time.
        """
        look = self._observe(self._scopes() if only is None else sorted(only))
        audits, partitions, looks = dict(look.audits), dict(look.partitions), 1
        damage: dict[Scope, list[Finding]] = {scope: [] for scope in audits}
        suspected = {scope: list(one.findings) for scope, one in audits.items() if one.findings}
        while suspected and looks < MAX_LOOKS:
            look, looks = self._observe(sorted(suspected)), looks + 1
            for scope, one in look.audits.items():
                found, suspected[scope] = proven(suspected[scope], one)
                damage[scope] += found
                audits[scope] = one
            suspected = {scope: found for scope, found in suspected.items() if found}
        return AuditResult(
            audits=audits,
            damage={scope: found for scope, found in damage.items() if found},
            in_flight=suspected,
            partitions=partitions,
            dead_letters=look.dead_letters,
            looks=looks,
        )

    def _scopes(self) -> list[Scope]:
        with consistent_snapshot(self._engine) as connection:
            return read_scopes(connection)

    def _observe(self, wanted: list[Scope]) -> Observation:
        wait_for_marks(self._engine, self._cluster, wanted, self._within_s)
        with consistent_snapshot(self._engine) as connection:
            said = read_published(self._cluster, read_offsets(connection, CONSUMER, GROUPS.name))
            letters, heeded = read_dead_lettered_rows(self._cluster), read_applied_decisions(self._cluster)
            audits = {}
            for scope in wanted:
                groups = {name: one.group for name, one in said.groups.get(scope, {}).items()}
                dead, decisions = letters.rows.get(scope, {}), heeded.get(scope, {})
                audits[scope] = audit(read_ledger_snapshot(connection, scope, groups, dead, decisions))
        return Observation(audits, {scope: said.partitions[scope] for scope in wanted}, letters.count)
