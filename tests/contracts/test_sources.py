"""What each source gives for good files, and what it says to bad ones."""

import gzip
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from connectors.sources.detect import Source, parts_of, read
from connectors.sources.event import Event, Notes, ReadOptions, Remark, fit_words
from connectors.sources.formats.calendar import read_calendar
from connectors.sources.formats.event_lines import read_events
from connectors.sources.instants import instant_of, iso, zone_of_offset
from connectors.sources.numbering import streams_of
from connectors.sources.text_files import LONGEST_LINE
from schemas.errors import SourceError
from schemas.row_decoders import known_zones
from schemas.values import WORDS_MAX_BYTES, Kind, Release, Together, Words

GOLDEN = Path(__file__).parents[1] / "golden" / "sources"
ASKED = ReadOptions(since=datetime(2025, 11, 1, tzinfo=UTC), now=datetime(2026, 5, 1, tzinfo=UTC))
GOOD = '{"stream":"s","id":"1","at":"2026-03-02T09:00:00Z"}'


LIBRARY_WORDS = ("$.", "Expected `", "started_at", "ended_at", "vRecur", "vDDD", "vBroken", "Traceback", "msgspec")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        list(read(path, Notes(), ASKED))
    return str(caught.value)


def written(folder: Path, content: str | bytes, name: str = "events.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- the event form ---------------------------------------------------------------------------------------------------


def test_the_event_form_is_read_as_the_golden_file_says() -> None:
    read_back = list(read_events(GOLDEN / "events.jsonl", Notes()))
    events = [item for item in read_back if isinstance(item, Event)]
    said = [
        f"{e.stream} {e.id} {e.kind} | {iso(e.at)} {iso(e.until) if e.until else '-'} {e.zone} "
        f"| {e.app} | {e.words.title}"
        for e in events
    ]
    assert [" ".join(line.split()) for line in said] == lines_of(GOLDEN / "events.jsonl.expected")
    assert read_back[-1] == Remark("chat", 3, "together", ("7", "8"))


def test_true_labels_have_no_field_to_be_read_from() -> None:
    fields = set(Event.__struct_fields__) | set(Words.__struct_fields__)
    assert not fields & {"group", "client", "code"}
    first = next(iter(read_events(GOLDEN / "events.jsonl", Notes())))
    assert isinstance(first, Event)
    assert first.matter is None  # the line has a true matter; only an export's `matter_id` is read


def test_gzip_is_known_by_its_bytes_and_a_mark_at_the_start_is_passed_over(tmp_path: Path) -> None:
    plain = written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n\r\n")
    packed = written(tmp_path, gzip.compress(GOOD.encode()), "packed-without-ending")
    assert list(read(plain, Notes(), ASKED)) == list(read(packed, Notes(), ASKED))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "isn't one JSON object"),
        ('{"stream":"s","id":"1","at":"2026-03-02T09:00:00Z"', "isn't one JSON object"),
        ("[1]", "is a list that holds something else, not an object"),
        ("3", "is a number, not an object"),
        ('{"id":"1","at":"2026-03-02T09:00:00Z"}', "has no `stream`"),
        ('{"stream":"s","at":"2026-03-02T09:00:00Z"}', "has no `id`"),
        ('{"stream":"s","id":"1"}', "no `at`"),
        ('{"stream":"s","id":"","at":"2026-03-02T09:00:00Z"}', "`id` is empty"),
        ('{"stream":"s","id":true,"at":"2026-03-02T09:00:00Z"}', "`id` must be a text or a whole number, and is true"),
        ('{"stream":"s","id":"1","at":1772442000}', "`at` must be a time as text, and is a number"),
        ('{"stream":"s","id":"1","at":"yesterday"}', "`at` 'yesterday' isn't a time"),
        ('{"stream":"s","id":"1","at":"2026-02-30T09:00:00Z"}', "isn't a time"),
        ('{"stream":"s","id":"1","at":"1960-01-01"}', "outside the years 1970 to 9998"),
        ('{"stream":"s","id":"1","at":"9999-03-01"}', "outside the years 1970 to 9998"),
        ('{"stream":"s","id":"1","at":"2026-03-02T09:00:00Z","until":"2026-03-02T08:00:00Z"}', "ends before it begins"),
        ('{"stream":"s","id":"1","at":"2024-03-02T09:00:00Z","until":"2026-03-02T08:00:00Z"}', "longer than 400 days"),
        ('{"stream":"s","id":"1","at":"2026-03-02","people":"ada"}', "`people` must be a list of texts, and is a text"),
        (
            '{"stream":"s","id":"1","at":"2026-03-02","people":[1]}',
            "`people` must be a list of texts, and is a list that",
        ),
        ('{"stream":"s","id":"1","at":"2026-03-02","seq":NaN}', "has NaN, which is no number in JSON"),
        ('{"stream":"s","id":"1","at":"2026-03-02","seq":-Infinity}', "has -Infinity, which is no number in JSON"),
        ('{"stream":"s","id":"1","at":"2026-03-02","x":' + "[" * 100_000, "nested too deeply"),
        ('{"stream":"s","id":"1","at":"2026-03-02","zone":"Mars/Olympus"}', "isn't an IANA time zone"),
        ('{"stream":"s","id":"1","at":"2026-03-02","title":"\\ud83d"}', "half of a surrogate pair"),
        ('{"stream":"s","id":"1","at":"2026-03-02","title":"\0"}', "a zero byte"),
        ('{"stream":"s","id":"feedback-x","kind":"feedback","together":[1]}', "id is `feedback-N`"),
        ('{"stream":"s","id":"feedback-1","kind":"feedback"}', "Export it again"),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{line}\n")
    message = refused(path)
    assert message.startswith(f"{path}, line 3: ")
    assert said in message
    assert not any(words in message for words in LIBRARY_WORDS)


def test_a_cut_or_damaged_gzip_file_is_said_to_be_one(tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(GOOD.replace('"1"', f'"{n}"') for n in range(5000)).encode())
    assert "cut short" in refused(written(tmp_path, packed[: len(packed) // 2], "cut.jsonl.gz"))
    damaged = bytearray(packed)
    damaged[len(damaged) // 2] ^= 0xFF
    assert "damaged" in refused(written(tmp_path, bytes(damaged), "bad.jsonl.gz"))


def test_another_encoding_is_named_with_the_way_to_convert_it(tmp_path: Path) -> None:
    line = '{"stream":"s","id":"1","at":"2026-03-02","title":"Prüfung"}'
    assert "line 1: isn't UTF-8" in (said := refused(written(tmp_path, line.encode("latin-1"))))
    assert "iconv -f LATIN1" in said
    assert "iconv -f UTF-16" in refused(written(tmp_path, line.encode("utf-16")))


def test_a_line_without_an_end_does_not_fill_memory(tmp_path: Path) -> None:
    assert "over 16 MiB" in refused(written(tmp_path, b"{" + b" " * (LONGEST_LINE + 1)))


def test_an_empty_file_holds_no_events_and_that_is_said(tmp_path: Path) -> None:
    notes = Notes()
    assert list(read(written(tmp_path, b""), notes, ASKED)) == []
    assert notes.lines() == [f"the file is empty ({tmp_path}/events.jsonl)"]


def test_words_over_64_kb_are_cut_at_a_character_and_that_is_said(tmp_path: Path) -> None:
    notes = Notes()
    line = {"stream": "s", "id": "1", "at": "2026-03-02", "title": "kept", "text": "é" * 70_000, "app": "x" * 300}
    (event,) = read_events(written(tmp_path, msgspec.json.encode(line)), notes)
    assert isinstance(event, Event)
    assert event.words.title == "kept"
    assert set(event.words.text) == {"é"}
    assert WORDS_MAX_BYTES - 1 <= len(msgspec.json.encode(event.words)) <= WORDS_MAX_BYTES
    assert len(event.app) == 255
    assert notes.lines() == [
        f"words over 64 KB (or an application's name over 255 characters) were cut ({tmp_path}/events.jsonl, line 1)"
    ]


def test_files_are_cut_only_when_the_text_was_not_enough() -> None:
    words, cut = fit_words(Words(title="t", text="x", files=("f" * 999,) * 100))
    assert cut
    assert (words.title, words.text, len(words.files)) == ("t", "", 65)  # 65 * 1,002 + 28 fit in 65,536; 66 don't
    assert fit_words(words) == (words, False)


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant", "zone"),
    [
        ("1970-01-01T00:00:01", 1_000_000, "UTC"),
        ("1970-01-01T00:00:01Z", 1_000_000, "UTC"),
        ("1970-01-01T02:00:00.000001+02:00", 1, "Etc/GMT-2"),
        ("1970-01-01T00:00:00-08:00", 8 * 3_600_000_000, "Etc/GMT+8"),
        ("1970-01-01T05:45:00+05:45", 0, "Asia/Kathmandu"),
        ("1970-01-02", 86_400_000_000, "UTC"),
    ],
)
def test_an_offset_stands_for_a_zone_and_none_is_utc(text: str, instant: int, zone: str) -> None:
    assert instant_of(text) == (instant, zone)


def test_every_offset_has_a_zone_that_is_known() -> None:
    every = {zone_of_offset(timedelta(minutes=minutes)) for minutes in range(-24 * 60 + 1, 24 * 60)}
    assert every <= known_zones()
    assert {zone_of_offset(timedelta(hours=hours)) for hours in range(-12, 15)} <= every
    assert len(every) == 27 + 11  # whole hours from -12 to +14, and eleven zones of broken hours


# --- calendars --------------------------------------------------------------------------------------------------------


def test_a_calendar_is_read_as_the_golden_file_says() -> None:
    notes = Notes()
    meetings = list(read_calendar(GOLDEN / "week.ics", notes, ASKED))
    assert {(one.stream, one.kind) for one in meetings} == {("Generated calendar", Kind.MEETING)}
    said = [
        f"{m.id} | {iso(m.at)} {iso(m.until or 0)} {m.zone} | {m.words.title} | {', '.join(m.words.people)}".strip()
        for m in meetings
    ]
    assert sorted(said) == sorted(lines_of(GOLDEN / "week.ics.expected"))
    path = GOLDEN / "week.ics"
    assert notes.lines() == [
        f"all-day events were left out ({path}, line 24, event 'Public holiday')",
        f"cancelled events were left out ({path}, line 29, event 'Cancelled')",
        f"times without a zone were read as UTC ({path}, line 42, event 'Reminder')",
        f"events that have not begun yet were left out ({path}, line 47, event 'Not yet')",
    ]


def test_a_recurring_event_is_expanded_in_the_window_only_and_that_is_said(tmp_path: Path) -> None:
    rule = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:d\r\nSUMMARY:Daily\r\n"
    path = written(
        tmp_path, f"{rule}DTSTART:20200101T090000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", "a.ics"
    )
    notes = Notes()
    asked = ReadOptions(since=datetime(2026, 3, 1, tzinfo=UTC), now=datetime(2026, 3, 4, 9, tzinfo=UTC))
    assert [iso(one.at) for one in read_calendar(path, notes, asked)] == [
        "2026-03-01T09:00:00Z",
        "2026-03-02T09:00:00Z",
        "2026-03-03T09:00:00Z",
    ]
    assert notes.lines() == [f"recurring events were expanded from 2026-03-01 on ({path}, line 4, event 'Daily')"]


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260316T090000", "DTSTART;TZID=Nowhere/Land:20260316T090000", "'Nowhere/Land'"),
        ("DTSTART;TZID=Europe/Berlin:20260316T090000\n", "", "has no DTSTART"),
        ("DTSTART;TZID=Europe/Berlin:20260316T090000", "DTSTART:soon", "DTSTART (when it begins) can't be read"),
        ("DTEND;TZID=Europe/Berlin:20260316T100000", "DTEND:20260316T070000Z", "ends before it begins"),
        ("FREQ=WEEKLY;UNTIL=20260413T000000", "FREQ=SECONDLY", "FREQ SECONDLY"),
        ("FREQ=WEEKLY;UNTIL=20260413T000000", "BYDAY=MO", "FREQ NONE"),
        ("FREQ=WEEKLY;UNTIL=20260413T000000", "FREQ=DAILY;INTERVAL=0", "INTERVAL below 1"),
        ("SUMMARY:Jour fixe\n", "DTSTART:20260316T090000Z\n", "more than one DTSTART"),
        ("DTEND;TZID=Europe/Berlin:20260316T100000", "DTEND:later", "DTEND (when it ends) can't be read: later"),
        ("FREQ=WEEKLY;UNTIL=20260413T000000", "FREQ=WEEKLY;BYDAY=XX", "RRULE (how it repeats) can't be read"),
        ("FREQ=WEEKLY;UNTIL=20260413T000000", "FREQ=WEEKLY;UNTIL=soon", "RRULE (how it repeats) can't be read"),
        ("SUMMARY:Jour fixe\n", "EXDATE:never\n", "EXDATE (when it doesn't take place) can't be read"),
        ("BEGIN:VCALENDAR", "BEGIN:NOTHING", "isn't a calendar"),
    ],
)
def test_a_broken_calendar_is_named_with_the_event(tmp_path: Path, find: str, put: str, said: str) -> None:
    content = (GOLDEN / "week.ics").read_text()
    assert find in content
    path = written(tmp_path, content.replace(find, put, 1), "broken.ics")
    message = refused(path)
    assert message.startswith(str(path))
    assert said in message
    assert not any(words in message for words in LIBRARY_WORDS)


# --- git --------------------------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str, date: str = "2026-03-02T09:00:00+05:30") -> None:
    author = ["-c", "user.name=Ada (generated)", "-c", "user.email=ada@generated.test", "-c", "commit.gpgsign=false"]
    environment = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, env=environment, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "näme\twith tab.txt").write_text("1")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "First subject", "-m", "And a body\nof two lines")
    (folder / "sub").mkdir()
    (folder / "sub" / "second.txt").write_text("2")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Second", date="2026-03-02T10:00:00Z")
    return folder


def events(path: Path) -> list[Event]:
    return [item for _, item in read(path, Notes(), ASKED) if isinstance(item, Event)]


def test_a_repository_gives_its_commits_with_files_author_and_zone(repository: Path) -> None:
    second, first = events(repository)
    assert (first.stream, first.kind, first.app) == ("ada@generated.test", Kind.COMMIT, "git")
    assert (iso(first.at), first.until, first.zone) == ("2026-03-02T03:30:00Z", None, "Asia/Kolkata")
    assert first.words == Words(
        title="First subject",
        text="And a body\nof two lines",
        actor="Ada (generated)",
        files=("näme\twith tab.txt",),
    )
    assert (second.words.files, second.zone) == (("sub/second.txt",), "UTC")
    assert len(first.id) == 40


def test_a_folder_of_a_repository_gives_the_commits_that_touch_it(repository: Path) -> None:
    assert [one.words.title for one in events(repository / "sub")] == ["Second"]


def test_a_shallow_clone_an_unpacked_archive_and_an_empty_repository_say_what_they_are(
    repository: Path, tmp_path: Path
) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), str(shallow))
    assert "fetch --unshallow" in refused(shallow)
    (tmp_path / "archive").mkdir()
    assert "an unpacked archive has no history" in refused(tmp_path / "archive")
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    assert "no commits yet" in refused(tmp_path / "new")


# --- what a path is ---------------------------------------------------------------------------------------------------


def test_what_a_path_is_goes_by_name_then_by_content(repository: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name in ("b.ics", "a.jsonl.gz", "notes.txt"):
        (folder / name).write_bytes(b"just words")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "inside").mkdir()
    notes = Notes()
    assert parts_of(folder, notes) == [(Source.EVENTS, folder / "a.jsonl.gz"), (Source.CALENDAR, folder / "b.ics")]
    assert notes.lines() == [
        f"the file is empty ({folder}/empty.csv)",
        f"files of other kinds, and folders inside, were left out (2 times, first: {folder}/inside)",
    ]
    assert parts_of(repository, notes) == [(Source.GIT, repository)]
    assert parts_of(written(tmp_path, "BEGIN:VCALENDAR\n", "unnamed"), notes)[0][0] is Source.CALENDAR
    assert "there is no such file" in refused(tmp_path / "nowhere")
    assert "isn't text but a PDF" in refused(written(tmp_path, "%PDF-1.7", "report.pdf"))
    assert "isn't anything that can be read" in refused(written(tmp_path, "just words", "report.txt"))


# --- numbers ----------------------------------------------------------------------------------------------------------


def event(event_id: str, minute: int, seq: float = 0) -> Event:
    return Event("s", event_id, seq, minute * 60_000_000, None, "UTC", Kind.OTHER, "", Words())


def test_ids_that_are_numbers_are_kept_and_others_are_numbered_by_time_then_seq_then_id() -> None:
    (kept,) = streams_of([event("12", 5), event("7", 9)], Notes())
    assert kept.names == {7: "7", 12: "12"}
    (given,) = streams_of([event("12", 5, 1), event("07", 9), event("x", 5, 0), event("a", 9)], Notes())
    assert given.names == {1: "x", 2: "12", 3: "07", 4: "a"}


def test_the_same_line_twice_counts_once_and_two_under_one_id_are_refused() -> None:
    notes = Notes()
    assert len(streams_of([event("1", 1), event("1", 1)], notes)[0].activities) == 1
    assert notes.lines() == ["events that are there twice were counted once"]
    with pytest.raises(SourceError, match="two different events with the id '1'"):
        streams_of([event("1", 1), event("1", 2)], Notes())


def test_remarks_speak_of_the_same_numbers() -> None:
    said = [Remark("s", 2, "release", ("b",), seen="{}"), Remark("s", 3, "together", ("b", "a"))]
    (stream,) = streams_of([event("b", 1), event("a", 2), *said], Notes())
    assert stream.feedback == (Together(3, (1, 2)),)
    assert stream.releases == (Release(2, (1,), "{}"),)
    with pytest.raises(SourceError, match="'nobody', which is no event"):
        streams_of([event("b", 1), Remark("s", 1, "together", ("nobody",))], Notes())


def test_the_example_in_the_documentation_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    example = page.split("```json\n")[1].split("```")[0]
    read_back = [item for item in read_events(written(tmp_path, example), Notes()) if isinstance(item, Event)]
    assert [(one.id, one.kind, one.zone) for one in read_back] == [
        ("w1", Kind.WINDOW, "Etc/GMT-1"),
        ("m1", Kind.MAIL, "UTC"),
    ]
