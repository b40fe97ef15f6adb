"""Reads an export of ActivityWatch: windows and pages while somebody was at the machine.

Time away is cut out as ActivityWatch's own queries do: a window or a page counts while the afk watcher of the same
machine reports "not-afk", and a page only while its browser had the front window; a page that plays sound there counts
as presence. Without an afk watcher nothing is cut, and a note says so.

The export is one JSON document, so its bytes are in memory; its events are read one by one.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import msgspec

from connectors.sources.event import APP_MAX, Event, Notes, ReadOptions, check_times, fit_words
from connectors.sources.instants import instant_of, iso
from connectors.sources.intervals import Interval, common, joined
from connectors.sources.text_files import MARK, text, unpacked
from schemas.errors import SourceError
from schemas.values import Kind, Words

LOOKS_SO = re.compile(rb'\{\s*"buckets"\s*:|\{[^\[]{0,4000}"events"\s*:\s*\[')
"""How an export of all buckets, and of one, begins."""

LONGEST = 1 << 30
FLOOD_US = 5_000_000
"""Gaps that the watchers' own rhythm leaves: ActivityWatch fills those of up to 5 s before it cuts."""

NOWHERE = {"", "unknown"}
"""What a browser's watcher gives as its machine: it isn't told. Where only one other machine is there, it is that."""

BROWSERS: Mapping[str, tuple[str, ...]] = {
    "firefox": ("firefox", "nightly"),
    "edge": ("msedge", "microsoft edge"),
    "brave": ("brave",),
    "opera": ("opera",),
    "vivaldi": ("vivaldi",),
    "safari": ("safari",),
    "chrome": ("chrome", "chromium", "brave"),
}
"""The word for a browser in its bucket's name, and how its windows' application is called (a part of the name)."""


class _Said(msgspec.Struct):
    timestamp: str
    duration: float = 0.0
    data: dict[str, msgspec.Raw] = {}


class _Bucket(msgspec.Struct):
    type: str
    events: list[msgspec.Raw]
    id: str = ""
    hostname: str = ""


class _Export(msgspec.Struct):
    buckets: dict[str, _Bucket]


_said = msgspec.json.Decoder(_Said)
_string = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)


def read_export(path: Path, notes: Notes, asked: ReadOptions) -> Iterator[Event]:
    """Every window and page, without the time away. The stream is the machine's name. Raises SourceError."""
    buckets = _buckets(path)
    machines = {bucket.hostname for bucket in buckets.values()} - NOWHERE
    alone = machines.pop() if len(machines) == 1 else "activitywatch"
    by_host: dict[str, dict[str, _Bucket]] = {}
    for name, bucket in buckets.items():
        by_host.setdefault(alone if bucket.hostname in NOWHERE else bucket.hostname, {})[name] = bucket
    if asked.zone == "UTC":
        notes.add("it names no time zone, so its days are those of UTC (--zone names another)", str(path))
    for host, buckets in by_host.items():
        yield from _Host(path, host, buckets, asked, notes).events()


def _buckets(path: Path) -> dict[str, _Bucket]:
    with unpacked(path) as file:
        try:
            raw = file.read(LONGEST + 1).removeprefix(MARK)
        except EOFError as error:
            raise SourceError(f"{path}: the gzip file is cut short. Export it again.") from error
    if len(raw) > LONGEST:
        raise SourceError(f"{path}: an export over {LONGEST >> 30} GiB. Export bucket by bucket, and take each file.")
    text(str(path), raw)  # an event is decoded only when it is its turn
    try:
        if re.match(rb'\s*\{\s*"buckets"\s*:', raw):
            return msgspec.json.decode(raw, type=_Export).buckets
        one = msgspec.json.decode(raw, type=_Bucket)
        return {one.id: one}
    except msgspec.ValidationError as error:
        raise SourceError(
            f"{path}: isn't an export of ActivityWatch: a bucket has a `type` and a list of `events`. Export it again."
        ) from error
    except RecursionError as error:
        raise SourceError(f"{path}: is nested too deeply for an export. Export it again.") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        line = raw.count(b"\n") + 1
        cut = "it is cut short" if "truncated" in str(error) else f"it is damaged ({error})"
        raise SourceError(f"{path}, {line} lines: isn't whole JSON: {cut}. Export it again.") from error


class _Host:
    """The buckets of one machine."""

    def __init__(self, path: Path, host: str, buckets: Mapping[str, _Bucket], asked: ReadOptions, notes: Notes) -> None:
        self._path, self._host, self._asked, self._notes = path, host, asked, notes
        self._of = {
            kind: {name: bucket for name, bucket in buckets.items() if bucket.type == kind}
            for kind in ("currentwindow", "web.tab.current", "afkstatus")
        }
        self._fronts = {name: self._front(name) for name in self._of["web.tab.current"]}
        known = {name for of in self._of.values() for name in of}
        for name in buckets.keys() - known:
            notes.add("buckets other than windows, pages and afk were left out", f"{path}, bucket {name}")

    def events(self) -> Iterator[Event]:
        """Windows, then pages, each where somebody was there."""
        there = self._there()
        for name in self._of["currentwindow"]:
            for where, span, data in self._said(name):
                yield from self._cut(where, name, span, there, data, self._text(data, "app"))
        for name in self._of["web.tab.current"]:
            front = self._fronts[name]
            for where, span, data in self._said(name):
                if self._true(data, "incognito"):
                    self._notes.add("pages in private windows were left out", where)
                    continue
                for part in [span] if front is None else common([span], front):
                    yield from self._cut(where, name, part, there, data, _browser(name) or "browser")

    def _there(self) -> list[Interval] | None:
        """The intervals of presence; None without a watcher."""
        if not self._of["afkstatus"]:
            self._notes.add("no afk watcher is in the export, so time away was not cut out", self._host)
            return None
        present = [
            span
            for name in self._of["afkstatus"]
            for _, span, data in self._said(name)
            if self._text(data, "status") == "not-afk"
        ]
        for name in self._of["web.tab.current"]:
            if (front := self._fronts[name]) is not None:
                audible = [span for _, span, data in self._said(name) if self._true(data, "audible")]
                present += common(joined(audible), front)
        return joined(present, FLOOD_US)

    def _front(self, bucket: str) -> list[Interval] | None:
        """The intervals in which a window of the bucket's browser was in front; None if that isn't known."""
        apps = BROWSERS.get(_browser(bucket) or "")
        if apps is None or not self._of["currentwindow"]:
            self._notes.add("pages of a browser whose windows aren't known were taken as they are", bucket)
            return None
        return joined(
            [
                span
                for name in self._of["currentwindow"]
                for _, span, data in self._said(name)
                if any(app in self._text(data, "app").casefold() for app in apps)
            ],
            FLOOD_US,
        )

    def _said(self, name: str) -> Iterator[tuple[str, Interval, dict[str, msgspec.Raw]]]:
        bucket = next(of[name] for of in self._of.values() if name in of)
        for number, raw in enumerate(bucket.events, start=1):
            where = f"{self._path}, bucket {name}, event {number}"
            try:
                said = _said.decode(raw)
                at = instant_of(said.timestamp)[0]
                until = at + timedelta(seconds=said.duration) // timedelta(microseconds=1)
                check_times(at, until)
            except msgspec.MsgspecError as error:
                raise SourceError(
                    f"{where}: must have a timestamp, a duration in seconds and data. Export it again."
                ) from error
            except (ValueError, OverflowError) as error:
                raise SourceError(f"{where}: {error}. Leave the event out, or export it again.") from error
            yield where, (at, until), said.data

    def _cut(
        self,
        where: str,
        bucket: str,
        span: Interval,
        there: list[Interval] | None,
        data: Mapping[str, msgspec.Raw],
        app: str,
    ) -> Iterator[Event]:
        """The parts of an event during presence. Each is named by its start, because the export has no ids."""
        said = blake2b(msgspec.json.encode(data, order="deterministic"), digest_size=4).hexdigest()
        words, cut = fit_words(Words(title=self._text(data, "title"), url=self._text(data, "url")))
        if cut:
            self._notes.add("words over 64 KB were cut", where)
        for at, until in [span] if there is None else common([span], there):
            self._notes.place = where
            name = f"{bucket}/{iso(at)}-{said}"
            yield Event(self._host, name, 0, at, until, self._asked.zone, Kind.WINDOW, app[:APP_MAX], words)

    @staticmethod
    def _text(data: Mapping[str, msgspec.Raw], name: str) -> str:
        """A text of the event's data; empty where there is none."""
        try:
            return _string.decode(data[name]) if name in data else ""
        except msgspec.MsgspecError:
            return ""

    @staticmethod
    def _true(data: Mapping[str, msgspec.Raw], name: str) -> bool:
        try:
            return _flag.decode(data[name]) if name in data else False
        except msgspec.MsgspecError:
            return False


def _browser(bucket: str) -> str | None:
    return next((browser for browser in BROWSERS if browser in bucket), None)
