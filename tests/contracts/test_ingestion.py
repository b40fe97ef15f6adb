"""What bill takes: any order of row changes and group records leaves the entries and minutes that slicing everything at
once gives; nothing is taken twice, by two, or from a process that was fenced.
"""

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from connectors.mariadb.billing.ingestion import GroupsBatch, GroupsRecord, ingest, read_stale_members
from connectors.mariadb.tables.column_types import to_datetime
from processors.billing.entries.billing_day import instant
from schemas.errors import PartitionFenced
from schemas.groups import Disposition, Lineage, PublishedGroup
from schemas.topics import GROUPS
from schemas.values import MarkKind
from tests.contracts.ledger import MINUTE, PARTITION, Books

pytestmark = pytest.mark.stack

NINE = instant(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
MONDAY = date(2026, 3, 2)
AROUND_FOUR = instant(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))  # the night in which Europe's clocks go forward
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")


def narratives(books: Books) -> list[str]:
    return sorted(str(entry["narrative"]) for entry in books.stored()[0].values())


def test_an_activity_becomes_an_entry(books: Books) -> None:
    books.insert(NINE, 30, "a", words='{"title":"Lease draft"}')
    books.say()
    entries, minutes = books.stored()
    assert narratives(books) == ["Lease draft."]
    assert [entry["allocated_us"] for entry in entries.values()] == [30 * MINUTE]
    assert minutes == {MONDAY: (30 * MINUTE, 30 * MINUTE, 0, 0, 0, 0)}


def test_a_group_that_goes_takes_its_entry_along(books: Books) -> None:
    activity = books.insert(NINE, 30, "a")
    books.say()
    books.delete(activity)
    books.say()
    assert books.stored() == ({}, {})


def test_held_and_outliers_are_minutes_but_no_entries(books: Books) -> None:
    books.insert(NINE, 30, "held")
    books.insert(NINE + 60 * MINUTE, 20, "outlier")
    books.dispositions |= {"held": Disposition.HELD, "outlier": Disposition.OUTLIER}
    books.say()
    assert books.stored() == ({}, {MONDAY: (50 * MINUTE, 0, 0, 30 * MINUTE, 20 * MINUTE, 0)})


def test_a_held_group_that_is_shown_becomes_an_entry(books: Books) -> None:
    books.insert(NINE, 30, "a")
    books.dispositions["a"] = Disposition.HELD
    books.say()
    books.dispositions["a"] = Disposition.WORK
    books.say()
    assert len(books.stored()[0]) == 1
    assert books.stored() == books.expected()


def test_an_entry_keeps_its_row_when_its_group_is_renamed(books: Books, pipeline: Engine) -> None:
    """The group's smallest activity goes; the entry, with whatever a person did to it, stays with the work."""
    first = books.insert(NINE, 5, "a")
    books.insert(NINE + 10 * MINUTE, 30, "a")
    books.say()
    before = entry_ids(books, pipeline)
    books.delete(first)
    books.say()
    assert entry_ids(books, pipeline) == before
    assert books.stored() == books.expected()


def entry_ids(books: Books, pipeline: Engine) -> list[int]:
    query = text("SELECT id FROM entry WHERE timekeeper_id = :t ORDER BY id")
    with pipeline.connect() as connection:
        return list(connection.execute(query, {"t": books.scope.timekeeper}).scalars())


def test_a_row_newer_than_its_group_waits_for_the_group(books: Books) -> None:
    activity = books.insert(NINE, 30, "a")
    records = books.records()
    books.update(activity, ended_at=to_datetime(NINE + 90 * MINUTE))
    taken = books.take(records)
    assert taken.stale == {books.scope: {activity}}
    assert books.stored() == ({}, {})
    assert read_stale_members(books.pipeline, PARTITION)[books.scope] == {activity}
    again = books.take(books.records())
    assert (again.stale, again.resolved) == ({}, {books.scope: {activity}})
    assert books.stored() == books.expected()
    assert books.scope not in read_stale_members(books.pipeline, PARTITION)


def test_a_row_that_was_changed_and_changed_back_is_found_again(books: Books) -> None:
    """The worker saw both changes at once and said nothing, so only looking again finds it."""
    activity = books.insert(NINE, 30, "a")
    books.insert(NINE + 60 * MINUTE, 30, "b")
    books.say()
    books.update(activity, ended_at=to_datetime(NINE + 40 * MINUTE))
    books.insert(NINE + 120 * MINUTE, 30, "b")
    changed = [record for record in books.records() if record.key.group != activity]  # type: ignore[union-attr]
    books.take(changed)
    assert books.doubts == {books.scope: {activity}}
    books.update(activity, ended_at=to_datetime(NINE + 30 * MINUTE))
    books.look_again()
    assert books.doubts == {}
    assert books.stored() == books.expected()
    assert len(books.stored()[0]) == 2


def test_an_older_record_of_a_group_is_ignored(books: Books) -> None:
    activity = books.insert(NINE, 30, "a")
    books.say()
    old = PublishedGroup(books.groups()[activity], Lineage(PARTITION, books.offset - 1))
    books.insert(NINE + 60 * MINUTE, 30, "a")
    books.say()
    taken = books.take([GroupsRecord(books.records_key(activity), old)])
    assert taken.superseded == 1
    assert books.stored() == books.expected()


def test_a_second_owner_fences_the_first(books: Books) -> None:
    books.insert(NINE, 30, "a")
    records = books.records()
    asleep = GroupsBatch(GROUPS.name, PARTITION, books.place, books.place + 1, records)
    books.take(records)
    before = books.stored()
    with pytest.raises(PartitionFenced):
        ingest(books.pipeline, asleep, books.decisions)
    assert books.stored() == before


def test_a_failure_leaves_nothing_behind(books: Books) -> None:
    """The offset moves with the rows or not at all."""
    books.insert(NINE, 30, "a")
    records = books.records()

    class Broken(type(books.decisions)):  # type: ignore[misc]
        def draft_days(self, *_: object, **__: object) -> list[object]:
            raise RuntimeError("a bug")

    place = books.place
    with pytest.raises(RuntimeError):
        ingest(books.pipeline, GroupsBatch(GROUPS.name, PARTITION, place, place + 1, records), Broken())
    assert books.stored() == ({}, {})
    books.take(records)
    assert books.stored() == books.expected()


def test_a_mark_counts_excluded_rows_that_no_record_tells_of(books: Books) -> None:
    books.insert(NINE, 30, "a")
    books.say()
    secret = books.insert(NINE + 10 * MINUTE, 5, excluded=True)
    books.take([books.mark(MarkKind.VERIFY)])
    assert books.stored()[1] == {MONDAY: (30 * MINUTE, 25 * MINUTE, 0, 0, 0, 5 * MINUTE)}
    books.delete(secret)
    books.take([books.mark(MarkKind.VERIFY)])
    assert books.stored()[1] == {MONDAY: (30 * MINUTE, 30 * MINUTE, 0, 0, 0, 0)}


def test_a_mark_is_seen_once_however_often_it_is_passed_on(books: Books, pipeline: Engine) -> None:
    mark = books.mark(MarkKind.VERIFY)
    books.take([mark, mark])
    books.take([mark])
    query = text("SELECT COUNT(*) FROM mark_seen WHERE timekeeper_id = :t")
    with pipeline.connect() as connection:
        assert connection.execute(query, {"t": books.scope.timekeeper}).scalar() == 1


def test_released_is_frozen(books: Books, pipeline: Engine) -> None:
    """What hangs on a released entry neither changes it nor gets into another one."""
    first = books.insert(NINE, 30, "a")
    books.say()
    with pipeline.begin() as connection:
        connection.execute(
            text("UPDATE entry SET status = 'released' WHERE timekeeper_id = :t"), {"t": books.scope.timekeeper}
        )
    before = books.stored()[0]
    books.update(first, ended_at=to_datetime(NINE + 45 * MINUTE))
    books.insert(NINE + 60 * MINUTE, 30, "b")
    books.say()
    after = books.stored()[0]
    assert {key: after[key] for key in before} == before
    assert len(after) == 2
    assert sum(first in entry["parts"] for entry in after.values()) == 1  # type: ignore[operator]


@st.composite
def times(draw: st.DrawFn) -> tuple[int, int | None]:
    start = AROUND_FOUR + draw(st.integers(-1500, 1500)) * MINUTE if draw(st.booleans()) else None
    start = AROUND_FOUR + draw(st.integers(0, 90)) * MINUTE if start is None else start
    return start, draw(st.none() | st.integers(0, 60) | st.integers(0, 2000))


Step = tuple[str, int, tuple[int, int | None], str, str, bool]
steps = st.tuples(
    st.sampled_from(("insert", "insert", "move", "relabel", "exclude", "delete", "dispose", "say", "again", "replay")),
    st.integers(0, 20),
    times(),
    st.sampled_from(("a", "b", "c")),
    st.sampled_from(ZONES),
    st.booleans(),
)


@given(st.lists(steps, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_in_what_slicing_everything_gives(collector: Engine, pipeline: Engine, history: list[Step]):
    books = Books(collector, pipeline)
    for step in history:
        _do(books, *step)
    books.say()
    books.look_again()
    books.take([books.mark(MarkKind.VERIFY)])
    assert books.doubts == {}
    assert books.stored() == books.expected()


def _do(books: Books, what: str, which: int, when: tuple[int, int | None], label: str, zone: str, flag: bool) -> None:
    start, minutes = when
    known = sorted(books.labels)
    chosen = known[which % len(known)] if known else None
    ended = None if minutes is None else to_datetime(start + minutes * MINUTE)
    if what == "insert":
        matter = books.matters[which % 2] if flag else None
        books.insert(start, minutes, label, zone=zone, matter=matter, excluded=which > 18)
    elif what == "say":
        books.say()
    elif what == "again":
        books.look_again()
    elif what == "replay" and books.said:
        name = sorted(books.said)[which % len(books.said)]
        books.take([GroupsRecord(books.records_key(name), PublishedGroup(books.said[name], Lineage(PARTITION, 1)))])
    elif what == "dispose":
        books.dispositions[label] = list(Disposition)[which % 3]
    elif chosen is None:
        return
    elif what == "move":
        books.update(chosen, started_at=to_datetime(start), ended_at=ended, zone=zone)
    elif what == "relabel":
        books.labels[chosen] = label
    elif what == "exclude":
        books.update(chosen, excluded=flag)
    elif what == "delete":
        books.delete(chosen)
