"""What `verify` reports: one object, whose names stay as they are."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import msgspec

from processors.audit.findings import At, Finding, Kind
from schemas.keys import Scope
from streams.verify.audit import Verdict
from streams.verify.repair import Mended

MINUTE_US = 60_000_000
MISSING = frozenset({Kind.ROW_MISSING})
EXTRA = frozenset({Kind.ROW_EXTRA, Kind.WRONG_OWNER, Kind.EXCLUDED_GROUPED})
DOUBLE = frozenset({Kind.ROW_DOUBLE, Kind.ENTRY_DOUBLED})


class Minutes(msgspec.Struct, frozen=True):
    """All days' minutes by class; `conserved` where they add up for each timekeeper and day."""

    captured: float
    billable: float
    non_billable: float
    held: float
    outlier: float
    excluded: float
    conserved: bool


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding with its owner; see `processors.audit.findings`."""

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


class Timekeeper(msgspec.Struct, frozen=True):
    """One timekeeper's counts; the hashes are equal where every live content is grouped once."""

    firm: int
    timekeeper: int
    activities: int
    grouped: int
    outliers: int
    live_hash: str
    grouped_hash: str
    findings: int


class Report(msgspec.Struct, frozen=True):
    """`dead` are live activities that a dead letter accounts for; `dead_letters` are all that wait for somebody."""

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
    minutes: Minutes
    findings: dict[str, list[Found]]
    timekeepers: list[Timekeeper]
    looks: int
    mended: Mended | None = None


def report(verdict: Verdict, mended: Mended | None = None) -> Report:
    """The verdict in figures."""
    audits = list(verdict.audits.values())
    found = [(scope, one) for scope, findings in verdict.damage.items() for one in findings]
    return Report(
        ok=verdict.clean,
        activities=sum(one.activities for one in audits),
        grouped=sum(one.grouped for one in audits),
        outliers=sum(one.outliers for one in audits),
        excluded=sum(one.excluded for one in audits),
        dead=sum(one.dead for one in audits),
        dead_letters=verdict.dead_letters,
        in_flight=sum(map(len, verdict.in_flight.values())),
        missing=_count(found, MISSING),
        extra=_count(found, EXTRA),
        double=_count(found, DOUBLE),
        minutes=_minutes(verdict),
        findings=_by_kind(found),
        timekeepers=_timekeepers(verdict),
        looks=verdict.looks,
        mended=mended,
    )


def _count(found: Iterable[tuple[Scope, Finding]], kinds: frozenset[Kind]) -> int:
    return sum(one.kind in kinds for _, one in found)


def _minutes(verdict: Verdict) -> Minutes:
    days = [one.minutes for one in verdict.audits.values()]
    sums = {
        name: round(sum(getattr(day, f"{name}_us") for day in days) / MINUTE_US, 3)
        for name in Minutes.__struct_fields__[:-1]
    }
    off = any(one.kind is Kind.MINUTES_OFF for findings in verdict.damage.values() for one in findings)
    return Minutes(**sums, conserved=not off)


def _by_kind(found: Iterable[tuple[Scope, Finding]]) -> dict[str, list[Found]]:
    kinds: dict[str, list[Found]] = defaultdict(list)
    for scope, one in found:
        about = (one.activity, one.group, one.entry, one.day, *(one.row or ()))
        named = Found(scope.firm, scope.timekeeper, one.at, one.detail, *about)
        kinds[one.kind.value].append(named)
    return dict(sorted(kinds.items()))


def _timekeepers(verdict: Verdict) -> list[Timekeeper]:
    return [
        Timekeeper(
            scope.firm,
            scope.timekeeper,
            one.activities,
            one.grouped,
            one.outliers,
            one.live_hash,
            one.grouped_hash,
            len(verdict.damage.get(scope, ())),
        )
        for scope, one in sorted(verdict.audits.items())
    ]
