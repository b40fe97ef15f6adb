"""The verify report: one object, whose field names are stable."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import msgspec

from processors.audit.findings import At, Finding, Kind
from schemas.keys import Scope
from streams.verify.audit import AuditResult
from streams.verify.repair import RepairCounts

MINUTE_US = 60_000_000
MISSING_KINDS = frozenset({Kind.ROW_MISSING})
EXTRA_KINDS = frozenset({Kind.ROW_EXTRA, Kind.WRONG_OWNER, Kind.EXCLUDED_GROUPED})
DOUBLE_KINDS = frozenset({Kind.ROW_DOUBLE, Kind.ENTRY_DOUBLED})


class MinuteTotals(msgspec.Struct, frozen=True):
    """The minutes of all days by class; `conserved` if they add up for each timekeeper and day."""

    captured: float
    billable: float
    non_billable: float
    held: float
    outlier: float
    excluded: float
    conserved: bool


class ReportedFinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding with its timekeeper; see `processors.audit.findings`."""

    firm: int
    timekeeper: int
    at: At
    detail: str
    activity: int | None = None
    group: int | None = None
    entry: int | None = None
    day: date | None = None
    table: str | None = None
    row: int | None = None


class TimekeeperCounts(msgspec.Struct, frozen=True):
    """One timekeeper's counts; the two hashes are equal if every live content is grouped once."""

    firm: int
    timekeeper: int
    activities: int
    grouped: int
    outliers: int
    live_hash: str
    grouped_hash: str
    findings: int


class VerifyReport(msgspec.Struct, frozen=True):
    """`dead` are live activities that a dead letter accounts for; `dead_letters` are all open ones."""

    ok: bool
    activities: int
    grouped: int
    outliers: int
    excluded: int
    dead: int
    dead_letters: int
    in_flight: int
    missing: int
    extra: int
    double: int
    minutes: MinuteTotals
    findings: dict[str, list[ReportedFinding]]
    timekeepers: list[TimekeeperCounts]
    looks: int
    mended: RepairCounts | None = None


def build_report(audit: AuditResult, repaired: RepairCounts | None = None) -> VerifyReport:
    """The audit result in figures."""
    audits = list(audit.audits.values())
    found = [(scope, one) for scope, findings in audit.damage.items() for one in findings]
    return VerifyReport(
        ok=audit.clean,
        activities=sum(one.activities for one in audits),
        grouped=sum(one.grouped for one in audits),
        outliers=sum(one.outliers for one in audits),
        excluded=sum(one.excluded for one in audits),
        dead=sum(one.dead for one in audits),
        dead_letters=audit.dead_letters,
        in_flight=sum(map(len, audit.in_flight.values())),
        missing=_count_kinds(found, MISSING_KINDS),
        extra=_count_kinds(found, EXTRA_KINDS),
        double=_count_kinds(found, DOUBLE_KINDS),
        minutes=_minute_totals(audit),
        findings=_by_kind(found),
        timekeepers=_timekeeper_counts(audit),
        looks=audit.looks,
        mended=repaired,
    )


def _count_kinds(found: Iterable[tuple[Scope, Finding]], kinds: frozenset[Kind]) -> int:
    return sum(one.kind in kinds for _, one in found)


def _minute_totals(audit: AuditResult) -> MinuteTotals:
    days = [one.minutes for one in audit.audits.values()]
    sums = {
        name: round(sum(getattr(day, f"{name}_us") for day in days) / MINUTE_US, 3)
        for name in MinuteTotals.__struct_fields__[:-1]
    }
    off = any(one.kind is Kind.MINUTES_OFF for findings in audit.damage.values() for one in findings)
    return MinuteTotals(**sums, conserved=not off)


def _by_kind(found: Iterable[tuple[Scope, Finding]]) -> dict[str, list[ReportedFinding]]:
    kinds: dict[str, list[ReportedFinding]] = defaultdict(list)
    for scope, one in found:
        about = (one.activity, one.group, one.entry, one.day, *(one.row or ()))
        named = ReportedFinding(scope.firm, scope.timekeeper, one.at, one.detail, *about)
        kinds[one.kind.value].append(named)
    return dict(sorted(kinds.items()))


def _timekeeper_counts(audit: AuditResult) -> list[TimekeeperCounts]:
    return [
        TimekeeperCounts(
            scope.firm,
            scope.timekeeper,
            one.activities,
            one.grouped,
            one.outliers,
            one.live_hash,
            one.grouped_hash,
            len(audit.damage.get(scope, ())),
        )
        for scope, one in sorted(audit.audits.items())
    ]
