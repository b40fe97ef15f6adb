"""Damage of every kind, planted into a running pipeline, is found, named and mended; a busy pipeline has none.

Each timekeeper gets one kind of damage, so that one verification and one mending show them all.
"""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec
import pytest
from confluent_kafka import Producer
from sqlalchemy import Connection, Engine, text

from processors.audit.findings import At, Kind
from schemas.groups import PublishedGroup, decode_published, encode_published
from schemas.keys import GroupKey, Scope, decode_groups_key, encode_key
from schemas.topics import GROUPS
from streams.shared.model_store import shipped_model
from streams.verify.audit import Auditor, AuditResult
from streams.verify.repair import RepairCounts, Repairer
from tests.live import MORNING, Live
from tests.programs import eventually

pytestmark = pytest.mark.stack

WITHIN_S = 120


class World(msgspec.Struct, frozen=True):
    """A timekeeper whose books are right: `lease` and `tax` are activities of different groups."""

    live: Live
    admin: Engine
    scope: Scope
    lease: list[int]
    tax: list[int]
    excluded: int
    stranger: Scope

    def run(self, statement: str, **values: object) -> None:
        """A statement as the administrator; `:f` and `:t` are the timekeeper."""
        with self.admin.begin() as connection:
            self._run(connection, statement, values)

    def unsaid(self, statement: str, **values: object) -> None:
        """The same, kept from the binlog: what capture misses."""
        with self.admin.connect() as connection:
            connection.execute(text("SET SESSION sql_log_bin = 0"))
            self._run(connection, statement, values)
            connection.commit()
            connection.invalidate()  # the setting must not live on in the pool

    def _run(self, connection: Connection, statement: str, values: dict[str, object]) -> None:
        scope = {"f": self.scope.firm, "t": self.scope.timekeeper}
        assert connection.execute(text(statement), scope | values).rowcount > 0, f"nothing planted: {statement}"

    def group(self, activity: int) -> int:
        """The group that an activity is in."""
        query = text("SELECT group_id FROM group_member WHERE firm_id = :f AND timekeeper_id = :t AND activity_id = :a")
        with self.admin.connect() as connection:
            row = {"f": self.scope.firm, "t": self.scope.timekeeper, "a": activity}
            return int(connection.execute(query, row).scalar_one())

    def say(self, group: int, change: Callable[[PublishedGroup], PublishedGroup | None]) -> None:
        """Puts a record on `groups` that no worker wrote: the group's value, changed, or a tombstone."""
        key = GroupKey(self.scope.firm, self.scope.timekeeper, group)
        (last,) = [r for r in self.live.said() if decode_groups_key(r.key or b"") == key][-1:]
        said = decode_published(last.value or b"")
        assert isinstance(said, PublishedGroup)
        changed = change(said)
        producer = Producer(self.live.settings.kafka().client())
        producer.produce(GROUPS.name, encode_published(changed) if changed else None, encode_key(key), last.partition)
        assert producer.flush(30) == 0


MINE = "firm_id = :f AND timekeeper_id = :t"


def double_entry(world: World) -> None:
    """The entry of the lease is there again, as of the tax return's group and another day's matter."""
    copy = (
        "INSERT INTO entry (firm_id, timekeeper_id, group_id, billing_day, billable, allocated_us, imputed_us, content,"
        " narrative) SELECT firm_id, timekeeper_id, group_id + 1000000, billing_day, billable, allocated_us,"
        f" imputed_us, content, narrative FROM entry WHERE {MINE} AND group_id = :g"
    )
    parts = (
        "INSERT INTO entry_activity (entry_id, activity_id, firm_id, timekeeper_id, allocated_us, imputed)"
        " SELECT copy.id, part.activity_id, part.firm_id, part.timekeeper_id, part.allocated_us, part.imputed"
        " FROM entry_activity part JOIN entry ON entry.id = part.entry_id JOIN entry copy"
        " ON copy.group_id = entry.group_id + 1000000 WHERE entry.firm_id = :f AND entry.timekeeper_id = :t"
    )
    world.run(copy, g=world.group(world.lease[0]))
    world.run(parts)


def old_tombstone(world: World) -> None:
    """A group that is long gone from the topic is still in the tables, as if its tombstone had been passed over."""
    group = (
        "INSERT INTO activity_group (firm_id, timekeeper_id, group_id, value, disposition, confidence,"
        " changes_partition, changes_offset) SELECT firm_id, timekeeper_id, 1, value, disposition, confidence,"
        f" changes_partition, changes_offset FROM activity_group WHERE {MINE} LIMIT 1"
    )
    world.run(group)


def without_first(said: PublishedGroup) -> PublishedGroup:
    group = msgspec.structs.replace(said.group, members=said.group.members[1:])
    return PublishedGroup(group, said.lineage)


Damage = tuple[Callable[[World], None], Kind, At]

DAMAGE: dict[str, Damage] = {
    "a row gone from a group": (
        lambda w: w.run(f"DELETE FROM group_member WHERE {MINE} AND activity_id = :a", a=w.lease[1]),
        Kind.ROW_MISSING,
        At.TABLES,
    ),
    "a row in two groups": (
        lambda w: w.run(
            "INSERT INTO group_member SELECT firm_id, timekeeper_id, :g, activity_id, hash FROM group_member"
            f" WHERE {MINE} AND activity_id = :a",
            a=w.lease[1],
            g=w.group(w.tax[0]),
        ),
        Kind.ROW_DOUBLE,
        At.TABLES,
    ),
    "a stale version": (
        lambda w: w.run(
            f"UPDATE group_member SET hash = REVERSE(hash) WHERE {MINE} AND activity_id = :a", a=w.lease[1]
        ),
        Kind.STALE_VERSION,
        At.TABLES,
    ),
    "a tombstone ignored": (old_tombstone, Kind.TOMBSTONE_IGNORED, At.TABLES),
    "a group lost": (
        lambda w: w.run(f"DELETE FROM activity_group WHERE {MINE} AND group_id = :g", g=w.group(w.lease[0])),
        Kind.GROUP_MISSING,
        At.TABLES,
    ),
    "a group's value changed": (
        lambda w: w.run(
            f"UPDATE activity_group SET value = REPLACE(value, :was, :is) WHERE {MINE}",
            **{"was": '"confidence":', "is": '"confidence":1'},
        ),
        Kind.GROUP_DIFFERS,
        At.TABLES,
    ),
    "a member row lost": (
        lambda w: w.run(f"DELETE FROM group_member WHERE {MINE} AND activity_id = :a", a=w.lease[1]),
        Kind.MEMBER_ROW_MISSING,
        At.TABLES,
    ),
    "an excluded row grouped": (
        lambda w: w.run(
            "INSERT INTO group_member SELECT firm_id, timekeeper_id, group_id, :x, hash FROM group_member"
            f" WHERE {MINE} AND activity_id = :a",
            a=w.lease[0],
            x=w.excluded,
        ),
        Kind.EXCLUDED_GROUPED,
        At.TABLES,
    ),
    "an entry doubled": (double_entry, Kind.ENTRY_DOUBLED, At.TABLES),
    "an entry lost": (
        lambda w: [  # type: ignore[func-returns-value]
            w.run(f"DELETE FROM entry_activity WHERE {MINE}"),
            w.run(f"DELETE FROM entry WHERE {MINE}"),
        ],
        Kind.ENTRY_MISSING,
        At.TABLES,
    ),
    "an entry of nothing": (
        lambda w: w.run(
            "INSERT INTO entry (firm_id, timekeeper_id, group_id, billing_day, billable, allocated_us, imputed_us,"
            " content, narrative) VALUES (:f, :t, 1, '2020-01-02', 1, 60000000, 0, '', 'work that nobody did')"
        ),
        Kind.ENTRY_ORPHAN,
        At.TABLES,
    ),
    "minutes off": (
        lambda w: w.run(f"UPDATE day_minutes SET billable_us = billable_us + 1 WHERE {MINE}"),
        Kind.MINUTES_OFF,
        At.TABLES,
    ),
    "an activity's minutes changed": (
        lambda w: w.run(f"UPDATE entry_activity SET allocated_us = allocated_us + 1 WHERE {MINE} LIMIT 1"),
        Kind.MINUTES_OFF,
        At.TABLES,
    ),
    "a wall crossed": (
        lambda w: w.run(
            f"UPDATE entry_activity SET firm_id = :sf, timekeeper_id = :st WHERE {MINE} LIMIT 1",
            sf=w.stranger.firm,
            st=w.stranger.timekeeper,
        ),
        Kind.WRONG_OWNER,
        At.TABLES,
    ),
    "an insert missed": (
        lambda w: w.unsaid(
            "INSERT INTO activity (firm_id, timekeeper_id, source, source_id, kind, started_at, zone, words) VALUES"
            " (:f, :t, 'test', 'missed', 'mail', '2026-03-02 15:00', 'UTC', '{}')"
        ),
        Kind.ROW_MISSING,
        At.BOTH,
    ),
    "an update missed": (
        lambda w: w.unsaid("UPDATE activity SET app = 'Other' WHERE id = :a", a=w.lease[1]),
        Kind.STALE_VERSION,
        At.BOTH,
    ),
    "a delete missed": (
        lambda w: w.unsaid("DELETE FROM activity WHERE id = :a", a=w.lease[1]),
        Kind.ROW_EXTRA,
        At.BOTH,
    ),
    "an exclusion missed": (
        lambda w: w.unsaid("UPDATE activity SET excluded = 1 WHERE id = :a", a=w.lease[1]),
        Kind.EXCLUDED_GROUPED,
        At.BOTH,
    ),
    "a change of owner missed": (
        lambda w: w.unsaid(
            "UPDATE activity SET firm_id = :sf, timekeeper_id = :st WHERE id = :a",
            a=w.lease[1],
            sf=w.stranger.firm,
            st=w.stranger.timekeeper,
        ),
        Kind.WRONG_OWNER,
        At.BOTH,
    ),
    "feedback missed": (
        lambda w: w.unsaid(
            "INSERT INTO feedback (firm_id, timekeeper_id, verb, left_ids) VALUES (:f, :t, 'together', :ids)",
            ids=f"[{w.lease[0]},{w.tax[0]}]",
        ),
        Kind.DECISION_MISSED,
        At.TOPIC,
    ),
    "feedback taken back, and that missed": (
        lambda w: w.unsaid(f"DELETE FROM feedback WHERE {MINE}"),
        Kind.DECISION_EXTRA,
        At.TOPIC,
    ),
    "an activation taken back, and that missed": (
        lambda w: w.unsaid(f"DELETE FROM activation WHERE {MINE}"),
        Kind.DECISION_EXTRA,
        At.TOPIC,
    ),
    "a record overwritten on the topic": (
        lambda w: w.say(w.group(w.lease[0]), without_first),
        Kind.ROW_MISSING,
        At.BOTH,
    ),
    "a group's tombstone on the topic": (
        lambda w: w.say(w.group(w.tax[0]), lambda _: None),
        Kind.ROW_MISSING,
        At.BOTH,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def workers(live: Live) -> Iterator[None]:
    for program in ("group", "bill"):
        live.stack.start(program)
    yield
    for program in ("group", "bill"):
        live.stack.stop(program)


@pytest.fixture(scope="module")
def auditor(live: Live) -> Auditor:
    return Auditor(live.pipeline, live.settings.kafka(), WITHIN_S)


@pytest.fixture(scope="module")
def mender(live: Live, auditor: Auditor) -> Repairer:
    return Repairer(auditor, live.collector, live.pipeline, live.settings.kafka())


def world(live: Live, admin: Engine) -> World:
    """Two pieces of work on one day, one on the next, and something that is none of anybody's business."""
    who, stranger = live.timekeeper(), live.timekeeper()
    lease = [live.insert(who, f"Harbour lease draft {n}.docx", minute=n * 6) for n in range(4)]
    tax = [live.insert(who, f"Tax return 2025 {n}.xlsx", minute=300 + n * 6) for n in range(3)]
    live.insert(who, "Tax return 2025 sent", minute=1_500, minutes=None, kind="mail")
    excluded = live.insert(who, "Private", minute=400, excluded=1)
    one = World(live, admin, who, lease, tax, excluded, stranger)
    one.run(
        "INSERT INTO feedback (firm_id, timekeeper_id, verb, left_ids, right_ids)"
        " VALUES (:f, :t, 'apart', :left_ids, :right_ids)",
        left_ids=f"[{lease[0]}]",
        right_ids=f"[{tax[0]}]",
    )
    one.run(
        "INSERT INTO activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, :model)",
        model=shipped_model().version,
    )
    return one


class Shown(msgspec.Struct, frozen=True):
    """What verification said of each damage, and what it said after mending."""

    scopes: dict[str, Scope]
    found: AuditResult
    mended: AuditResult
    done: RepairCounts


@pytest.fixture(scope="module")
def shown(live: Live, admin: Engine, auditor: Auditor, mender: Repairer) -> Shown:
    worlds = {name: world(live, admin) for name in DAMAGE}
    scopes = {name: one.scope for name, one in worlds.items()}
    strangers = [one.stranger for one in worlds.values()]
    everybody = [*scopes.values(), *strangers]
    before = auditor.verify(everybody)
    assert before.clean, f"right before anything is planted: {before.damage}"
    assert not before.in_flight
    for name, (plant, _, _) in DAMAGE.items():
        plant(worlds[name])
    found = auditor.verify(everybody)
    mended, done = mender.repair(found)
    return Shown(scopes, found, mended, done)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_named(shown: Shown, damage: str) -> None:
    _, kind, at = DAMAGE[damage]
    findings = shown.found.damage.get(shown.scopes[damage], [])
    assert (kind, at) in {(one.kind, one.at) for one in findings}, findings


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_mended(shown: Shown, damage: str) -> None:
    assert shown.mended.damage.get(shown.scopes[damage], []) == []


def test_every_kind_of_damage_is_planted(shown: Shown) -> None:
    assert {kind for _, kind, _ in DAMAGE.values()} == set(Kind)
    assert shown.mended.clean
    assert not shown.mended.in_flight
    assert shown.done.workers > 0


def test_a_missed_delete_leaves_the_row_gone(shown: Shown, admin: Engine) -> None:
    with admin.connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM activity WHERE source = 'mend'")) == 0


@pytest.mark.parametrize("looks", [1, pytest.param(5, marks=pytest.mark.long)])
def test_a_busy_pipeline_has_no_damage(live: Live, auditor: Auditor, admin: Engine, looks: int) -> None:
    busy, stop = world(live, admin), threading.Event()

    def work() -> None:
        minute = 2_000
        while not stop.is_set():
            row = live.insert(busy.scope, f"Harbour lease draft {minute}.docx", minute=minute)
            live.update(busy.tax[minute % 3], words=json.dumps({"title": f"Tax return {minute}"}))
            if minute % 2:
                live.delete(row)
            # No value comes again, so no two looks find the same by chance (decision 6).
            end = MORNING + timedelta(minutes=minute % 4 * 6 + 5, microseconds=minute)
            live.update(busy.lease[minute % 4], excluded=minute % 3 == 0, ended_at=end.replace(tzinfo=None))
            minute += 7

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(looks):
            assert auditor.verify([busy.scope]).damage == {}
    finally:
        stop.set()
        thread.join()
    after = auditor.verify([busy.scope])
    assert after.clean
    assert not after.in_flight


def test_deletes_in_a_purged_binlog_are_found_and_mended(
    live: Live, admin: Engine, auditor: Auditor, mender: Repairer
) -> None:
    from connectors.debezium.connector import Connect

    away = world(live, admin)
    assert auditor.verify([away.scope]).clean
    capture = Connect(live.settings.connect())
    capture.stop()
    eventually(lambda: capture.state().connector == "STOPPED", what="capture has stopped")
    live.delete(away.lease[0])
    live.delete(away.tax[2])
    live.update(away.lease[2], app="Other")
    added = live.insert(away.scope, "Harbour lease, signed.docx", minute=30)
    with admin.connect() as connection:
        connection.execute(text("FLUSH BINARY LOGS"))
        last = connection.execute(text("SHOW BINARY LOGS")).all()[-1][0]
        connection.execute(text(f"PURGE BINARY LOGS TO '{last}'"))
    capture.forget_offsets()
    capture.resume()
    eventually(lambda: capture.state().running, what="capture runs again")
    found = auditor.verify([away.scope])
    kinds = {(one.kind, one.activity) for one in found.damage[away.scope] if one.kind is not Kind.MINUTES_OFF}
    assert kinds == {(Kind.ROW_EXTRA, away.lease[0]), (Kind.ROW_EXTRA, away.tax[2])}
    mended, done = mender.repair(found)
    assert mended.clean
    assert done.deletes == 2
    (audit,) = mended.audits.values()
    assert audit.activities == 8
    assert added in {member.id for said in _groups(live, away.scope) for member in said.group.members}


def _groups(live: Live, who: Scope) -> list[PublishedGroup]:
    latest: dict[int, PublishedGroup] = {}
    for record in live.said():
        key = decode_groups_key(record.key or b"")
        if isinstance(key, GroupKey) and Scope(key.firm, key.timekeeper) == who:
            latest.pop(key.group, None)
            if record.value is not None and isinstance(said := decode_published(record.value), PublishedGroup):
                latest[key.group] = said
    return list(latest.values())
