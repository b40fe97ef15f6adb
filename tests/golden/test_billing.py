"""Billing's decisions on small examples that were worked out by hand: see the files in `billing/`."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from processors.billing.entries.billing_day import instant
from processors.billing.entries.entry_matching import follow
from processors.billing.entries.matters import matter_book, matter_of
from processors.billing.entries.slicing import slice_days
from processors.billing.narratives.citation_checks import check_narrative
from processors.billing.narratives.extractive import extractive
from processors.billing.narratives.pricing import MICRODOLLARS, Price, cost, estimate, price_of, read_price
from processors.billing.narratives.prompts import (
    EntryMaterial,
    Material,
    Sentence,
    entry_material,
    questions,
    read_answer,
)
from processors.billing.timesheet import rounded
from schemas.billing import Client, Directory, Draft, Matter, Membership, Slice, SlicePart, StoredEntry
from schemas.errors import ConfigurationError
from schemas.groups import Disposition
from schemas.values import Activity, Kind, Words

MINUTE = 60_000_000
MONDAY = date(2026, 11, 9)
FILES = Path(__file__).with_name("billing")


def golden(name: str) -> dict[str, Any]:
    return tomllib.loads((FILES / f"{name}.toml").read_text(encoding="utf-8"))


def at(text: str, zone: str) -> int:
    return instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def words(case: dict[str, Any]) -> Words:
    return Words(
        title=case.get("title", ""),
        text=case.get("text", ""),
        url=case.get("url", ""),
        people=tuple(case.get("people", ())),
        files=tuple(case.get("files", ())),
    )


@pytest.mark.parametrize("name", ["a_day_of_overlaps", "the_night_the_clocks_change", "two_zones_on_one_day"])
def test_days_are_sliced_as_on_paper(name: str) -> None:
    case = golden(name)
    activities, places = [], {}
    for one in case["activity"]:
        zone = one.get("zone", case["zone"])
        end = at(one["end"], zone) if "end" in one else None
        excluded = one.get("excluded", False)
        activities.append(
            Activity(one["id"], Kind(one["kind"]), at(one["start"], zone), end, zone, Words(), excluded=excluded)
        )
        if not excluded:
            places[one["id"]] = Membership(one["group"], Disposition(one.get("disposition", "work")), "")
    found = slice_days(activities, places, matter_book(Directory()))
    assert [
        {
            "day": part.day,
            "group": part.group,
            "minutes": part.allocated_us / MINUTE,
            "imputed": part.imputed_us / MINUTE,
            "activities": [member.activity for member in part.parts],
        }
        for day in found
        for part in day.slices
    ] == case["slice"]
    names = ("captured", "billable", "non_billable", "held", "outlier", "excluded")
    assert [
        {"day": day.minutes.day} | {n: us / MINUTE for n in names if (us := getattr(day.minutes, f"{n}_us"))}
        for day in found
    ] == case["minutes"]


MATTERS = golden("matters")


@pytest.mark.parametrize("case", MATTERS["case"], ids=lambda case: case["why"])
def test_matters_are_found(case: dict[str, Any]) -> None:
    directory = Directory(
        tuple(Client(c["id"], c["name"], tuple(c["domains"])) for c in MATTERS["client"]),
        tuple(Matter(m["id"], m["client"], m["number"], m["name"], tuple(m["aliases"])) for m in MATTERS["matter"]),
    )
    activity = Activity(1, Kind.MAIL, 0, None, "UTC", words(case), matter=case.get("row"))
    assert matter_of(activity, matter_book(directory)) == case.get("matter")


@pytest.mark.parametrize("case", golden("narratives")["case"], ids=lambda case: case["why"])
def test_own_words_make_a_narrative(case: dict[str, Any]) -> None:
    activities, parts = {}, []
    for id, one in enumerate(case["activity"], 1):
        start = id * 100 * MINUTE
        kind = Kind(one.get("kind", "document"))
        activities[id] = Activity(id, kind, start, start + one["minutes"] * MINUTE, "UTC", words(one))
        parts.append(SlicePart(id, "", one["minutes"] * MINUTE, False))
    entry = Slice(1, Disposition.WORK, MONDAY, None, True, tuple(parts))
    matter = Matter(1, 1, case["matter"], "Lease") if "matter" in case else None
    assert extractive(entry, activities, matter) == case["expect"]


SENTENCES = golden("sentences")


@pytest.mark.parametrize("case", SENTENCES["case"], ids=lambda case: f"{case['text']} {case['cites']}")
def test_sentences_are_held_to_what_they_cite(case: dict[str, Any]) -> None:
    materials = tuple(
        Material(a["id"], "document", a["title"], a.get("text", ""), people=tuple(a.get("people", ())))
        for a in SENTENCES["activity"]
    )
    sentence = Sentence(case["text"], tuple(case["cites"]))
    checked = check_narrative([sentence], EntryMaterial(1, MONDAY, materials), "2026-0101 Quay lease")
    assert [refused.why for refused in checked.refused] == ([case["why"]] if "why" in case else [])
    assert checked.text == ("" if "why" in case else case["text"])


def test_a_narrative_is_the_sentences_that_stand() -> None:
    entry = EntryMaterial(1, MONDAY, (Material(1, "mail", "Lease"),))
    checked = check_narrative(
        [Sentence("Read it.", (1,)), Sentence("Paid 5.", (1,)), Sentence("Sent it.", (1,))], entry, ""
    )
    assert checked.text == "Read it. Sent it."


def test_rounded_minutes_add_up() -> None:
    """10:20, 10:20 and 10:20 are 31 minutes together: 10 + 10 + 10, and the first gets the one that is missing."""
    assert rounded([620_000_000] * 3) == [11, 10, 10]
    assert rounded([90_000_000, 30_000_000]) == [2, 0]
    assert rounded([]) == []


def test_what_a_call_costs() -> None:
    """1,000 tokens at $0.40 a million and 100 at $1.60 a million: 400 + 160 millionths of a dollar."""
    price = Price(400_000, 1_600_000)
    assert read_price("0.4,1.6") == price
    assert cost(price, 1000, 100) == 560
    assert cost(price, 1, 0) == 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Lease", 5),  # one token for most models, but a name that they don't know may take one a letter
        ("租赁合同", 12),  # four ideographs of three bytes; an older tokenizer may take three tokens for one
        ("👩🏽‍⚖️", 17),  # one emoji of five characters: 4 + 4 + 3 + 3 + 3 bytes
        ("", 0),
    ],
)
def test_an_estimate_is_an_upper_bound_in_every_script(text: str, tokens: int) -> None:
    """At a dollar a token in, and nothing out, with 400 tokens for what wraps the text."""
    assert estimate(Price(MICRODOLLARS, 0), [text], 0) == 400 + tokens
    assert estimate(Price(MICRODOLLARS, 0), [text, text], 0) == 400 + 2 * tokens


def test_a_model_without_a_price_is_not_called() -> None:
    with pytest.raises(ConfigurationError, match="TIMELOOM_LLM_PRICE"):
        price_of("somebody's model")
    assert price_of("somebody's model", Price(0, 0)) == Price(0, 0)
    for text in ("", "1", "a,b", "1,2,3"):
        with pytest.raises(ConfigurationError, match="isn't two amounts"):
            read_price(text)


def draft(group: int, *activities: int) -> Draft:
    parts = tuple(SlicePart(id, "", 10 * MINUTE, False) for id in activities)
    return Draft(Slice(group, Disposition.WORK, MONDAY, None, True, parts), "", "")


def stored(id: int, group: int, **minutes: int) -> StoredEntry:
    return StoredEntry(id, group, None, {int(name[1:]): m * MINUTE for name, m in minutes.items()})


def test_an_entry_follows_the_group_that_holds_most_of_its_minutes() -> None:
    # Group 1 splits: activity 1 (10 minutes) stays group 1, 2 and 3 (50 minutes) become group 2.
    assert follow([stored(7, 1, a1=10, a2=20, a3=30)], [draft(1, 1), draft(2, 2, 3)]) == {(2, 0): 7}
    # Groups 1 and 2 merge: the entry with more of the result goes on, the other is gone.
    assert follow([stored(7, 1, a1=10), stored(8, 2, a2=40)], [draft(1, 1, 2)]) == {(1, 0): 8}
    # Two groups swap their names: the entries swap them too.
    assert follow([stored(7, 1, a1=10), stored(8, 2, a2=40)], [draft(2, 1), draft(1, 2)]) == {(2, 0): 7, (1, 0): 8}
    # Equal claims: an entry stays where it is.
    assert follow([stored(7, 2, a1=10, a2=10)], [draft(1, 1), draft(2, 2)]) == {(2, 0): 7}
    # Nothing in common.
    assert follow([stored(7, 1, a1=10)], [draft(1, 5)]) == {}


def test_a_question_holds_what_a_call_may() -> None:
    """Nine entries are two calls, since one asks about eight at most."""
    entries = [EntryMaterial(n, MONDAY, (Material(n, "mail", f"Title {n}"),)) for n in range(9)]
    asked = questions("2026-0101", entries)
    assert [[one.entry for one in question.entries] for question in asked] == [list(range(8)), [8]]
    assert '"title":"Title 8"' in asked[1].messages[-1]["content"]


def test_a_long_text_is_cut_before_it_is_sent() -> None:
    activity = Activity(1, Kind.MAIL, 0, None, "UTC", Words(title="T", text="word " * 10_000))
    sent = entry_material(1, MONDAY, [activity]).activities[0]
    assert len(sent.text) <= 400
    assert sent.text.endswith("…")


def test_an_answer_is_read() -> None:
    answer = '{"entries": [{"entry": 2, "sentences": [{"text": "Read it.", "cites": [7]}]}]}'
    assert read_answer(answer) == {2: (Sentence("Read it.", (7,)),)}
