"""The audit of one timekeeper's ledger snapshot, and what two audits in a row prove.

A clean audit proves that everything was right at that moment. A finding may only be in flight; if it is found again in
the same state after everything that had been committed by then has arrived, it is damage.
"""

from collections.abc import Iterable
from datetime import date
from hashlib import blake2b

import msgspec

from processors.audit.decisions import decision_findings
from processors.audit.expected_work import expected
from processors.audit.findings import Finding
from processors.audit.membership import group_findings, row_findings
from processors.audit.minutes import minute_findings
from schemas.groups import Disposition
from schemas.keys import Scope
from schemas.ledger_snapshot import DayRow, LedgerSnapshot


class Audit(msgspec.Struct, frozen=True):
    """The findings, and the counts that belong to them.

    `grouped` counts activities in groups that are shown or held, `dead` those that are a dead letter. `live_hash` is
    over id and content of all activities that must be in a group, `grouped_hash` over those that are; `minutes` sums
    the stored days. `days` are all days that have work, entries or minutes.
    """

    scope: Scope
    findings: tuple[Finding, ...]
    activities: int
    grouped: int
    outliers: int
    excluded: int
    dead: int
    live_hash: str
    grouped_hash: str
    minutes: DayRow
    days: frozenset[date]


def audit(books: LedgerSnapshot) -> Audit:
    """Compares everything in the ledger snapshot."""
    due = expected(books)
    findings = (*row_findings(books), *decision_findings(books), *group_findings(books), *minute_findings(books, due))
    excluded = {id for id, live in books.live.items() if live.excluded}
    dead = {id for id in books.live.keys() - excluded if books.is_accounted_for(id)}
    held = {member.activity: member.group for member in books.members if member.activity in books.live}
    outliers = {id for id, group in held.items() if _disposition(books, group) is Disposition.OUTLIER}
    return Audit(
        scope=books.scope,
        findings=findings,
        activities=len(books.live),
        grouped=len(held.keys() - outliers),
        outliers=len(outliers),
        excluded=len(excluded),
        dead=len(dead),
        live_hash=_hash((id, live.hash) for id, live in books.live.items() if id not in excluded | dead),
        grouped_hash=_hash((member.activity, member.hash) for member in books.members),
        minutes=_summed(books.days.values()),
        days=frozenset(due.days.keys() | books.days.keys() | {entry.day for entry in books.entries}),
    )


def proven(suspected: Iterable[Finding], after: Audit) -> tuple[list[Finding], list[Finding]]:
    """Of an earlier audit's findings: those that are damage, since they are unchanged now, and those still in flight.

    What only the later audit found is for another audit to judge: it may have come after the earlier one's mark.
    """
    before = list(suspected)
    same, subjects = set(before), {finding.subject for finding in before}
    damage = [finding for finding in after.findings if finding in same]
    return damage, [one for one in after.findings if one.subject in subjects and one not in same]


def _disposition(books: LedgerSnapshot, group: int) -> Disposition | None:
    stored = books.groups.get(group)
    return stored.group.disposition if stored else None


def _hash(rows: Iterable[tuple[int, str]]) -> str:
    digest = blake2b(digest_size=16)
    for id, hash in sorted(rows):
        digest.update(f"{id} {hash}\n".encode())
    return digest.hexdigest()


def _summed(days: Iterable[DayRow]) -> DayRow:
    rows = list(days)
    return DayRow(*(sum(getattr(row, name) for row in rows) for name in DayRow.__struct_fields__))
