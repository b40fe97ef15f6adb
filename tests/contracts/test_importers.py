"""What tables, day notes and exports of ActivityWatch give, what is kept out of them, and that again is the same."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sources.detect import Source, parts_of, read
from connectors.sources.event import Event, Notes, ReadOptions
from connectors.sources.exclusions import Exclusions, read_exclusions
from connectors.sources.instants import instant_of, iso
from connectors.sources.intervals import Interval, common, joined, without
from schemas.errors import ConfigurationError, SourceError
from schemas.values import Kind, Words

GOLDEN = Path(__file__).parents[1] / "golden" / "sources"
PAGE = Path(__file__).parents[2] / "docs" / "sources.md"


def asked(zone: str = "Europe/Berlin", day_first: bool | None = None, **columns: str) -> ReadOptions:
    return ReadOptions(
        since=datetime(2025, 11, 1, tzinfo=UTC),
        now=datetime(2026, 5, 1, tzinfo=UTC),
        zone=zone,
        columns=columns,
        day_first=day_first,
    )


def events(path: Path, how: ReadOptions | None = None, notes: Notes | None = None) -> list[Event]:
    found = [item for _, item in read(path, notes or Notes(), how or asked())]
    return [item for item in found if isinstance(item, Event)]


def written(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


def refused(path: Path, how: ReadOptions | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        events(path, how)
    return str(caught.value)


def said(*fields: object) -> str:
    return " ".join(" | ".join(" ".join(str(one).split()) for one in fields).split())


def expected(name: str) -> list[str]:
    return [" ".join(line.split()) for line in (GOLDEN / f"{name}.expected").read_text().splitlines()]


def span(one: Event) -> str:
    return f"{iso(one.at)} {iso(one.until) if one.until is not None else '-'}"


# --- ActivityWatch ----------------------------------------------------------------------------------------------------


def test_an_export_of_activitywatch_is_read_without_the_time_away() -> None:
    notes = Notes()
    found = events(GOLDEN / "activitywatch.json", notes=notes)
    lines = [
        said(e.stream, span(e), e.app, e.words.title, e.words.url) for e in sorted(found, key=lambda e: (e.at, e.id))
    ]
    assert lines == expected("activitywatch.json")
    assert {(one.kind, one.zone) for one in found} == {(Kind.WINDOW, "Europe/Berlin")}
    assert len({one.id for one in found}) == len(found)
    assert any("private windows were left out" in line for line in notes.lines())
    assert any("buckets other than windows" in line for line in notes.lines())


def test_one_bucket_alone_is_read_and_that_nothing_was_cut_is_said(tmp_path: Path) -> None:
    export = json.loads((GOLDEN / "activitywatch.json").read_text())
    alone = written(tmp_path, "bucket.json", json.dumps(export["buckets"]["aw-watcher-window_desk"]))
    notes = Notes()
    assert len(events(alone, notes=notes)) == 3
    assert "no afk watcher is in the export, so time away was not cut out (desk)" in notes.lines()


def test_a_browser_that_does_not_know_its_machine_is_on_the_only_one(tmp_path: Path) -> None:
    export = json.loads((GOLDEN / "activitywatch.json").read_text())
    export["buckets"]["aw-watcher-web-firefox_desk"]["hostname"] = "unknown"
    assert events(written(tmp_path, "export.json", json.dumps(export))) == events(GOLDEN / "activitywatch.json")


def test_a_page_that_plays_sound_in_front_counts_as_presence(tmp_path: Path) -> None:
    export = json.loads((GOLDEN / "activitywatch.json").read_text())
    web = export["buckets"]["aw-watcher-web-firefox_desk"]["events"]
    web[:] = [{"timestamp": "2026-03-02T09:40:00Z", "duration": 300, "data": {"title": "Talk", "audible": True}}]
    window = export["buckets"]["aw-watcher-window_desk"]["events"]
    window[:] = [{"timestamp": "2026-03-02T09:30:00Z", "duration": 1200, "data": {"app": "Firefox", "title": "Talk"}}]
    path = written(tmp_path, "export.json", json.dumps(export))
    assert {span(one) for one in events(path)} == {"2026-03-02T09:40:00Z 2026-03-02T09:45:00Z"}


def test_a_later_export_names_the_same_events_the_same(tmp_path: Path) -> None:
    export = json.loads((GOLDEN / "activitywatch.json").read_text())
    window = export["buckets"]["aw-watcher-window_desk"]["events"]
    window[0]["duration"] += 300  # the last window went on; and the server gives no ids away
    window.insert(0, {"timestamp": "2026-03-02T10:25:00Z", "duration": 60, "data": {"app": "mail", "title": "Inbox"}})
    before = {one.id for one in events(GOLDEN / "activitywatch.json")}
    after = {one.id for one in events(written(tmp_path, "later.json", json.dumps(export)))}
    assert before < after
    assert len(after) == len(before) + 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"buckets": {"a": {"type": "currentwindow", "hostname": "h", "events": [{"timestamp": "2026', "cut short"),
        ('{"buckets": {"a": {"type": "x", "events": [], "data": ' + "[" * 100_000, "nested too deeply"),
        ('{"buckets": {"a": {"events": []}}}', "a bucket has a `type`"),
        ('{"buckets": {"a": {"type": "currentwindow", "events": [{"duration": 1}]}}}', "bucket a, event 1: must have"),
        (
            '{"buckets": {"a": {"type": "currentwindow", "events": [{"timestamp": "2026-03-02", "duration": -5}]}}}',
            "bucket a, event 1: it ends before it begins",
        ),
        (
            '{"buckets": {"a": {"type": "currentwindow", "events": [{"timestamp": "noon", "duration": 5}]}}}',
            "bucket a, event 1",
        ),
    ],
)
def test_a_broken_export_is_named_with_its_place(tmp_path: Path, content: str, words: str) -> None:
    assert words in refused(written(tmp_path, "export.json", content))


# --- tables -----------------------------------------------------------------------------------------------------------


def test_a_table_is_read_as_the_golden_file_says() -> None:
    found = events(GOLDEN / "tracker.csv")
    lines = [said(f"{span(e)} {e.zone}", e.words.title, e.words.text, " ".join(e.words.people)) for e in found]
    assert lines == expected("tracker.csv")
    assert [one.id for one in found] == [one.id for one in events(GOLDEN / "tracker.csv")]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("Begin,What\n2026-03-02 09:00,x\n", {"start": "Begin", "title": "What"}),
        ("start,title\n2026-03-02T09:00:00+01:00,x\n", {}),
        ("Start\tTitle\n2026-03-02 9:00 AM\tx\n", {}),
        ("sep=;\nStart;Title\n2026-03-02 9:00;x\n", {}),
        ("Day|From|Task\n2.3.2026|09:00|x\n", {}),
        ("2026-03-02 09:00,x\n2026-03-02 09:00,x\n", {"start": "1", "title": "2"}),
        ('"Start","Title"\r\n"2026/03/02 09:00:00","x"\r\n', {}),
    ],
)
def test_a_row_is_found_whatever_the_table_looks_like(tmp_path: Path, content: str, columns: dict[str, str]) -> None:
    found = events(written(tmp_path, "t.csv", content), asked(**columns))
    assert {(iso(one.at), one.words.title) for one in found} == {("2026-03-02T08:00:00Z", "x")}


@pytest.mark.parametrize(
    ("header", "cells", "lasts"),
    [("Duration", "1:30", 90), ("Duration (h)", "01:30:00", 90), ("Minutes", "45", 45), ("Hours", '"1,5"', 90)],
)
def test_an_end_may_be_given_as_how_long_it_took(tmp_path: Path, header: str, cells: str, lasts: int) -> None:
    (one,) = events(written(tmp_path, "t.csv", f"Start,{header}\n2026-03-02 09:00,{cells}\n"))
    assert one.until == one.at + lasts * 60_000_000


def test_a_date_that_can_be_read_in_two_ways_is_refused_unless_something_says_how(tmp_path: Path) -> None:
    open_ = written(tmp_path, "t.csv", "start,title\n3/2/2026 9:00,x\n")
    message = refused(open_)
    assert (
        "line 2: '3/2/2026 9:00' is 3 February or 2 March. Say which: --dates day-first or --dates month-first"
        in message
    )
    assert iso(events(open_, asked(day_first=True))[0].at) == "2026-02-03T08:00:00Z"
    assert iso(events(open_, asked(day_first=False))[0].at) == "2026-03-02T08:00:00Z"
    notes = Notes()
    shown = written(tmp_path, "s.csv", "start,title\n3/2/2026 9:00,x\n25/2/2026 9:00,y\n")
    assert [iso(one.at)[:10] for one in events(shown, notes=notes)] == ["2026-02-03", "2026-02-25"]
    assert "dates were read with the day first, as others of the file show" in notes.lines()[0]
    both = written(tmp_path, "b.csv", "start,title\n3/2/2026 9:00,x\n25/2/2026 9:00,y\n2/25/2026 9:00,z\n")
    assert "Say which" in refused(both)


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("a,b\n1,2\n", {}, "The columns are 'a', 'b'. Say which is which: --map start=COLUMN"),
        ("2026-03-02 09:00,Lease\n", {}, "in a table without a header count them: --map start=1"),
        ("start,b\n", {"title": "What"}, "no column 'What', which --map says is title. The columns are 'start', 'b'."),
        ("start,b,b\n", {"title": "b"}, "more than one column 'b'"),
        ("start\n", {"colour": "start"}, "'colour' isn't one of date, start"),
        ("2026-03-02 09:00,x\n", {"start": "1", "title": "9"}, "has 2 columns, and --map counts more"),
        ("start,title\nsoon,x\n", {}, "line 2: 'soon' isn't a time"),
        ("start,title\n2026-02-30 9:00,x\n", {}, "line 2: '2026-02-30 9:00' is no date or time that there is"),
        ("start,title\n9:00,x\n", {}, "line 2: '9:00' has no day"),
        ("start,title\n2026-03-02,x\n", {}, "line 2: '2026-03-02' has no time of day"),
        ("start,end\n2026-03-02 9:00,2026-03-02 8:00\n", {}, "line 2: it ends before it begins"),
        ("start,end\n9999-12-31 9:00,\n", {}, "line 2: it lies outside the years 1970 to 9998"),
        ("start,end\n0001-01-01 0:00,0:30\n", {}, "line 2: it lies outside the years 1970 to 9998"),
        ("start,hours\n2026-03-02 9:00,1e300\n", {}, "line 2: it lies outside the years 1970 to 9998"),
        ("start,title\n2026-03-02 9:00,a,b\n", {}, "line 2: has 3 cells, and the first line 2"),
        ('start,title\n2026-03-02 9:00,"a\n\n', {}, "line 2: a quote is opened and not closed"),
        ("start,hours\n2026-03-02 9:00,many\n", {}, "line 2: 'many' isn't a number of hours"),
        ("start,hours\n2026-03-02 9:00,nan\n", {}, "line 2: 'nan' isn't a number of hours"),
        ("start,duration\n2026-03-02 9:00,long\n", {}, "line 2: 'long' isn't a duration"),
        ("start,zone\n2026-03-02 9:00,Mars/Olympus\n", {}, "line 2: the zone 'Mars/Olympus' isn't an IANA time zone"),
    ],
)
def test_a_broken_table_is_named_with_its_line(
    tmp_path: Path, content: str, columns: dict[str, str], words: str
) -> None:
    assert words in refused(written(tmp_path, "t.csv", content), asked(**columns))


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    notes = Notes()
    events(written(tmp_path, "t.csv", "Client,Start,Title,Amount\nX,2026-03-02 9:00,x,9\n"), notes=notes)
    place = f"{tmp_path}/t.csv, line 1"
    assert notes.lines()[0] == f"columns that mean nothing here were not read: Client, Amount ({place})"


# --- day notes --------------------------------------------------------------------------------------------------------


def test_day_notes_are_read_as_the_golden_file_says() -> None:
    notes = Notes()
    found = events(GOLDEN / "notes.md", notes=notes)
    assert [said(e.id, span(e), e.words.title, e.words.text) for e in found] == expected("notes.md")
    place = f"{GOLDEN / 'notes.md'}, line 11"
    assert f"headings without times were left out, with what stands below them ({place})" in notes.lines()


def test_the_files_name_gives_the_day_where_no_heading_does(tmp_path: Path) -> None:
    (one,) = events(written(tmp_path, "2026-03-02.md", "## 9:15-9:30: Call\n"))
    assert span(one) == "2026-03-02T08:15:00Z 2026-03-02T08:30:00Z"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("## 9:15-9:30: Call\n", "line 1: no day is known here"),
        ("# 2026-13-40\n## 9:15-9:30: Call\n", "line 1: there is no such day"),
        ("# 2.3.2026\n## 9:15-9:30: Call\n", "line 1: '2.3.2026' isn't a day. Write it as `# 2026-03-02`"),
        ("# 9999-12-31\n## 23:00-1:00: Call\n", "line 2: it lies outside the years 1970 to 9998"),
        ("# 0001-01-01\n## 0:00-1:00: Call\n", "line 2: it lies outside the years 1970 to 9998"),
        ("# 2026-03-02\n\n## 9:15-25:30: Call\n", "line 3: '25:30' is no date or time that there is"),
        ("# 2026-03-02\n## 9.15-9.30: Call\n", "line 2: '9.15-9.30: Call' can't be read as times and a title"),
        ("# 2026-03-02\n## 9:15-soon: Call\n", "line 2: '9:15-soon: Call' can't be read as times and a title"),
    ],
)
def test_bad_notes_are_named_with_their_line(tmp_path: Path, content: str, words: str) -> None:
    assert words in refused(written(tmp_path, "day.md", content))


# --- what is kept out -------------------------------------------------------------------------------------------------


def event(begin: int, end: int | None, app: str = "", title: str = "", url: str = "", text: str = "") -> Event:
    at = instant_of("2026-03-02T00:00:00Z")[0]
    until = None if end is None else at + end * 60_000_000
    return Event("s", "1", 0, at + begin * 60_000_000, until, "UTC", Kind.OTHER, app, Words(title, text, url))


RULES = """
apps = ["KeePass*"]
titles = ["*private*", "/\\\\bdoctor\\\\b/"]
urls = ["bank.example", "https://*/health/*"]
[[pause]]
from = 2026-03-02T12:00:00+01:00
until = 2026-03-02T13:00:00+01:00
"""


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (event(0, 9, app="keepassxc"), False),
        (event(0, 9, app="Word", title="My PRIVATE things"), False),
        (event(0, 9, title="The Doctor calls"), False),
        (event(0, 9, title="Doctors' lease"), True),
        (event(0, 9, text="private words without a title"), False),
        (event(0, 9, url="https://www.bank.example:443/x?y"), False),
        (event(0, 9, url="https://notbank.example/"), True),
        (event(0, 9, url="https://law.example/?next=bank.example"), True),
        (event(0, 9, url="https://law.example/health/1"), False),
        (event(660, 661), False),
        (event(660, None), False),
        (event(720, None), True),
    ],
)
def test_an_exclusion_keeps_out_what_it_names_and_nothing_else(tmp_path: Path, one: Event, kept: bool) -> None:
    rules = read_exclusions(written(tmp_path, "e.toml", RULES))
    assert list(rules.left_of(one)) == ([one] if kept else [])
    assert rules.events == (0 if kept else 1)
    assert rules.minutes == (0 if kept or one.until is None else (one.until - one.at) / 60e6)


def test_a_pause_cuts_what_reaches_into_it(tmp_path: Path) -> None:
    rules = read_exclusions(written(tmp_path, "e.toml", RULES))
    left = list(rules.left_of(event(600, 780)))  # 10:00 to 13:00 UTC; the pause is 11:00 to 12:00
    assert [(one.id, span(one)) for one in left] == [
        ("1", "2026-03-02T10:00:00Z 2026-03-02T11:00:00Z"),
        ("1@2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z 2026-03-02T13:00:00Z"),
    ]
    assert (rules.events, rules.minutes) == (1, 60.0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("apps = 'x'", "apps must be a list of texts"),
        ("titels = ['x']", "has 'titels'; known are apps, titles, urls and [[pause]]"),
        ("titles = ['/(/']", "is no regular expression"),
        ("titles = [", "can't be read"),
        ("[[pause]]\nfrom = 2026-03-02T12:00:00", "has from and until"),
        ("[[pause]]\nfrom = 2026-03-02T12:00:00\nuntil = 2026-03-02T13:00:00", "times with an offset"),
        ("[[pause]]\nfrom = 2026-03-02T12:00:00Z\nuntil = 2026-03-02T11:00:00Z", "ends before it begins"),
        ("[pause]\nfrom = 2026-03-02T12:00:00Z", "with two brackets"),
    ],
)
def test_an_exclusion_that_can_not_be_meant_stops_everything(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match="Exclusions") as caught:
        read_exclusions(written(tmp_path, "e.toml", content))
    assert words in str(caught.value)
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_exclusions(tmp_path / "nowhere.toml")


sets = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda one: (one[0], one[0] + one[1])), max_size=8)


@given(sets, sets)
def test_what_two_sets_have_in_common_and_what_is_left_make_up_the_whole(
    some: list[Interval], taken: list[Interval]
) -> None:
    """Against a set of the minutes themselves."""
    taken = joined(taken)
    minutes = {minute for begin, end in taken for minute in range(begin, end)}
    for one in some:
        inside = [minute for begin, end in common([one], taken) for minute in range(begin, end)]
        outside = [minute for begin, end in without(one, taken) for minute in range(begin, end)]
        assert sorted(inside + outside) == list(range(*one))
        assert set(inside) == set(range(*one)) & minutes


def test_nothing_is_kept_out_where_nobody_said_so() -> None:
    rules = Exclusions()
    assert list(rules.left_of(event(0, 9, "app", "title", "url"))) == [event(0, 9, "app", "title", "url")]
    assert (rules.events, rules.minutes) == (0, 0)


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "name", "source", "count"),
    [
        ("csv", "table.csv", Source.TABLE, 2),
        ("markdown", "day.md", Source.NOTES, 2),
        ("json", "export.json", Source.ACTIVITYWATCH, 2),
    ],
)
def test_the_examples_on_the_page_are_read(
    tmp_path: Path, language: str, name: str, source: Source, count: int
) -> None:
    blocks = PAGE.read_text().split(f"```{language}\n")[1:]
    example = next(block.split("```\n")[0] for block in blocks if '"stream"' not in block)
    path = written(tmp_path, name, example)
    assert parts_of(path, Notes()) == [(source, path)]
    assert len(events(path)) == count


def test_the_exclusions_on_the_page_can_be_meant(tmp_path: Path) -> None:
    example = PAGE.read_text().split("```toml\n")[1].split("```")[0]
    rules = read_exclusions(written(tmp_path, "exclusions.toml", example))
    assert list(rules.left_of(event(0, 9, app="KeePassXC"))) == []
