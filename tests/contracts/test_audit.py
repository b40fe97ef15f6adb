"""Each kind of damage, planted by hand into books that are right, is found and named, and nothing else is.

2 March 2026, UTC        group   disposition   owns
1  09:00 - 10:00         1       work          09:00 - 09:30, the rest is 2's: 30 min
2  09:30 - 10:30         1       work          60 min
3  11:00 (a mail)        3       work           6 min, imputed (the gap of 30 min, capped at 6)
4  12:00 - 12:10         4       outlier       10 min
5  13:00 - 13:20         5       held          20 min
6  14:00 - 14:05         -       excluded       5 min
7  (can't be read)       -       dead letter
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from processors.audit.audit import audit, proven
from processors.audit.findings import At, Finding
from processors.audit.findings import Kind as Found
from processors.audit.repair_plan import Mending, mending
from schemas.groups import Disposition, Group, Member
from schemas.keys import Scope
from schemas.ledger_snapshot import (
    DayRow,
    EntryPartRow,
    EntryRow,
    LedgerSnapshot,
    LiveActivity,
    MemberRow,
    StoredGroup,
)
from schemas.values import Activation, Activity, Apart, Kind, Together, Words, content_hash

MINUTE = 60_000_000
NINE = (20_514 * 24 + 9) * 60 * MINUTE  # 2026-03-02T09:00Z; 20514 days since 1970
DAY = date(2026, 3, 2)

replace = msgspec.structs.replace


def activity(id: int, start: int, end: int | None, **more: Any) -> Activity:
    """From `start` to `end` minutes after nine."""
    until = None if end is None else NINE + end * MINUTE
    return Activity(id, Kind.WINDOW, NINE + start * MINUTE, until, "UTC", Words(title=f"work {id}"), **more)


ACTIVITIES = {
    one.id: one
    for one in (
        activity(1, 0, 60),
        activity(2, 30, 90),
        replace(activity(3, 120, None), kind=Kind.MAIL),
        activity(4, 180, 190),
        activity(5, 240, 260),
        activity(6, 300, 305, excluded=True),
    )
}
HASH = {id: content_hash(one) for id, one in ACTIVITIES.items()}


def group(*ids: int, disposition: Disposition = Disposition.WORK) -> Group:
    """A group of these; its times don't matter here."""
    return Group(tuple(Member(id, HASH[id]) for id in ids), disposition, 900_000, NINE, NINE, 0, "model")


SAID = {
    1: group(1, 2),
    3: group(3),
    4: group(4, disposition=Disposition.OUTLIER),
    5: group(5, disposition=Disposition.HELD),
}

RIGHT = LedgerSnapshot(
    scope=Scope(1, 2),
    live={id: LiveActivity(one, HASH[id], NINE) for id, one in ACTIVITIES.items()} | {7: LiveActivity(None, "", NINE)},
    dead_letters={("activity", 7): frozenset({""})},
    groups={name: StoredGroup(one, 100) for name, one in SAID.items()},
    members=tuple(MemberRow(name, member.id, member.hash) for name, one in SAID.items() for member in one.members),
    published=SAID,
    entries=(
        EntryRow(10, 1, DAY, False, True, 90 * MINUTE, 0),
        EntryRow(11, 3, DAY, False, True, 6 * MINUTE, 6 * MINUTE),
    ),
    parts=(
        EntryPartRow(10, 1, 30 * MINUTE, False),
        EntryPartRow(10, 2, 60 * MINUTE, False),
        EntryPartRow(11, 3, 6 * MINUTE, True),
    ),
    days={DAY: DayRow(131 * MINUTE, 96 * MINUTE, 0, 20 * MINUTE, 10 * MINUTE, 5 * MINUTE)},
)


def test_books_that_are_right_have_no_findings() -> None:
    found = audit(RIGHT)
    assert found.findings == ()
    assert (found.activities, found.grouped, found.outliers, found.excluded, found.dead) == (7, 4, 1, 1, 1)
    assert found.live_hash == found.grouped_hash
    assert found.minutes == RIGHT.days[DAY]


def test_empty_books_are_right() -> None:
    assert audit(LedgerSnapshot(Scope(1, 2))).findings == ()


def without_member(books: LedgerSnapshot, activity: int) -> LedgerSnapshot:
    return replace(books, members=tuple(row for row in books.members if row.activity != activity))


def on_topic(books: LedgerSnapshot, name: int, value: Group | None) -> LedgerSnapshot:
    """The topic says so, and the tables followed it."""
    said = {other: one for other, one in books.published.items() if other != name} | ({name: value} if value else {})
    return replace(
        books,
        published=said,
        groups={other: StoredGroup(one, 100) for other, one in said.items()},
        members=tuple(
            MemberRow(other, member.id, member.hash) for other, one in said.items() for member in one.members
        ),
    )


def live(books: LedgerSnapshot, id: int, one: Activity | None) -> LedgerSnapshot:
    """The row is now this, or gone."""
    rows = {other: row for other, row in books.live.items() if other != id}
    return replace(books, live=rows | ({id: LiveActivity(one, content_hash(one), NINE + 1)} if one else {}))


def entries(books: LedgerSnapshot, *more: EntryRow, parts: tuple[EntryPartRow, ...] = ()) -> LedgerSnapshot:
    return replace(books, entries=(*books.entries, *more), parts=(*books.parts, *parts))


def day(books: LedgerSnapshot, **changed: int) -> LedgerSnapshot:
    return replace(books, days={DAY: replace(books.days[DAY], **changed)})


Damage = Callable[[LedgerSnapshot], LedgerSnapshot]
Named = tuple[Found, At, int | None, int | None, int | None]
"""Kind, where, and the activity, group and entry that the finding names."""

ON_BILLS_SIDE: dict[str, tuple[Damage, list[Named]]] = {
    "a member's row is gone": (
        lambda books: without_member(books, 4),
        [
            (Found.MEMBER_ROW_MISSING, At.TABLES, 4, 4, None),
            (Found.MINUTES_OFF, At.TABLES, None, None, None),  # the day holds minutes of 4 that nothing accounts for
            (Found.ROW_MISSING, At.TABLES, 4, None, None),
        ],
    ),
    "an activity is in two groups": (
        lambda books: replace(books, members=(*books.members, MemberRow(5, 4, HASH[4]))),
        [
            (Found.MEMBER_ROW_MISSING, At.TABLES, 4, 5, None),
            (Found.MINUTES_OFF, At.TABLES, None, None, None),  # 4 counts as held now
            (Found.ROW_DOUBLE, At.TABLES, 4, None, None),
        ],
    ),
    "a tombstone was ignored": (
        lambda books: replace(books, groups=books.groups | {9: StoredGroup(group(1), 50)}),
        [(Found.TOMBSTONE_IGNORED, At.TABLES, None, 9, None)],
    ),
    "a group's value was lost": (
        lambda books: replace(books, groups={name: one for name, one in books.groups.items() if name != 4}),
        [(Found.GROUP_MISSING, At.TABLES, None, 4, None), (Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "a group's value is an old one": (
        lambda books: replace(books, groups=books.groups | {5: StoredGroup(replace(SAID[5], confidence=1), 50)}),
        [(Found.GROUP_DIFFERS, At.TABLES, None, 5, None)],
    ),
    "an entry is there twice, for another matter": (
        lambda books: entries(books, EntryRow(12, 3, DAY, False, True, 0, 0)),
        [(Found.ENTRY_DOUBLED, At.TABLES, None, 3, 12)],
    ),
    "an activity's minutes are in two entries": (
        lambda books: entries(
            books,
            EntryRow(12, 3, DAY, False, False, 6 * MINUTE, 6 * MINUTE),
            parts=(EntryPartRow(12, 3, 6 * MINUTE, True),),
        ),
        [(Found.ENTRY_DOUBLED, At.TABLES, None, None, 12)],
    ),
    "an entry was released, and proposed again": (
        lambda books: entries(
            books,
            EntryRow(9, 3, DAY, True, True, 6 * MINUTE, 6 * MINUTE),
            parts=(EntryPartRow(9, 3, 6 * MINUTE, True),),
        ),
        [(Found.ENTRY_DOUBLED, At.TABLES, None, None, 11), (Found.ENTRY_ORPHAN, At.TABLES, None, 3, 11)],
    ),
    "an entry is gone": (
        lambda books: replace(books, entries=books.entries[:1], parts=books.parts[:2]),
        [(Found.ENTRY_MISSING, At.TABLES, None, 3, None), (Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "an entry is of a group that nobody has": (
        lambda books: entries(books, EntryRow(12, 8, DAY, False, False, 0, 0)),
        [(Found.ENTRY_ORPHAN, At.TABLES, None, 8, 12)],
    ),
    "an entry is of a day without work": (
        lambda books: entries(books, EntryRow(12, 3, date(2026, 3, 3), False, False, 0, 0)),
        [(Found.ENTRY_ORPHAN, At.TABLES, None, 3, 12)],
    ),
    "an entry's minutes aren't its parts'": (
        lambda books: replace(books, entries=(replace(books.entries[0], allocated_us=1), books.entries[1])),
        [(Found.MINUTES_OFF, At.TABLES, None, 1, 10), (Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "a part's minutes are another's": (
        lambda books: replace(
            books,
            parts=(
                replace(books.parts[0], allocated_us=60 * MINUTE),
                replace(books.parts[1], allocated_us=30 * MINUTE),
                books.parts[2],
            ),
        ),
        [(Found.MINUTES_OFF, At.TABLES, None, 1, None)],
    ),
    "minutes aren't conserved": (
        lambda books: day(books, captured_us=130 * MINUTE),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "minutes are conserved, but too few": (
        lambda books: day(books, captured_us=126 * MINUTE, excluded_us=0),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "minutes moved from one class to another": (
        lambda books: day(books, billable_us=90 * MINUTE, non_billable_us=6 * MINUTE),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "a day's minutes are gone": (
        lambda books: replace(books, days={}),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None)],
    ),
    "a part hangs on another timekeeper's entry": (
        lambda books: replace(books, foreign_parts=(EntryPartRow(10, 99, 0, False),)),
        [(Found.WRONG_OWNER, At.TABLES, 99, None, 10)],
    ),
    "a group holds another timekeeper's activity": (
        lambda books: replace(
            books, members=(*books.members, MemberRow(5, 99, HASH[1])), other_owners={99: Scope(1, 3)}
        ),
        [(Found.MEMBER_ROW_MISSING, At.TABLES, 99, 5, None), (Found.WRONG_OWNER, At.TABLES, 99, 5, None)],
    ),
}

JOINED, PARTED = Together(20, (1, 2)), Apart(21, (1,), (3,))

ON_THE_WAY: dict[str, tuple[Damage, list[Named], Mending]] = {
    "an insert was missed": (
        lambda books: live(books, 8, replace(ACTIVITIES[6], id=8, excluded=False)),
        [(Found.ROW_MISSING, At.BOTH, 8, None, None)],
        Mending(again=(("activity", 8),)),
    ),
    "a delete was missed": (
        lambda books: live(
            replace(books, days={DAY: DayRow(131 * MINUTE, 96 * MINUTE, 0, 20 * MINUTE, 10 * MINUTE, 5 * MINUTE)}),
            4,
            None,
        ),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None), (Found.ROW_EXTRA, At.BOTH, 4, 4, None)],
        Mending(gone=(("activity", 4),)),
    ),
    "an update was missed": (
        lambda books: live(books, 4, replace(ACTIVITIES[4], words=Words(title="renamed"))),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None), (Found.STALE_VERSION, At.BOTH, 4, 4, None)],
        Mending(again=(("activity", 4),)),
    ),
    "an exclusion was missed": (
        lambda books: on_topic(books, 6, group(6)),
        [(Found.EXCLUDED_GROUPED, At.BOTH, 6, 6, None)],
        Mending(again=(("activity", 6),)),
    ),
    "the topic holds one activity twice": (
        lambda books: on_topic(books, 9, group(5, disposition=Disposition.HELD)),
        [(Found.ROW_DOUBLE, At.BOTH, 5, None, None)],
        Mending(again=(("activity", 5),)),
    ),
    "an activity went to another timekeeper, and stayed": (
        lambda books: replace(on_topic(live(books, 5, None), 5, SAID[5]), other_owners={5: Scope(1, 3)}),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None), (Found.WRONG_OWNER, At.BOTH, 5, 5, None)],
        Mending(moved=(5,)),
    ),
    "feedback was missed": (
        lambda books: replace(books, decisions={("feedback", 20): JOINED}),
        [(Found.DECISION_MISSED, At.TOPIC, None, None, None)],
        Mending(again=(("feedback", 20),)),
    ),
    "feedback was changed, and that was missed": (
        lambda books: replace(
            books, decisions={("feedback", 20): JOINED}, applied={("feedback", 20): replace(JOINED, ids=(1, 3))}
        ),
        [(Found.DECISION_MISSED, At.TOPIC, None, None, None)],
        Mending(again=(("feedback", 20),)),
    ),
    "feedback can't be read any more, but is heeded": (
        lambda books: replace(books, decisions={("feedback", 20): None}, applied={("feedback", 20): JOINED}),
        [(Found.DECISION_MISSED, At.TOPIC, None, None, None)],
        Mending(again=(("feedback", 20),)),
    ),
    "feedback was taken back, and that was missed": (
        lambda books: replace(books, applied={("feedback", 21): PARTED}),
        [(Found.DECISION_EXTRA, At.TOPIC, None, None, None)],
        Mending(gone=(("feedback", 21),)),
    ),
    "a row that can't be read has no dead letter": (
        lambda books: replace(books, dead_letters={}),
        [(Found.ROW_MISSING, At.BOTH, 7, None, None)],
        Mending(again=(("activity", 7),)),
    ),
    "a row is grouped that can't be read any more": (
        lambda books: replace(
            books,
            live=books.live | {4: LiveActivity(None, "", NINE)},
            dead_letters={("activity", 4): frozenset({""}), ("activity", 7): frozenset({""})},
        ),
        [(Found.MINUTES_OFF, At.TABLES, None, None, None), (Found.STALE_VERSION, At.BOTH, 4, 4, None)],
        Mending(again=(("activity", 4),)),
    ),
}


def named(findings: tuple[Finding, ...]) -> list[Named]:
    return sorted(
        ((one.kind, one.at, one.activity, one.group, one.entry) for one in findings),
        key=lambda name: (name[0], name[2] or 0, name[4] or 0),
    )


def in_order(names: list[Named]) -> list[Named]:
    return sorted(names, key=lambda name: (name[0], name[2] or 0, name[4] or 0))


@pytest.mark.parametrize("damage", ON_BILLS_SIDE)
def test_damage_to_the_tables_is_named_and_taken_from_the_topic_again(damage: str) -> None:
    plant, names = ON_BILLS_SIDE[damage]
    findings = audit(plant(RIGHT)).findings
    assert named(findings) == in_order(names)
    assert mending(findings, tried=False) == Mending(retake=True)


@pytest.mark.parametrize("damage", ON_THE_WAY)
def test_what_was_missed_is_named_and_said_again(damage: str) -> None:
    plant, names, how = ON_THE_WAY[damage]
    findings = audit(plant(RIGHT)).findings
    assert named(findings) == in_order(names)
    assert mending(findings, tried=False) == how
    assert mending(findings, tried=True) == replace(how, begin_again=True)


def test_every_kind_is_planted_above() -> None:
    planted = [names for _, names in ON_BILLS_SIDE.values()] + [names for _, names, _ in ON_THE_WAY.values()]
    assert {name[0] for names in planted for name in names} == set(Found)


def test_a_dead_letter_of_older_content_excuses_nothing() -> None:
    mended = live(RIGHT, 7, activity(7, 400, 401))
    assert named(audit(mended).findings) == [(Found.ROW_MISSING, At.BOTH, 7, None, None)]


def test_a_dead_letter_of_this_very_content_does() -> None:
    one = activity(7, 400, 401)
    buried = replace(live(RIGHT, 7, one), dead_letters={("activity", 7): frozenset({"", content_hash(one)})})
    assert audit(buried).findings == ()


def test_a_released_entry_stays_as_it_was_seen() -> None:
    released = replace(RIGHT, entries=(RIGHT.entries[0], replace(RIGHT.entries[1], frozen=True)))
    renamed = live(released, 3, replace(ACTIVITIES[3], words=Words(title="renamed"), kind=Kind.MESSAGE))
    hash = renamed.live[3].hash
    followed = on_topic(renamed, 3, replace(SAID[3], members=(Member(3, hash),)))
    # A message is worth 3 minutes where a mail is worth 6; the entry keeps its 6, the day counts 3.
    assert audit(day(followed, captured_us=128 * MINUTE, billable_us=93 * MINUTE)).findings == ()


def test_hashes_differ_where_contents_do() -> None:
    found = audit(live(RIGHT, 4, replace(ACTIVITIES[4], words=Words(title="renamed"))))
    assert found.live_hash != found.grouped_hash


def test_what_is_found_again_in_the_same_state_is_damage_and_what_changed_was_in_flight() -> None:
    both = without_member(live(RIGHT, 8, replace(ACTIVITIES[6], id=8, excluded=False)), 4)
    later = live(both, 8, replace(ACTIVITIES[6], id=8, excluded=False, app="changed"))
    damage, in_flight = proven(audit(both).findings, audit(later))
    assert {finding.activity for finding in damage} == {4, None}
    assert [finding.activity for finding in in_flight] == [8]


def test_a_row_that_went_there_and_back_was_in_flight() -> None:
    missing = live(RIGHT, 8, replace(ACTIVITIES[6], id=8, excluded=False))
    back = replace(missing, live=missing.live | {8: replace(missing.live[8], changed_at=NINE + 2)})
    damage, in_flight = proven(audit(missing).findings, audit(back))
    assert damage == []
    assert len(in_flight) == 1


def test_what_came_after_the_mark_is_not_judged() -> None:
    later = live(RIGHT, 8, replace(ACTIVITIES[6], id=8, excluded=False))
    assert proven(audit(RIGHT).findings, audit(later)) == ([], [])


def test_a_decision_that_is_a_dead_letter_is_accounted_for() -> None:
    unknown = replace(RIGHT, decisions={("activation", 30): Activation(30, "no such model")})
    assert audit(unknown).findings
    assert (
        audit(replace(unknown, dead_letters=dict(RIGHT.dead_letters) | {("activation", 30): frozenset({""})})).findings
        == ()
    )


def test_decisions_that_the_worker_goes_by_are_right() -> None:
    rows = {("feedback", 20): JOINED, ("feedback", 21): PARTED}
    assert audit(replace(RIGHT, decisions=rows, applied=rows)).findings == ()
