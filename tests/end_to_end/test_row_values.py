"""A row read by SQL is the value that its change event is, through the real binlog, Debezium and Kafka.

The content hash is made of it on both sides: were they to differ in one row, `bill` would wait for ever.
"""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from connectors.kafka.records.partition_log import read_to_end
from connectors.mariadb.source.captured_rows import read_all_rows
from schemas.changes import decode_change
from schemas.keys import RowKey, Scope
from schemas.outcomes import Ok
from schemas.row_decoders import ROW_DECODERS, BadRow
from schemas.topics import CHANGES, PARTITIONS
from schemas.values import Activity, Value, content_hash
from tests.live import Live
from tests.programs import eventually

pytestmark = pytest.mark.stack

WORDS = {
    "title": "Żółć – “quotes”, \\back\\slash, tab\t, 日本語, 🙂‍↔️, \u2028 and a nul \u0000",
    "text": "x" * 30_000,
    "people": ["a@b.example", "Ü <ü@c.example>"],
    "unknown": [1, 2.5, None],
}
ACTIVITIES: list[dict[str, object]] = [
    {},
    {"words": json.dumps(WORDS)},
    {"words": json.dumps(WORDS, ensure_ascii=False)},
    {"words": "{}", "app": "", "minutes": 0},
    {"minutes": None, "kind": "commit", "zone": "Pacific/Auckland", "billable": 1, "excluded": 0},
    {"minutes": 1_440, "app": "Ä" * 255, "billable": 0, "excluded": 1},
    {"started_at": "1970-01-01 00:00:00", "ended_at": "1970-01-01 00:00:00.000001"},
    {"started_at": "9998-12-31 23:59:59.999998", "ended_at": "9998-12-31 23:59:59.999999"},
    {"started_at": "2026-10-25 00:59:59.500000", "ended_at": "2026-10-25 01:00:00", "zone": "Europe/Berlin"},
]


def said(live: Live, who: Scope) -> dict[RowKey, Value]:
    """The last value of each of the timekeeper's rows on `changes`."""
    found: dict[RowKey, Value] = {}
    for record in read_to_end(live.settings.kafka(), CHANGES.name, list(range(PARTITIONS))):
        outcome = decode_change(record.value, record.partition, record.offset)
        if isinstance(outcome, Ok) and Scope(outcome.value.key.firm, outcome.value.key.timekeeper) == who:
            assert outcome.value.value is not None
            found[outcome.value.key] = outcome.value.value
    return found


def read(live: Live, who: Scope) -> Iterator[tuple[RowKey, Value]]:
    with live.pipeline.connect() as connection:
        for table in ROW_DECODERS:
            for id, value in read_all_rows(connection, who, table):
                assert not isinstance(value, BadRow), value
                yield RowKey(who.firm, who.timekeeper, table, id), value


def test_every_row_is_the_value_of_its_change_event(live: Live) -> None:
    who = live.timekeeper()
    for one in ACTIVITIES:
        live.insert(who, "Harbour lease", **one)  # type: ignore[arg-type]
    rows = [
        "INSERT INTO feedback (firm_id, timekeeper_id, verb, left_ids) VALUES (:f, :t, 'together', '[1, 2,3]')",
        "INSERT INTO feedback (firm_id, timekeeper_id, verb, left_ids, right_ids)"
        " VALUES (:f, :t, 'apart', '[1]', '[]')",
        "INSERT INTO `release` (firm_id, timekeeper_id, activity_ids) VALUES (:f, :t, '[9007199254740993]')",
        "INSERT INTO `release` (firm_id, timekeeper_id, activity_ids, seen) VALUES (:f, :t, '[1]', '\"as seen\"')",
        "INSERT INTO activation (firm_id, timekeeper_id, model_version) VALUES (:f, :t, 'first')",
    ]
    with live.collector.begin() as connection:
        for row in rows:
            connection.execute(text(row), {"f": who.firm, "t": who.timekeeper})
    with live.pipeline.begin() as connection:
        mark = "INSERT INTO mark (firm_id, timekeeper_id, kind, token, period_id) VALUES (:f, :t, 'close', :token, 7)"
        values = {"f": who.firm, "t": who.timekeeper, "token": f"row values {who.timekeeper}"}
        connection.execute(text(mark), values)
    there = dict(read(live, who))
    assert len(there) == len(ACTIVITIES) + len(rows) + 1
    eventually(lambda: said(live, who).keys() == there.keys(), what="every row is on the topic")
    on_topic = said(live, who)
    assert on_topic == there
    for key, value in there.items():
        if isinstance(value, Activity):
            one = on_topic[key]
            assert isinstance(one, Activity)
            assert content_hash(one) == content_hash(value)
