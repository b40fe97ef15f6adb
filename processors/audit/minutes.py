"""Checks entries and minutes: whether they are those of the activities, none is missing, doubled or orphaned, and they
add up.

The work of each day comes from slicing (`processors.audit.expected_work`). That it sums to the measure of the union of
all intervals is checked independently (`processors.audit.interval_measure`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from processors.audit.expected_work import Expected, Share
from processors.audit.findings import At, Finding, Kind
from schemas.ledger_snapshot import DayRow, EntryPartRow, EntryRow, LedgerSnapshot


def minute_findings(books: LedgerSnapshot, due: Expected) -> Iterator[Finding]:
    """What is wrong with entries, with their parts, and with the days' minutes."""
    parts: dict[int, list[EntryPartRow]] = defaultdict(list)
    for part in books.parts:
        parts[part.entry].append(part)
    frozen: dict[date, set[int]] = defaultdict(set)
    kept: set[tuple[date, int]] = set()
    drafts: dict[tuple[date, int], list[EntryRow]] = defaultdict(list)
    for entry in books.entries:
        if entry.frozen:
            frozen[entry.day].update(part.activity for part in parts[entry.id])
            kept.add((entry.day, entry.group))
        else:
            drafts[entry.day, entry.group].append(entry)
    yield from _crossed(books)
    yield from _doubled(books, parts)
    for key in sorted(due.work.keys() | drafts.keys()):
        day, group = key
        work = {id: share for id, share in due.work.get(key, {}).items() if id not in frozen.get(day, ())}
        if key in kept:
            # A released entry keeps its place: what joined its group since then waits to become an adjustment.
            drafted = {part.activity for entry in drafts.get(key, []) for part in parts[entry.id]}
            work = {id: share for id, share in work.items() if id in drafted}
        yield from _of_work(day, group, work, drafts.get(key, []), parts)
    for entry in books.entries:
        yield from _of_entry(entry, parts[entry.id])
    yield from _of_days(books, due, set(frozen))


def _crossed(books: LedgerSnapshot) -> Iterator[Finding]:
    for part in books.foreign_parts:
        detail = f"entry {part.entry} and its part of activity {part.activity} have different owners"
        yield Finding(Kind.WRONG_OWNER, At.TABLES, detail, str(part), part.activity, entry=part.entry)


def _doubled(books: LedgerSnapshot, parts: Mapping[int, list[EntryPartRow]]) -> Iterator[Finding]:
    seen: dict[tuple[date, int], list[int]] = defaultdict(list)
    for entry in sorted(books.entries, key=lambda entry: entry.id):
        for part in parts.get(entry.id, []):
            seen[entry.day, part.activity].append(entry.id)
    doubled: dict[tuple[date, tuple[int, ...]], list[int]] = defaultdict(list)
    for (day, activity), entries in seen.items():
        if len(entries) > 1:
            doubled[day, tuple(entries)].append(activity)
    for (day, entries_of), activities in sorted(doubled.items()):
        names = " and ".join(map(str, entries_of))
        detail = f"entries {names} of {day} both hold activities {_listed(activities)}"
        yield Finding(
            Kind.ENTRY_DOUBLED, At.TABLES, detail, f"{entries_of} {activities}", entry=entries_of[-1], day=day
        )


def _of_work(
    day: date, group: int, work: dict[int, Share], entries: list[EntryRow], parts: Mapping[int, list[EntryPartRow]]
) -> Iterator[Finding]:
    if work and not entries:
        detail = f"the work of group {group} on {day} has no entry"
        yield Finding(Kind.ENTRY_MISSING, At.TABLES, detail, str(sorted(work.items())), group=group, day=day)
    for entry in entries:
        if not work:
            detail = f"entry {entry.id} is of group {group} on {day}, which has no such work"
            yield Finding(Kind.ENTRY_ORPHAN, At.TABLES, detail, str(entry), group=group, entry=entry.id, day=day)
        elif not parts.get(entry.id):
            kind = Kind.ENTRY_DOUBLED if len(entries) > 1 else Kind.MINUTES_OFF
            detail = f"entry {entry.id} of group {group} on {day} has no activities"
            yield Finding(kind, At.TABLES, detail, str(entry), group=group, entry=entry.id, day=day)
    stored = {part.activity: (part.allocated_us, part.imputed) for entry in entries for part in parts.get(entry.id, [])}
    if work and stored and work != stored:
        off = sorted(id for id in work.keys() | stored.keys() if work.get(id) != stored.get(id))
        detail = f"the entries of group {group} on {day} don't have the minutes of activities {_listed(off)}"
        state = f"{sorted(work.items())} {sorted(stored.items())}"
        yield Finding(Kind.MINUTES_OFF, At.TABLES, detail, state, group=group, day=day)


def _of_entry(entry: EntryRow, parts: list[EntryPartRow]) -> Iterator[Finding]:
    allocated = sum(part.allocated_us for part in parts)
    imputed = sum(part.allocated_us for part in parts if part.imputed)
    if parts and (allocated, imputed) != (entry.allocated_us, entry.imputed_us):
        detail = (
            f"entry {entry.id} has {entry.allocated_us} us ({entry.imputed_us} imputed), "
            f"its parts {allocated} ({imputed})"
        )
        yield Finding(Kind.MINUTES_OFF, At.TABLES, detail, detail, group=entry.group, entry=entry.id, day=entry.day)


def _of_days(books: LedgerSnapshot, due: Expected, frozen: set[date]) -> Iterator[Finding]:
    billed: dict[date, int] = defaultdict(int)
    for entry in books.entries:
        billed[entry.day] += entry.allocated_us if entry.billable else 0
    for day in sorted(due.days.keys() | books.days.keys()):
        wrong = _of_day(books.days.get(day, DayRow()), due.days.get(day, DayRow()), due.measured.get(day, 0))
        stored = books.days.get(day, DayRow())
        if day not in frozen and stored.billable_us != billed[day]:
            wrong.append(f"billable is {stored.billable_us}, the entries have {billed[day]}")
        if wrong:
            detail = f"{day} (us): {'; '.join(wrong)}"
            yield Finding(Kind.MINUTES_OFF, At.TABLES, detail, detail, day=day)
    sliced = sum(row.captured_us for row in due.days.values())
    if sliced != due.total_us:
        detail = f"slicing comes to {sliced} us, but all intervals together cover {due.total_us}"
        yield Finding(Kind.MINUTES_OFF, At.TABLES, detail, detail)


def _of_day(stored: DayRow, due: DayRow, measured: int | None) -> list[str]:
    wrong = []
    if stored.captured_us != stored.sum_of_classes_us:
        wrong.append(f"captured is {stored.captured_us}, the classes sum to {stored.sum_of_classes_us}")
    pairs = {
        "captured": (stored.captured_us, due.captured_us if measured is None else measured),
        "work": (stored.billable_us + stored.non_billable_us, due.billable_us + due.non_billable_us),
        "held": (stored.held_us, due.held_us),
        "outlier": (stored.outlier_us, due.outlier_us),
        "excluded": (stored.excluded_us, due.excluded_us),
    }
    return wrong + [f"{name} is {is_}, should be {should}" for name, (is_, should) in pairs.items() if is_ != should]


def _listed(ids: list[int]) -> str:
    shown = ", ".join(map(str, ids[:5]))
    return f"{shown} and {len(ids) - 5} more" if len(ids) > 5 else shown
