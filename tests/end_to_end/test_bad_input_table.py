"""What a collector, a person or an administrator writes into the tables: refused there, a dead letter, or taken.

All is written at once, each for a timekeeper of its own, who then gets a good row. Behind a mark of each, letters are
looked at and everything is verified; `group` and `bill` must be the processes that they were.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from connectors.kafka.records.open_dead_letters import read_letters
from schemas.dead_letters import DeadLetterRecord
from schemas.groups import Group
from schemas.keys import Scope
from schemas.row_decoders import JSON_ERRORS
from streams.verify.audit import Auditor, AuditResult
from tests.bad_input import NONE, told
from tests.live import Live
from tests.programs import eventually, running

pytestmark = pytest.mark.stack

SECTION = "To the tables"
WITHIN_S = 120
EQUAL_S = 120
"""A bound on what must not grow with the square of the rows."""
MINE = "firm_id, timekeeper_id"
FRAME = len(json.dumps({"title": ""}))
LARGE = 65_536 - FRAME


class World(msgspec.Struct, frozen=True):
    """A timekeeper with two activities, `lease` and `audit`, and a neighbour in another firm."""

    live: Live
    admin: Engine
    who: Scope
    other: Scope
    lease: int
    audit: int

    def run(self, statement: str, *, as_admin: bool = False, **values: object) -> None:
        """A statement as the collector; `:f` and `:t` are the timekeeper, `:a` and `:b` the activities."""
        known = {"f": self.who.firm, "t": self.who.timekeeper, "a": self.lease, "b": self.audit}
        known |= {"of": self.other.firm, "ot": self.other.timekeeper}
        with (self.admin if as_admin else self.live.collector).begin() as connection:
            connection.execute(text(statement), known | values)

    def insert(self, title: str = "Deed of sale.docx", **columns: object) -> None:
        """An activity with these columns."""
        self.live.insert(self.who, title, **{"minute": 200, **columns})  # type: ignore[arg-type]

    def decide(self, table: str, **columns: object) -> None:
        """A feedback, release or activation."""
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        self.run(f"INSERT INTO `{table}` ({MINE}, {names}) VALUES (:f, :t, {values})", **columns)


class Case(msgspec.Struct, frozen=True):
    """`refused` is what the table says where it takes no such thing; `reason` a dead letter's, or a dash."""

    do: Callable[[World], object]
    reason: str = NONE
    refused: str = ""


def moved(world: World) -> None:
    """To another firm's timekeeper, back, and there again."""
    move = "UPDATE activity SET firm_id = :tf, timekeeper_id = :tt WHERE id = :a"
    for to in (world.other, world.who, world.other):
        world.run(move, tf=to.firm, tt=to.timekeeper)


def again(world: World) -> None:
    """The same id is there, gone, and there again with other words, in one transaction."""
    with world.live.collector.begin() as connection:
        row = connection.execute(text("SELECT * FROM activity WHERE id = :a"), {"a": world.lease}).mappings().one()
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text("DELETE FROM activity WHERE id = :a"), {"a": world.lease})
        other = {**row, "words": '{"title": "Quarterly audit of the bakery.xlsx"}'}
        connection.execute(text(f"INSERT INTO activity ({names}) VALUES ({values})"), other)


def rolled_back(world: World) -> None:
    """A transaction that doesn't end well."""
    with world.live.collector.connect() as connection:
        connection.execute(text("DELETE FROM activity WHERE id = :a"), {"a": world.lease})
        connection.rollback()


def loaded(world: World) -> None:
    """Rows of a file, by LOAD DATA."""
    path = world.live.stack.home.path / f"load-{os.getpid()}.tsv"
    lines = [
        f"{world.who.firm}\t{world.who.timekeeper}\tload\t{n}\twindow\t2026-03-02 09:{n:02}:00\tUTC\t{{}}"
        for n in range(50)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    engine = create_engine(world.live.settings.mariadb().url("collector"), connect_args={"local_infile": True})
    columns = f"{MINE}, source, source_id, kind, started_at, zone, words"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE activity ({columns})")
    engine.dispose()
    path.unlink()


def ids(count: int, first: int = 1) -> str:
    return json.dumps(list(range(first, first + count)))


REPLACED = (
    "REPLACE INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words)"
    " SELECT firm_id, timekeeper_id, source, source_id, 'mail', started_at, zone, '{}' FROM activity WHERE id = :a"
)
UPSERTED = (
    "INSERT INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words)"
    " SELECT firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words FROM activity WHERE id = :a"
    " ON DUPLICATE KEY UPDATE app = 'Other'"
)
STRANGER = "UPDATE activity SET timekeeper_id = :ot WHERE id = :a"

CASES: dict[str, Case] = {
    "64 KB of words, by INSERT": Case(lambda w: w.insert("x" * LARGE)),
    "64 KB of words, by UPDATE": Case(lambda w: w.live.update(w.lease, words=json.dumps({"title": "x" * LARGE}))),
    "64 KB in letters of four bytes": Case(
        lambda w: w.insert(words=json.dumps({"title": "🙂" * (LARGE // 4)}, ensure_ascii=False))
    ),
    "a byte more than 64 KB, by INSERT": Case(lambda w: w.insert("x" * (LARGE + 1)), refused="words_size"),
    "a byte more than 64 KB, by UPDATE": Case(
        lambda w: w.live.update(w.lease, words=json.dumps({"title": "x" * (LARGE + 1)})), refused="words_size"
    ),
    "words that aren't JSON": Case(lambda w: w.insert(words="hello"), refused="words_json"),
    "half a letter (a lone surrogate)": Case(lambda w: w.insert(words='{"title":"\\ud800"}'), refused="words_json"),
    "words of 40 brackets": Case(lambda w: w.insert(words="[" * 40 + "]" * 40), refused="words_json"),
    "words of another type": Case(lambda w: w.insert(words='{"title":7}'), "bad_words"),
    "words that are a list": Case(lambda w: w.insert(words="[]"), "bad_words"),
    "sealed words": Case(lambda w: w.insert(words='{"sealed":"c2VjcmV0"}'), "sealed"),
    "NUL and control characters": Case(lambda w: w.insert("a\0b\x1b[2J\x7f\u0085", app="a\0b")),
    "letters from right to left, combining, joined": Case(lambda w: w.insert("\u202eשלום e\u0301 👩‍👩‍👧 ﷺ")),
    "an unknown zone": Case(lambda w: w.insert(zone="Mars/Olympus"), "bad_column"),
    "a zone with a space behind it": Case(lambda w: w.insert(zone="UTC "), "bad_column"),
    "an unknown kind": Case(lambda w: w.insert(kind="dream"), "bad_column"),
    "an app of 256 letters": Case(lambda w: w.insert(app="x" * 256), refused="Data too long"),
    "an end before the start": Case(lambda w: w.insert(ended_at="2026-03-01 08:00"), "bad_interval"),
    "the year 9999": Case(lambda w: w.insert(started_at="9999-12-31 23:00", ended_at=None), "bad_interval"),
    "the year 10000": Case(lambda w: w.insert(started_at="10000-01-01 00:00"), refused="Incorrect datetime"),
    "the year 1": Case(lambda w: w.insert(started_at="0001-01-01 00:00", ended_at=None), "bad_interval"),
    "a date of zeros": Case(lambda w: w.insert(started_at="0000-00-00 00:00", ended_at=None), refused="datetime"),
    "30 February": Case(lambda w: w.insert(started_at="2026-02-30 08:00"), refused="Incorrect datetime"),
    "a year-long activity": Case(lambda w: w.insert(started_at="2025-03-02 08:00", ended_at="2026-03-02 08:00")),
    "an activity of 401 days": Case(
        lambda w: w.insert(started_at="2025-01-01 00:00", ended_at="2026-02-06 00:00"), "bad_interval"
    ),
    "no owner": Case(lambda w: w.run("UPDATE activity SET timekeeper_id = NULL WHERE id = :a"), refused="null"),
    "an owner of another firm": Case(lambda w: w.run(STRANGER), refused="foreign key"),
    "a timekeeper deleted": Case(
        lambda w: w.run("DELETE FROM timekeeper WHERE id = :t", as_admin=True), refused="foreign key"
    ),
    "a firm deleted": Case(lambda w: w.run("DELETE FROM firm WHERE id = :f", as_admin=True), refused="foreign key"),
    "an unknown matter": Case(lambda w: w.live.update(w.lease, matter_id=10**15), refused="foreign key"),
    "a negative id": Case(
        lambda w: w.insert(id=-w.lease),
        "bad_column",
    ),
    "an id that changes": Case(lambda w: w.run("UPDATE activity SET id = -id WHERE id = :a"), "bad_column"),
    "an owner that changes, to and fro": Case(moved),
    "REPLACE": Case(lambda w: w.run(REPLACED)),
    "INSERT .. ON DUPLICATE KEY UPDATE": Case(lambda w: w.run(UPSERTED)),
    "LOAD DATA": Case(loaded),
    "a row deleted and there again": Case(again),
    "a transaction rolled back": Case(rolled_back),
    "a row twice (the same source id)": Case(lambda w: w.run(REPLACED.replace("REPLACE", "INSERT")), refused="Dupl"),
    "an unknown verb": Case(lambda w: w.decide("feedback", verb="maybe", left_ids="[1]"), "bad_column"),
    "ids that are text": Case(lambda w: w.decide("feedback", verb="together", left_ids='["a"]'), "bad_column"),
    "ids that are no JSON": Case(
        lambda w: w.decide("feedback", verb="together", left_ids="1,2"), refused="left_ids_json"
    ),
    "ids that aren't a list": Case(lambda w: w.decide("release", activity_ids="{}"), "bad_column"),
    "a megabyte of ids": Case(
        lambda w: w.decide("feedback", verb="together", left_ids=ids(150_000)), refused="left_ids_size"
    ),
    "feedback on unknown ids": Case(lambda w: w.decide("feedback", verb="together", left_ids=ids(3, 10**15))),
    "feedback on 10,000 ids": Case(lambda w: w.decide("feedback", verb="together", left_ids=ids(10_000, w.lease))),
    "feedback on one id, twice": Case(
        lambda w: w.decide("feedback", verb="together", left_ids=f"[{w.lease},{w.lease}]")
    ),
    "feedback that parts an id from itself": Case(
        lambda w: w.decide("feedback", verb="apart", left_ids=f"[{w.lease}]", right_ids=f"[{w.lease}]")
    ),
    "feedback on nothing": Case(lambda w: w.decide("feedback", verb="together", left_ids="[]")),
    "feedback that contradicts itself": Case(
        lambda w: [
            w.decide("feedback", verb="together", left_ids=f"[{w.lease},{w.audit}]"),
            w.decide("feedback", verb="apart", left_ids=f"[{w.lease}]", right_ids=f"[{w.audit}]"),
        ]
    ),
    "a release of unknown ids": Case(lambda w: w.decide("release", activity_ids=ids(3, 10**15))),
    "an unknown model": Case(lambda w: w.decide("activation", model_version="none such"), "unknown_model"),
}
SEPARATE = {
    "10,000 equal rows": "test_ten_thousand_equal_rows_are_one_piece_of_work",
    "TRUNCATE": "test_what_truncate_took_is_found_and_said_again",
    "a column added, dropped, renamed and renamed back": "test_columns_come_go_and_are_renamed_under_load",
    "a statement that capture can't read": "test_a_statement_that_capture_can_not_read_is_passed_over_by_hand",
    "deletes while capture was away, in a binlog that is gone": "test_deletes_in_a_purged_binlog_are_found_and_mended",
}
"""What has a test of its own."""
TESTS = Path(__file__).parents[1]


class Happened(msgspec.Struct, frozen=True):
    """What became of all cases, by name: what the table said, the reasons of the letters, and the audit of all."""

    said: dict[str, str]
    reasons: dict[str, list[str]]
    verdict: AuditResult
    scopes: dict[str, Scope]


@pytest.fixture(scope="module", autouse=True)
def workers(live: Live) -> Iterator[None]:
    with running(live.stack.home.path, "group") as group, running(live.stack.home.path, "bill", "--no-llm") as bill:
        yield
        assert (group.ended(), bill.ended()) == (None, None), group.said() + bill.said()


@pytest.fixture(scope="module")
def auditor(live: Live) -> Auditor:
    return Auditor(live.pipeline, live.settings.kafka(), WITHIN_S)


def world(live: Live, admin: Engine) -> World:
    who = live.timekeeper()
    lease = live.insert(who, "Harbour lease.docx")
    audit = live.insert(who, "Quarterly audit of the bakery.xlsx", minute=600)
    return World(live, admin, who, live.timekeeper(), lease, audit)


def firm_of(letter: DeadLetterRecord) -> int | None:
    """Whose row it is about, by the whole record; None where it is a stranger's, from another test."""
    try:
        return msgspec.json.decode(letter.value or b"{}", type=_Envelope).after.firm_id
    except JSON_ERRORS:
        return None


class _After(msgspec.Struct):
    firm_id: int


class _Envelope(msgspec.Struct):
    after: _After


@pytest.fixture(scope="module")
def happened(live: Live, admin: Engine, auditor: Auditor) -> Happened:
    said: dict[str, str] = {}
    worlds = {name: world(live, admin) for name in CASES}
    for name, case in CASES.items():
        try:
            case.do(worlds[name])
        except DBAPIError as error:
            said[name] = str(error.orig)
        live.insert(worlds[name].who, "Harbour lease, fair copy.docx", minute=30)
    scopes = {name: one.who for name, one in worlds.items()}
    verdict = auditor.verify([*scopes.values(), *(one.other for one in worlds.values())])
    letters = [letter.said for letter in read_letters(live.settings.kafka()).standing.values()]
    reasons = {name: [one.reason.value for one in letters if firm_of(one) == of.firm] for name, of in scopes.items()}
    return Happened(said, reasons, verdict, scopes)


def test_the_page_names_these_and_no_others() -> None:
    lines = told(SECTION)
    assert lines.keys() == CASES.keys() | SEPARATE.keys()
    assert {name: lines[name].reason for name in CASES} == {name: case.reason for name, case in CASES.items()}
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert all(f"def {test}(" in tests for test in SEPARATE.values())


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_or_dead_lettered_or_taken(happened: Happened, name: str) -> None:
    case = CASES[name]
    assert bool(case.refused) == (name in happened.said), happened.said.get(name)
    assert case.refused in happened.said.get(name, "")
    assert happened.reasons[name] == ([] if case.reason == NONE else [case.reason])


def test_nothing_is_damaged_and_the_next_good_row_went_through(happened: Happened, live: Live) -> None:
    assert happened.verdict.damage == {}
    assert not happened.verdict.in_flight
    people = list(happened.scopes.values())
    found = live.groups(*people)
    titles = {scope for scope, _ in found}
    assert titles == set(people)
    assert found == live.expected(*people)


def test_ten_thousand_equal_rows_are_one_piece_of_work(live: Live, auditor: Auditor) -> None:
    """Each is compared with a bounded number of others, so that one timekeeper's loop can't hold up the partition."""
    who = live.timekeeper()
    row = (
        f"INSERT INTO activity ({MINE}, source, source_id, kind, started_at, ended_at, zone, words)"
        " VALUES (:f, :t, 'equal', :n, 'window', '2026-03-02 08:00', '2026-03-02 08:01', 'UTC', :words)"
    )
    words = '{"title": "Screen saver"}'
    with live.collector.begin() as connection:
        rows = [{"f": who.firm, "t": who.timekeeper, "n": n, "words": words} for n in range(10_000)]
        connection.execute(text(row), rows)

    def sizes() -> list[int]:
        return [len(msgspec.json.decode(group, type=Group).members) for group in live.groups(who).values()]

    eventually(lambda: sizes() == [10_000], EQUAL_S)
    assert auditor.verify([who]).clean
