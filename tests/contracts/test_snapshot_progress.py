"""How far a snapshot is said to be, by the place that the connector keeps: never that all is read when it isn't."""

import json
from typing import Any

import pytest

from connectors.debezium.snapshots import Underway, underway
from connectors.mariadb.source.snapshot_requests import SnapshotRequest
from streams.ops.snapshot import SnapshotProgress, progress_of

ARRAY = (
    "aced0005757200135b4c6a6176612e6c616e672e4f626a6563743b90ce589f1073296c0200007870000000017372000e6a6176612e6c616e67"
    "2e4c6f6e673b8be490cc8f23df0200014a000576616c7565787200106a6176612e6c616e672e4e756d62657286ac951d0b94e08b0200007870"
)
"""How Java's bytes of an array with one number begin, as the connector keeps it."""
KEY = f"{ARRAY}{40_000:016x}"
NULL = "aced000570"
"""Java's bytes of null: what is kept while the first chunk of a table is read, if another row comes by meanwhile."""
SECOND = 1_775_034_000  # 2026-04-01T09:00:00Z
ASKED = SnapshotRequest(
    "snapshot-1", ("activity", "feedback"), "2026-04-01T09:00:00.250000", windows=7, transaction="0-223344-241"
)
IDS = {"activity": range(1, 3_001), "feedback": range(1, 1_501)}


def place(second: int = SECOND, gtids: str | None = "0-223344-240") -> dict[str, Any]:
    return {"ts_sec": second, "file": "mariadb-bin.000001", "pos": 111564, "gtids": gtids, "server_id": 223344}


def within(key: str | None, *left: str) -> dict[str, Any]:
    """The connector's place while it reads the tables that are left."""
    collections = [
        {
            "incremental_snapshot_collections_id": f"timeloom.{table}",
            "incremental_snapshot_collections_additional_condition": None,
            "incremental_snapshot_collections_surrogate_key": "id",
        }
        for table in left
    ]
    return {
        **place(),
        "snapshot": "INCREMENTAL",
        "incremental_snapshot_correlation_id": "snapshot-1",
        "incremental_snapshot_primary_key": key,
        "incremental_snapshot_maximum_key": key,
        "incremental_snapshot_collections": json.dumps(collections),
    }


def count(table: str, upto: int | None = None) -> int:
    return len(IDS[table]) if upto is None else sum(id <= upto for id in IDS[table])


def told(kept: dict[str, Any], windows: int, asked: SnapshotRequest | None = ASKED) -> tuple[str, int]:
    seen = progress_of(kept, asked, count, windows=windows, seconds=2.0)
    assert asked is None or seen.rows == 4_500
    return seen.state, seen.done


def test_what_the_connector_keeps_of_a_snapshot() -> None:
    assert underway(place()) is None
    assert underway({}) is None
    assert underway({**place(), "snapshot": "INITIAL"}) == Underway(initial=True)
    assert underway(within(KEY, "feedback", "release")) == Underway(
        False, "snapshot-1", ("feedback", "release"), 40_000
    )


@pytest.mark.parametrize("key", [NULL, None, ""])
def test_before_the_first_row_of_a_table_none_of_it_is_read(key: str | None) -> None:
    assert told(within(key, "activity", "feedback"), windows=1) == ("running", 0)
    assert told(within(key, "feedback"), windows=4) == ("running", 3_000)


def test_a_table_is_read_up_to_the_last_row_that_was_sent() -> None:
    assert told(within(f"{ARRAY}{1_024:016x}", "activity", "feedback"), windows=2) == ("running", 1_024)
    assert told(within(f"{ARRAY}{1_100:016x}", "feedback"), windows=5) == ("running", 4_100)


@pytest.mark.parametrize("before", [place(), place(SECOND - 3_600), place(gtids=None), {}])
def test_a_place_from_before_it_is_not_one_from_after_it(before: dict[str, Any]) -> None:
    """Both name no snapshot. The last place was kept in the second in which this one was asked for, or long before."""
    assert told(before, windows=0) == ("waiting", 0)
    assert told(before, windows=1) == ("running", 0)
    assert told(before, windows=9) == ("running", 0)


def test_a_place_that_has_passed_who_asked_for_it_is_from_after_it() -> None:
    assert told(place(gtids="0-223344-240"), windows=6) == ("running", 0), "one transaction is missing"
    assert told(place(gtids="0-223344-241"), windows=6) == ("done", 4_500)
    assert told(place(gtids="1-5-999,0-223344-240"), windows=6) == ("running", 0), "of another domain"
    assert told(place(gtids="1-5-9,0-8-241"), windows=6) == ("done", 4_500), "another server of the same domain"


def test_where_transactions_are_counted_anew_a_row_of_a_later_second_tells() -> None:
    assert told(place(SECOND + 1, gtids="0-223344-3"), windows=6) == ("done", 4_500)
    assert told(place(SECOND + 1, gtids="0-223344-3"), windows=0) == ("waiting", 0), "there are rows, and none was read"


def test_nothing_to_read_and_nothing_asked_for_ends_at_once() -> None:
    assert progress_of(place(), ASKED, lambda table, upto=None: 0, windows=0, seconds=2.0).state == "done"
    assert told(place(), windows=0, asked=None) == ("none", 0)


def test_one_whose_transaction_nobody_noted_ends_with_its_first_window() -> None:
    """An earlier version asked, or one that was killed. To say for ever that it runs would let nobody ask again."""
    unknown = SnapshotRequest("snapshot-1", ASKED.tables, ASKED.at, windows=7)
    assert told(place(), windows=1, asked=unknown) == ("done", 4_500)


def test_rate_and_what_is_left() -> None:
    """3,000 of 9,000 rows in 10 s: 300 a second, and 20 s for the other 6,000."""
    seen = SnapshotProgress(state="running", rows=9_000, done=3_000, seconds=10.0)
    assert (seen.rows_per_s, seen.remaining_s) == (300.0, 20.0)
    assert SnapshotProgress(state="running", rows=9_000, seconds=10.0).remaining_s is None
