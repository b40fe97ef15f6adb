"""Reads a calendar file (ICS): each occurrence that has begun is a meeting, in the zone that it names.

What isn't work at a time is left out with a note: all-day events (they say where somebody was, not what they did, and
would fill 24 hours), cancelled events, and future ones. Recurring events are expanded by dateutil within the span, with
their exceptions and moved occurrences; a change of "this and all that follow" moves one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import chain
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import icalendar
from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar.error import BrokenCalendarProperty

from connectors.sources.event import Event, Notes, ReadOptions, check_times, fit_words
from connectors.sources.formats.ics import calendars
from connectors.sources.instants import iso, microseconds, zone_of_offset
from schemas.errors import SourceError
from schemas.row_decoders import known_zones
from schemas.values import Kind, Words

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

MEANS = {
    "DTSTART": "when it begins",
    "DTEND": "when it ends",
    "DURATION": "how long it takes",
    "RRULE": "how it repeats",
    "RDATE": "when it takes place too",
    "EXDATE": "when it doesn't take place",
    "RECURRENCE-ID": "which occurrence it replaces",
}

MOST_OCCURRENCES = 50_000
"""A rule that repeats more often than this until now (daily since 1890) is a mistake or an attack."""


def read_calendar(path: Path, notes: Notes, asked: ReadOptions) -> Iterator[Event]:
    """Every meeting of the file. The stream is the calendar's name, else the file's. Raises SourceError."""
    found, begins = calendars(path)
    lines = iter(begins)
    for calendar in found:
        stream = str(calendar.get("X-WR-CALNAME") or calendar.get("NAME") or path.name.partition(".")[0])
        floating = _floating_zone(calendar, asked)
        events = [
            _Reader(f"{path}, line {next(lines, 1)}", event, stream, floating, notes)
            for event in calendar.walk("VEVENT")
        ]
        moved = {(one.uid, _recurrence(one)) for one in events if "RECURRENCE-ID" in one.event}
        for reader in events:
            try:
                for meeting in reader.meetings(asked, moved):
                    notes.place = reader.where
                    yield meeting
            except (ValueError, BrokenCalendarProperty) as error:
                raise SourceError(f"{reader.where}: {error}. Correct the event, or leave it out.") from error


def _floating_zone(calendar: icalendar.Component, asked: ReadOptions) -> tzinfo:
    """The zone of times without one: the calendar's own, else the one that was asked for."""
    name = str(calendar.get("X-WR-TIMEZONE", ""))
    return ZoneInfo(name if name in known_zones() else asked.zone)


def _recurrence(reader: "_Reader") -> int | None:
    """The instant of the occurrence that a component replaces; None for a whole day."""
    return microseconds(moment) if (moment := reader.moment("RECURRENCE-ID")) else None


class _Reader:
    """One VEVENT, with what its calendar says about it."""

    def __init__(self, where: str, event: icalendar.Component, stream: str, floating: tzinfo, notes: Notes) -> None:
        self.event = cast(icalendar.Event, event)
        self.stream, self.floating, self.notes = stream, floating, notes
        self.uid = str(event.get("UID", ""))
        self.where = f"{where}, event {str(event.get('SUMMARY', '')) or self.uid or '(no summary)'!r}"

    def refuse_broken(self) -> None:
        """Raises SourceError if a property that says when the event takes place can't be read."""
        for name, _ in self.event.errors:
            if name in MEANS:
                raise SourceError(
                    f"{self.where}: {name} ({MEANS[name]}) can't be read: {_raw(self.event.get(name)):.80}. "
                    "Correct it, or leave the event out."
                )

    def moment(self, name: str) -> datetime | None:
        """A property as an aware datetime; None for a whole day. Refuses an unknown zone."""
        self.refuse_broken()
        value = self.event.get(name)
        if value is None or isinstance(value, list):
            count = "no" if value is None else "more than one"
            raise SourceError(f"{self.where}: has {count} {name} ({MEANS[name]}). Correct the event, or leave it out.")
        zone = value.params.get("TZID")
        if isinstance(value.dt, datetime) and value.dt.tzinfo is None and zone:
            raise SourceError(
                f"{self.where}: the zone {zone!r} of {name} isn't an IANA zone, nor is it described in the file. "
                "Write it as Europe/Berlin, or export the calendar with its time zones."
            )
        return self.aware(value.dt)

    def aware(self, value: date | datetime) -> datetime | None:
        """The value with the floating zone where it has none; None for a whole day."""
        if not isinstance(value, datetime):
            return None
        if value.tzinfo is not None:
            return value
        return value.replace(tzinfo=self.floating)

    def meetings(self, asked: ReadOptions, moved: set[tuple[str, int | None]]) -> Iterator[Event]:
        start = self.moment("DTSTART")
        if start is None:
            self.notes.add("all-day events were left out", self.where)
            return
        if self.event.decoded("DTSTART").tzinfo is None:
            self.notes.add(f"times without a zone were read as {self.floating}", self.where)
        if str(self.event.get("STATUS", "")).upper() == "CANCELLED":
            self.notes.add("cancelled events were left out", self.where)
        elif "RECURRENCE-ID" in self.event:
            replaced = self.moment("RECURRENCE-ID") or start
            yield from self.meeting(start, f"{self.uid}/{iso(microseconds(replaced))}", asked)
        elif self.event.rrules or self.event.rdates:
            for occurrence in self.occurrences(start, asked):
                instant = microseconds(occurrence)
                if (self.uid, instant) not in moved:
                    yield from self.meeting(occurrence, f"{self.uid}/{iso(instant)}", asked)
        else:
            yield from self.meeting(start, self.uid or f"{iso(microseconds(start))}", asked)

    def occurrences(self, start: datetime, asked: ReadOptions) -> Iterator[datetime]:
        """When a recurring event begins, within the span; wall time is kept over a change of the clocks."""
        times = rruleset()
        times.rdate(start)  # RFC 5545 counts DTSTART always, dateutil only if the rule hits it
        for rule in self.event.rrules:
            _check(rule)
            times.rrule(cast(rrule, rrulestr(self.rule_text(rule, start), dtstart=start)))
        for added, _ in self.event.rdates:
            if moment := self.aware(added):
                times.rdate(moment)
        skipped_days = {day for day in self.event.exdates if not isinstance(day, datetime)}
        for skipped in self.event.exdates:
            if moment := self.aware(skipped):
                times.exdate(moment)
        if start < asked.since:
            self.notes.add(f"recurring events were expanded from {asked.since.date()} on", self.where)
        for count, occurrence in enumerate(times):
            if occurrence >= asked.now:
                return
            if count > MOST_OCCURRENCES:
                raise SourceError(f"{self.where}: repeats over {MOST_OCCURRENCES:,} times. Correct its rule.")
            if occurrence >= asked.since and occurrence.date() not in skipped_days:
                yield occurrence

    def rule_text(self, rule: icalendar.vRecur, start: datetime) -> str:
        """The rule with its UNTIL in UTC, as RFC 5545 wants it where DTSTART has a zone; many leave it local."""
        rule = icalendar.vRecur(rule)
        for until in rule.pop("UNTIL", []):
            if not isinstance(until, date):
                raise ValueError(f"the UNTIL {until} of its RRULE (how it repeats) is no date")
            if not isinstance(until, datetime):
                until = datetime(until.year, until.month, until.day, 23, 59, 59)  # noqa: DTZ001 -- the zone comes below
            local = until if until.tzinfo else until.replace(tzinfo=start.tzinfo)
            rule["UNTIL"] = [local.astimezone(UTC)]
        return str(rule.to_ical().decode())  # type: ignore[no-untyped-call]

    def meeting(self, start: datetime, name: str, asked: ReadOptions) -> Iterator[Event]:
        if start >= asked.now:
            self.notes.add("events that have not begun yet were left out", self.where)
            return
        first, last = self.moment("DTSTART"), self.aware(self.event.end)
        lasts = microseconds(last) - microseconds(first) if first and last else 0
        at = microseconds(start)
        check_times(at, at + lasts)
        words, cut = fit_words(self.words())
        if cut:
            self.notes.add("words over 64 KB were cut", self.where)
        yield Event(self.stream, name, 0, at, at + lasts, _zone_name(start), Kind.MEETING, "calendar", words)

    def words(self) -> Words:
        organizer = _address(self.event.get("ORGANIZER", ""))
        people = [_address(one) for one in self.event.attendees]
        return Words(
            title=str(self.event.get("SUMMARY", "")),
            text=str(self.event.get("DESCRIPTION", "")),
            url=str(self.event.get("URL", "")),
            actor=organizer,
            people=tuple(dict.fromkeys(filter(None, chain([organizer], people)))),
        )


def _check(rule: icalendar.vRecur) -> None:
    """Raises ValueError for rules that dateutil would follow for ever, or that no meeting has."""
    freq = str(rule.get("FREQ", ["none"])[0]).upper()
    if freq not in FREQUENCIES:
        raise ValueError(
            f"its RRULE (how it repeats) has FREQ {freq}; only {', '.join(FREQUENCIES)} make sense for a meeting"
        )
    if any(int(interval) < 1 for interval in rule.get("INTERVAL", [])):
        raise ValueError("its RRULE (how it repeats) has an INTERVAL below 1")


def _raw(value: object) -> str:
    """A property as it stands in the file."""
    written = value[0] if isinstance(value, list) and value else value
    as_text = getattr(written, "to_ical", None)
    return as_text().decode(errors="replace") if as_text else str(written)


def _address(value: str) -> str:
    text = str(value)
    return text[7:] if text.lower().startswith("mailto:") else text


def _zone_name(moment: datetime) -> str:
    """The IANA name of a datetime's zone, else the zone of its offset (a zone described in the file has no name)."""
    name = getattr(moment.tzinfo, "key", "")
    return name if name in known_zones() else zone_of_offset(moment.utcoffset() or timedelta())
