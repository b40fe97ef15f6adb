"""What must hold when the faults are over: nothing lost or doubled, law 1's bytes, no older value over a newer one."""

import msgspec
from sqlalchemy import Engine, text

from benchmarks.steady import left
from connectors.kafka.client.cluster import Cluster
from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.source.captured_rows import read_all_rows
from processors.grouping.batch import group_all
from processors.simulation.values import RowWrite
from schemas.groups import PublishedGroup, decode_published, encode_group
from schemas.keys import GroupKey, Scope, decode_groups_key
from schemas.topics import GROUPS, PARTITIONS
from schemas.values import Activity, Apart, Together
from streams.shared.model_store import shipped_model
from streams.verify.audit import Auditor
from streams.verify.report import VerifyReport, build_report
from tests.timesheets import expected, stored


class Ending(msgspec.Struct, frozen=True):
    """Counts of what is wrong, all 0 where `ok`; `activities` and `groups` say of how many."""

    ok: bool
    activities: int
    groups: int
    rows_lost: int
    """Writes that were acknowledged to the collector and aren't in MariaDB, or are there though deleted."""
    lost: int
    doubled: int
    timekeepers_with_other_groups: int
    """Whose groups on the topic aren't `group_all` of their rows in MariaDB, byte for byte."""
    older_over_newer: int
    """Records of `groups` decided at an earlier change than the record before them, of the same group."""
    timekeepers_with_other_entries: int
    verify: VerifyReport


def ending(engine: Engine, cluster: Cluster, written: tuple[RowWrite, ...], within_s: float) -> Ending:
    """Waits until all that was written has come through, then compares it all."""
    audit = build_report(Auditor(engine, cluster, within_s).verify(), None)
    said, older = _said(cluster)
    people = _people(engine)
    other = sum(_groups(engine, scope) != said.get(scope, {}) for scope in people.values())
    entries = sum(stored(engine, scope) != expected(engine, scope) for scope in people.values())
    rows = len(_rows(engine) ^ left(written))
    wrong = (rows, audit.missing, audit.double, other, older, entries)
    counted = sum(map(len, said.values()))
    slim = msgspec.structs.replace(audit, timekeepers=[])
    return Ending(audit.ok and not any(wrong), audit.activities, counted, *wrong, slim)


def _said(cluster: Cluster) -> tuple[dict[Scope, dict[int, bytes]], int]:
    """What `groups` says now, as bytes; and how often an older value came over a newer one."""
    found: dict[Scope, dict[int, bytes]] = {}
    decided: dict[GroupKey, int] = {}
    older = 0
    for record in read_to_end(cluster, GROUPS.name, list(range(PARTITIONS))):
        key = decode_groups_key(record.key or b"")
        if not isinstance(key, GroupKey):
            continue
        groups = found.setdefault(Scope(key.firm, key.timekeeper), {})
        if record.value is None:
            groups.pop(key.group, None)
            continue
        said = decode_published(record.value)
        assert isinstance(said, PublishedGroup)
        older += said.lineage.offset < decided.get(key, 0)
        decided[key] = said.lineage.offset
        groups[key.group] = encode_group(said.group)
    return found, older


def _groups(engine: Engine, scope: Scope) -> dict[int, bytes]:
    with engine.connect() as connection:
        activities = [a for _, a in read_all_rows(connection, scope, "activity") if isinstance(a, Activity)]
        feedback = [f for _, f in read_all_rows(connection, scope, "feedback") if isinstance(f, Together | Apart)]
    groups = group_all(activities, feedback, model=shipped_model())
    return {name: encode_group(group) for name, group in groups.items()}


def _people(engine: Engine) -> dict[str, Scope]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT email, firm_id, id FROM timekeeper")).fetchall()
    return {email: Scope(firm, timekeeper) for email, firm, timekeeper in rows}


def _rows(engine: Engine) -> set[tuple[str, str]]:
    query = "SELECT t.email, a.source_id FROM activity a JOIN timekeeper t ON t.id = a.timekeeper_id"
    with engine.connect() as connection:
        return {(email, source_id) for email, source_id in connection.execute(text(query))}
