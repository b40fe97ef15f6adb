"""Compares activities with the groups that hold them, in the tables and on the topic, and these two with each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from processors.audit.findings import At, Finding, Kind
from schemas.groups import Group, encode_group
from schemas.ledger_snapshot import LedgerSnapshot, MemberRow

Holding = Mapping[int, tuple[MemberRow, ...]]
"""For each activity the memberships that hold it, by group."""


def held_by(members: Iterable[MemberRow]) -> dict[int, tuple[MemberRow, ...]]:
    """Memberships by activity."""
    found: dict[int, list[MemberRow]] = defaultdict(list)
    for member in sorted(members):
        found[member.activity].append(member)
    return {activity: tuple(rows) for activity, rows in found.items()}


def members_of(groups: Mapping[int, Group]) -> list[MemberRow]:
    """Every membership in these values."""
    return [MemberRow(name, member.id, member.hash) for name, group in groups.items() for member in group.members]


def row_findings(books: LedgerSnapshot) -> list[Finding]:
    """What is wrong with activities and groups on either side; one finding if both are wrong in the same way."""
    in_tables = {_same(finding): finding for finding in _of_rows(books, held_by(books.members), At.TABLES)}
    on_topic = {_same(finding): finding for finding in _of_rows(books, held_by(members_of(books.published)), At.TOPIC)}
    both = [msgspec.structs.replace(in_tables[key], at=At.BOTH) for key in in_tables.keys() & on_topic.keys()]
    one = [(in_tables | on_topic)[key] for key in in_tables.keys() ^ on_topic.keys()]
    return sorted(both + one, key=lambda finding: (finding.activity or 0, finding.kind))


def _same(finding: Finding) -> tuple[Kind, int | None]:
    return finding.kind, finding.activity


def _of_rows(books: LedgerSnapshot, holding: Holding, at: At) -> Iterator[Finding]:
    for activity, live in books.live.items():
        held = holding.get(activity, ())
        state = f"{live.hash or 'unreadable'} {live.changed_at} {_shown(held)}"
        if not held and not books.is_accounted_for(activity):
            why = "can't be read and has no dead letter" if live.activity is None else "is in no group"
            yield Finding(Kind.ROW_MISSING, at, f"activity {activity} {why}", state, activity)
        if len(held) > 1:
            names = " and ".join(str(member.group) for member in held)
            yield Finding(Kind.ROW_DOUBLE, at, f"activity {activity} is in groups {names}", state, activity)
        if held and live.excluded:
            detail = f"activity {activity} is excluded, but in group {held[0].group}"
            yield Finding(Kind.EXCLUDED_GROUPED, at, detail, state, activity, held[0].group)
        elif stale := [member for member in held if member.hash != live.hash]:
            detail = f"activity {activity} is {live.hash or 'unreadable'}, group {stale[0].group} has {stale[0].hash}"
            yield Finding(Kind.STALE_VERSION, at, detail, state, activity, stale[0].group)
    for activity in sorted(holding.keys() - books.live.keys()):
        yield _not_live(books, activity, holding[activity], at)


def _not_live(books: LedgerSnapshot, activity: int, held: tuple[MemberRow, ...], at: At) -> Finding:
    owner = books.other_owners.get(activity)
    group = held[0].group
    if owner is None:
        detail = f"group {group} holds activity {activity}, which isn't there any more"
        return Finding(Kind.ROW_EXTRA, at, detail, _shown(held), activity, group)
    detail = f"group {group} holds activity {activity} of firm {owner.firm}, timekeeper {owner.timekeeper}"
    return Finding(Kind.WRONG_OWNER, at, detail, f"{owner} {_shown(held)}", activity, group)


def _shown(held: tuple[MemberRow, ...]) -> str:
    return " ".join(f"{member.group}:{member.hash}" for member in held) or "nowhere"


def group_findings(books: LedgerSnapshot) -> Iterator[Finding]:
    """Where the tables don't hold the published groups, and where member rows differ from the values."""
    rows: dict[int, set[MemberRow]] = defaultdict(set)
    for member in books.members:
        rows[member.group].add(member)
    for name in sorted(books.published.keys() | books.groups.keys() | rows.keys()):
        yield from _of_group(books, name, rows[name])


def _of_group(books: LedgerSnapshot, name: int, rows: set[MemberRow]) -> Iterator[Finding]:
    said, stored = books.published.get(name), books.groups.get(name)
    if said is None:
        detail = f"group {name} is gone from the topic, but the tables hold it"
        state = f"{stored.offset if stored else 'no value'} {sorted(row.activity for row in rows)}"
        yield Finding(Kind.TOMBSTONE_IGNORED, At.TABLES, detail, state, group=name)
        return
    if stored is None:
        detail = f"group {name} is on the topic, but the tables don't hold it"
        yield Finding(Kind.GROUP_MISSING, At.TABLES, detail, encode_group(said).decode(), group=name)
        return
    ours, theirs = encode_group(stored.group).decode(), encode_group(said).decode()
    if ours != theirs:
        detail = f"the tables hold another value of group {name} than the topic"
        yield Finding(Kind.GROUP_DIFFERS, At.TABLES, detail, f"{ours} {theirs}", group=name)
    for member in sorted(rows ^ set(members_of({name: stored.group}))):
        what = "is in the value, but has no row" if member not in rows else "has a row, but isn't in the value"
        detail = f"activity {member.activity} of group {name}, with content {member.hash}, {what}"
        yield Finding(Kind.MEMBER_ROW_MISSING, At.TABLES, detail, str(member), member.activity, name)
