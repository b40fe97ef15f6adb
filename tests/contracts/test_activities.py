"""A collector may write the same again and again without harm; a row is the value that its change event is."""

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import Connection, text

from connectors.mariadb.source import activities, captured_rows, directory
from connectors.mariadb.source.activities import CollectedActivity, UpsertCounts
from schemas.changes import decode_change
from schemas.keys import Scope
from schemas.outcomes import Ok, Reason
from schemas.row_decoders import BadRow
from schemas.values import Activity, Apart, Kind, Mark, MarkKind, Release, Together, Words
from tests.contracts.conftest import Database, session

pytestmark = pytest.mark.stack

# 2026-03-02T09:00:00.000001Z: 20514 days after 1970-01-01 (56 years with 14 leap days, then 60 days), 9 hours, 1 us.
NINE_US = (20_514 * 86_400 + 9 * 3_600) * 1_000_000 + 1

MAIL = CollectedActivity(
    "test", "mail-1", Kind.MAIL, NINE_US, None, "Europe/Berlin", Words(title="Draft ü", people=("a@b.example",))
)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with session(database.admin) as connection:
        yield connection


@pytest.fixture
def scope(connection: Connection) -> Scope:
    return directory.ensure_timekeeper(connection, "one@firm.example", "one firm")


def test_writing_again_adds_nothing(connection: Connection, scope: Scope) -> None:
    other = msgspec.structs.replace(MAIL, source_id="mail-2")
    assert activities.upsert_activities(connection, scope, [MAIL, other]) == UpsertCounts(new=2, changed=0, same=0)
    assert activities.upsert_activities(connection, scope, [MAIL, other]) == UpsertCounts(new=0, changed=0, same=2)
    assert activities.count_activities(connection, scope) == 2


def test_writing_the_same_again_says_nothing_in_the_binlog(database: Database) -> None:
    with session(database.admin) as connection:
        scope = directory.ensure_timekeeper(connection, "two@firm.example", "one firm")
        activities.upsert_activities(connection, scope, [MAIL])
        connection.commit()
        before = said_last(connection)
        activities.upsert_activities(connection, scope, [MAIL])
        connection.commit()
        assert said_last(connection) == before
        activities.upsert_activities(connection, scope, [msgspec.structs.replace(MAIL, app="Mail")])
        connection.commit()
        assert said_last(connection) != before
        activities.delete_activities(
            connection, scope, list(activities.read_activity_ids(connection, scope, "test", ["mail-1"]).values())
        )
        connection.commit()


def said_last(connection: Connection) -> str:
    """The last transaction that this session wrote to the binlog; capture's heartbeat writes to it meanwhile."""
    return str(connection.execute(text("SELECT @@SESSION.last_gtid")).scalar_one())


def test_what_differs_is_changed_in_its_row(connection: Connection, scope: Scope) -> None:
    activities.upsert_activities(connection, scope, [MAIL])
    (id_,) = activities.read_activity_ids(connection, scope, "test", ["mail-1"]).values()
    later = msgspec.structs.replace(MAIL, ended_at=NINE_US + 60_000_000, words=Words(title="Sent"))
    assert activities.upsert_activities(connection, scope, [later]) == UpsertCounts(new=0, changed=1, same=0)
    ((read, value),) = captured_rows.read_rows(connection, scope, "activity", [id_])
    assert read == id_
    assert isinstance(value, Activity)
    assert (value.ended_at, value.words) == (NINE_US + 60_000_000, Words(title="Sent"))


def test_of_two_with_one_source_id_the_later_wins(connection: Connection, scope: Scope) -> None:
    renamed = msgspec.structs.replace(MAIL, app="renamed")
    assert activities.upsert_activities(connection, scope, [MAIL, renamed]) == UpsertCounts(new=1, changed=0, same=0)
    ((_, value),) = captured_rows.read_all_rows(connection, scope, "activity")
    assert isinstance(value, Activity)
    assert value.app == "renamed"


def test_what_a_person_set_stays(connection: Connection, scope: Scope) -> None:
    client = directory.ensure_client(connection, scope.firm, "client")
    matter = directory.ensure_matter(connection, scope.firm, client, "1", name="matter")
    activities.upsert_activities(connection, scope, [MAIL])
    connection.execute(text("UPDATE activity SET matter_id = :matter, billable = 0, excluded = 1"), {"matter": matter})
    activities.upsert_activities(connection, scope, [MAIL])
    ((_, value),) = captured_rows.read_all_rows(connection, scope, "activity")
    assert isinstance(value, Activity)
    assert (value.matter, value.billable, value.excluded) == (matter, False, True)


def test_only_the_timekeepers_own_rows_are_read_and_removed(connection: Connection, scope: Scope) -> None:
    other = directory.ensure_timekeeper(connection, "other@firm.example", "one firm")
    activities.upsert_activities(connection, scope, [MAIL])
    (id_,) = activities.read_activity_ids(connection, scope, "test", ["mail-1"]).values()
    assert activities.read_activity_ids(connection, other, "test", ["mail-1"]) == {}
    assert list(captured_rows.read_rows(connection, other, "activity", [id_])) == []
    assert activities.delete_activities(connection, other, [id_]) == 0
    assert activities.delete_activities(connection, scope, [id_]) == 1


def test_reading_goes_on_past_a_chunk(connection: Connection, scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured_rows, "CHUNK_ROWS", 2)
    activities.upsert_activities(connection, scope, [msgspec.structs.replace(MAIL, source_id=str(n)) for n in range(5)])
    read = [id_ for id_, _ in captured_rows.read_all_rows(connection, scope, "activity")]
    assert len(read) == 5
    assert read == sorted(set(read))
    assert [id_ for id_, _ in captured_rows.read_rows(connection, scope, "activity", read[::-1])] == read


def test_an_activity_row_is_the_value_of_its_change_event(connection: Connection, scope: Scope) -> None:
    client = directory.ensure_client(connection, scope.firm, "client")
    matter = directory.ensure_matter(connection, scope.firm, client, "1", name="matter")
    connection.execute(
        text(
            "INSERT INTO activity (id, firm_id, timekeeper_id, source, source_id, kind, app, started_at, ended_at,"
            " zone, words, matter_id, billable, excluded) VALUES (700, :firm, :timekeeper, 'test', 'x', 'mail', 'Mail',"
            " '2026-03-02 09:00:00.000001', '2026-03-02 09:01:00', 'Europe/Berlin', :words, :matter, 0, 1)"
        ),
        {"firm": scope.firm, "timekeeper": scope.timekeeper, "matter": matter, "words": '{"title":"Draft ü 🙂"}'},
    )
    row = {
        "id": 700,
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "source": "test",
        "source_id": "x",
        "kind": "mail",
        "app": "Mail",
        "started_at": NINE_US,
        "ended_at": NINE_US - 1 + 60_000_000,
        "zone": "Europe/Berlin",
        "words": '{"title":"Draft ü 🙂"}',
        "matter_id": matter,
        "billable": 0,
        "excluded": 1,
        "said": 0,
    }
    assert list(captured_rows.read_all_rows(connection, scope, "activity")) == [(700, _event("activity", row))]


def test_the_least_activity_row_is_the_value_of_its_change_event(connection: Connection, scope: Scope) -> None:
    connection.execute(
        text(
            "INSERT INTO activity (id, firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words)"
            " VALUES (701, :firm, :timekeeper, 'test', 'x', 'commit', '2026-03-02 09:00:00.000001', 'UTC', '{}')"
        ),
        {"firm": scope.firm, "timekeeper": scope.timekeeper},
    )
    row = {
        "id": 701,
        "firm_id": scope.firm,
        "timekeeper_id": scope.timekeeper,
        "kind": "commit",
        "app": None,
        "started_at": NINE_US,
        "ended_at": None,
        "zone": "UTC",
        "words": "{}",
        "matter_id": None,
        "billable": None,
        "excluded": 0,
    }
    assert list(captured_rows.read_all_rows(connection, scope, "activity")) == [(701, _event("activity", row))]


@pytest.mark.parametrize(
    ("table", "columns", "value"),
    [
        ("feedback", {"verb": "'together'", "left_ids": "'[1,2]'"}, Together(9, (1, 2))),
        ("feedback", {"verb": "'apart'", "left_ids": "'[1]'", "right_ids": "'[2, 3]'"}, Apart(9, (1,), (2, 3))),
        ("release", {"activity_ids": "'[5]'", "seen": """'{"minutes": 6}'"""}, Release(9, (5,), '{"minutes": 6}')),
        ("mark", {"kind": "'close'", "token": "'t'", "period_id": "4"}, Mark(9, MarkKind.CLOSE, "t", 4)),
    ],
)
def test_other_rows_are_values_too(
    connection: Connection, scope: Scope, table: str, columns: dict[str, str], value: object
) -> None:
    names, literals = ", ".join(columns), ", ".join(columns.values())
    connection.execute(
        text(f"INSERT INTO `{table}` (id, firm_id, timekeeper_id, {names}) VALUES (9, :firm, :timekeeper, {literals})"),
        {"firm": scope.firm, "timekeeper": scope.timekeeper},
    )
    assert list(captured_rows.read_all_rows(connection, scope, table)) == [(9, value)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("words = '[]'", Reason.BAD_WORDS),
        ("""words = '{"sealed":"x"}'""", Reason.SEALED),
        ("kind = 'telepathy'", Reason.BAD_COLUMN),
        ("zone = 'Middle/Earth'", Reason.BAD_COLUMN),
        ("ended_at = started_at - INTERVAL 1 MICROSECOND", Reason.BAD_INTERVAL),
        ("ended_at = started_at + INTERVAL 401 DAY", Reason.BAD_INTERVAL),
        ("started_at = '1969-12-31 23:59:59.999999'", Reason.BAD_INTERVAL),
    ],
)
def test_a_bad_row_is_told_with_the_reason_of_its_dead_letter(
    connection: Connection, scope: Scope, change: str, reason: Reason
) -> None:
    activities.upsert_activities(connection, scope, [MAIL])
    connection.execute(text(f"UPDATE activity SET {change}"))
    ((_, read),) = captured_rows.read_all_rows(connection, scope, "activity")
    assert isinstance(read, BadRow)
    assert read.reason is reason


def _event(table: str, after: dict[str, object]) -> object:
    envelope = {"before": None, "after": after, "source": {"table": table, "ts_ms": 0}, "op": "c"}
    outcome = decode_change(msgspec.json.encode(envelope), 0, 0)
    assert isinstance(outcome, Ok)
    return outcome.value.value
