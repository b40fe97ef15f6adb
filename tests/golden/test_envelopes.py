"""One envelope of each captured table and kind of change, as Debezium wrote it, for each migration. Read for ever.

A folder is a migration; its files were captured once from the real stack and are never written again. What each means
was worked out by hand from the statement that is quoted beside it.
"""

import json
from pathlib import Path

import pytest

from connectors.mariadb.tables.column_types import Base
from connectors.mariadb.tables.source_tables import CAPTURED_TABLES
from schemas.changes import Change, decode_change
from schemas.keys import RowKey
from schemas.outcomes import Ok, Skip
from schemas.values import Activation, Activity, Apart, Kind, Mark, MarkKind, Release, Value, Words

HERE = Path(__file__).parent / "envelopes"
WORDS = Words(title="Ángebot 契約 🙂", people=("a@example.com",), files=("a/b.docx",))

# 2026-03-02 08:00:00.000001 UTC is 1772438400 seconds and a microsecond after 1970.
STARTED = 1_772_438_400_000_001

# INSERT: mail, 08:00:00.000001 to 08:05:00.5, Europe/Berlin, matter 9005, billable.
INSERTED = Activity(
    id=900_001,
    kind=Kind.MAIL,
    started_at=STARTED,
    ended_at=1_772_438_700_500_000,
    zone="Europe/Berlin",
    words=WORDS,
    app="mail client",
    matter=9005,
    billable=True,
)
# UPDATE: ended_at, matter_id, billable and app set to NULL.
UPDATED = Activity(id=900_001, kind=Kind.MAIL, started_at=STARTED, ended_at=None, zone="Europe/Berlin", words=WORDS)
ONE, OTHER = (9001, 9002), (9001, 9003)

EXPECTED: list[tuple[str, tuple[int, int], str, Value | None]] = [
    ("activity-insert", ONE, "activity", INSERTED),
    ("activity-update", ONE, "activity", UPDATED),
    # UPDATE activity SET timekeeper_id = 9003: the old owner is told of a delete, the new one of an insert.
    ("activity-leaves-its-owner", ONE, "activity", None),
    ("activity-joins-its-owner", OTHER, "activity", UPDATED),
    ("activity-delete", OTHER, "activity", None),
    ("feedback-insert", ONE, "feedback", Apart(900_001, (1, 2), (3,))),
    ("feedback-incremental-snapshot", ONE, "feedback", Apart(900_001, (1, 2), (3,))),
    ("release-insert", ONE, "release", Release(900_001, (1, 2), '{"minutes":5}')),
    ("activation-insert", ONE, "activation", Activation(900_001, "first-000000000000")),
    ("mark-insert", ONE, "mark", Mark(900_001, MarkKind.VERIFY, "golden")),
]


def read(name: str) -> bytes:
    return (HERE / "0001" / f"{name}.json").read_bytes()


@pytest.mark.parametrize(("name", "owner", "table", "value"), EXPECTED)
def test_an_envelope_means_what_its_statement_said(
    name: str, owner: tuple[int, int], table: str, value: Value | None
) -> None:
    outcome = decode_change(read(name), partition=0, offset=7)
    assert isinstance(outcome, Ok)
    change: Change = outcome.value
    assert (change.key, change.value) == (RowKey(*owner, table, 900_001), value)


def test_a_cadence_is_captured_and_passed_over() -> None:
    assert isinstance(decode_change(read("cadence-insert"), partition=0, offset=7), Skip)


def test_the_incremental_snapshots_read_says_that_it_is_one() -> None:
    envelope = json.loads(read("feedback-incremental-snapshot"))
    assert (envelope["op"], envelope["source"]["snapshot"]) == ("r", "incremental")


def test_the_newest_envelopes_have_the_columns_that_the_tables_have() -> None:
    """A migration that changes a captured table has to add a folder with the envelopes that it leads to."""
    newest = max(folder for folder in HERE.iterdir())
    columns = {}
    for file in newest.glob("*.json"):
        envelope = json.loads(file.read_bytes())
        columns[envelope["source"]["table"]] = set(envelope["after"] or envelope["before"])
    assert columns == {name: set(Base.metadata.tables[name].columns.keys()) for name in CAPTURED_TABLES}
