"""Rows in MariaDB become groups on the topic, on the real stack: the same groups as the whole set gives at once."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from schemas.groups import PublishedGroup, PublishedMark, decode_published
from schemas.keys import MarkKey, Scope, decode_groups_key
from tests.live import Live
from tests.programs import Program, eventually, running

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", autouse=True)
def group(live: Live) -> Iterator[Program]:
    with running(live.stack.home.path, "group") as program:
        yield program


def agree(live: Live, *who: Scope) -> None:
    eventually(lambda: live.groups(*who) == live.expected(*who), what=f"groups of {who} are those of the set")


def test_inserts_updates_and_deletes_reach_the_groups(live: Live) -> None:
    who = live.timekeeper()
    lease = [live.insert(who, f"Harbour lease draft {n}.docx", minute=n * 6) for n in range(4)]
    tax = [live.insert(who, f"Tax return 2025 {n}.xlsx", minute=200 + n * 6) for n in range(3)]
    agree(live, who)
    assert live.groups(who), "there are groups"
    live.update(lease[0], words=json.dumps({"title": "Tax return 2025 0.xlsx"}))
    live.delete(tax[1])
    agree(live, who)
    for activity in (*lease, tax[0], tax[2]):
        live.delete(activity)
    agree(live, who)
    assert live.groups(who) == {}


def test_a_row_that_changes_its_owner_leaves_one_and_joins_the_other(live: Live) -> None:
    one, other = live.timekeeper(), live.timekeeper()
    moving = live.insert(one, "Opinion on the merger.docx")
    agree(live, one, other)
    assert {scope for scope, _ in live.groups(one, other)} == {one}
    live.update(moving, firm_id=other.firm, timekeeper_id=other.timekeeper)
    agree(live, one, other)
    assert {scope for scope, _ in live.groups(one, other)} == {other}


def test_feedback_reaches_the_groups(live: Live) -> None:
    who = live.timekeeper()
    first = live.insert(who, "Harbour lease.docx", minute=0)
    second = live.insert(who, "Quarterly audit of the bakery.xlsx", minute=600)
    agree(live, who)
    assert len(live.groups(who)) == 2
    with live.collector.begin() as connection:
        connection.execute(
            text("INSERT INTO feedback (firm_id, timekeeper_id, verb, left_ids) VALUES (:f, :t, 'together', :ids)"),
            {"f": who.firm, "t": who.timekeeper, "ids": json.dumps([first, second])},
        )
    agree(live, who)
    assert len(live.groups(who)) == 1


def test_an_excluded_row_is_in_no_group(live: Live) -> None:
    who = live.timekeeper()
    activity = live.insert(who, "Private letter.docx")
    eventually(lambda: live.groups(who))
    live.update(activity, excluded=1)
    eventually(lambda: live.groups(who) == {})


def test_a_mark_follows_everything_before_it(live: Live) -> None:
    who = live.timekeeper()
    before = [live.insert(who, f"Witness statement {n}.docx", minute=n * 5) for n in range(20)]
    with live.pipeline.begin() as connection:
        connection.execute(
            text("INSERT INTO mark (firm_id, timekeeper_id, kind, token) VALUES (:f, :t, 'verify', 'after twenty')"),
            {"f": who.firm, "t": who.timekeeper},
        )
    after = live.insert(who, "Witness statement, last.docx", minute=100)

    def seen() -> list[str]:
        """In topic order: the members said, and the mark."""
        found = []
        for record in live.said():
            key = decode_groups_key(record.key or b"")
            if (key.firm, key.timekeeper) == (who.firm, who.timekeeper) and record.value:
                said = decode_published(record.value)
                if isinstance(key, MarkKey) and isinstance(said, PublishedMark):
                    found.append("mark")
                elif isinstance(said, PublishedGroup):
                    found += [str(member.id) for member in said.group.members]
        return found

    eventually(lambda: str(after) in seen())
    order = seen()
    assert set(order[: order.index("mark")]) == {str(activity) for activity in before}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"zone": "Mars/Olympus"}, "bad_column"),
        ({"words": '{"title": 7}'}, "bad_words"),
        ({"ended_at": "2026-03-02 07:00:00"}, "bad_interval"),
        ({"started_at": "9999-12-31 23:00:00", "ended_at": None}, "bad_interval"),
    ],
)
def test_a_bad_row_is_a_dead_letter_and_the_next_good_one_goes_through(
    live: Live, columns: dict[str, object], reason: str
) -> None:
    who = live.timekeeper()
    bad = live.insert(who, "Deed of sale.docx", **columns)
    good = live.insert(who, "Deed of sale, fair copy.docx", minute=30)
    eventually(lambda: any(name == good for _, name in live.groups(who)))
    letters = [letter for letter in live.dead_letters() if (letter.timekeeper, letter.row) == (who.timekeeper, bad)]
    assert [letter.reason for letter in letters] == [reason]
    assert json.loads(letters[0].value or b"")["after"]["id"] == bad, "the whole record is there"
    live.update(
        bad, zone="UTC", words='{"title": "Deed"}', started_at="2026-03-02 08:00:00", ended_at="2026-03-02 08:05:00"
    )
    agree(live, who)


def test_half_a_letter_is_refused_by_the_table(live: Live) -> None:
    """A lone surrogate is no text, and MariaDB knows it; if one slips past, it is a dead letter."""
    with pytest.raises(IntegrityError, match="words"):
        live.insert(live.timekeeper(), "", words='{"title": "\\ud800"}')


def test_words_of_64_kb_pass_and_one_byte_more_is_refused_by_the_table(live: Live) -> None:
    who = live.timekeeper()
    frame = len(json.dumps({"title": ""}))
    fat = live.insert(who, "é" * 100 + "x" * (65_536 - frame - 600))
    assert fat
    live.update(fat, words=json.dumps({"title": "x" * (65_536 - frame)}))
    agree(live, who)
    with pytest.raises(IntegrityError, match="words"):
        live.update(fat, words=json.dumps({"title": "x" * (65_537 - frame)}))
