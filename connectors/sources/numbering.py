"""Numbers events as activities. Groups are named by these numbers, and remarks refer to them.

If every id of a stream is a whole number as the database writes it, it becomes the activity's id, so that an export
gives the same groups as live. Otherwise numbers follow the order of (at, seq, id) and don't depend on the file's order.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from connectors.sources.event import Event, Notes, Remark
from schemas.errors import SourceError
from schemas.values import Activity, Apart, Feedback, Release, Together

_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_MOST = 2**63


class Stream(msgspec.Struct, frozen=True):
    """One stream as one timekeeper's set. `names` has the original id of each activity; all are ordered by id."""

    name: str
    activities: tuple[Activity, ...]
    feedback: tuple[Feedback, ...]
    releases: tuple[Release, ...]
    names: Mapping[int, str]


class Once:
    """Recognises events that occur twice. It keeps hashes in a temporary file, so that memory is bounded for a source
    of any size.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._seen = sqlite3.connect("", isolation_level=None)
        self._seen.execute("CREATE TABLE seen (name BLOB PRIMARY KEY, said BLOB, place TEXT) WITHOUT ROWID")
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16000"):
            self._seen.execute(f"PRAGMA {pragma}")
        self._seen.execute("BEGIN")

    def is_new(self, event: Event) -> bool:
        """Whether the event is new to its stream. Raises SourceError if another event has its id."""
        name, said = _digest((event.stream, event.id)), _digest(event)
        inserted = "INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        if self._seen.execute(inserted, (name, said, self._notes.place)).rowcount:
            return True
        before, first = self._seen.execute("SELECT said, place FROM seen WHERE name = ?", (name,)).fetchone()
        if before != said:
            raise SourceError(
                f"{self._notes.place or 'the source'}: stream {event.stream!r} has two different events with the id "
                f"{event.id!r}{f', the first in {first}' if first else ''}. "
                "An id is unique in its stream: give each event its own."
            )
        self._notes.add("events that are there twice were counted once", self._notes.place)
        return False


def _digest(value: object) -> bytes:
    return blake2b(msgspec.json.encode(value), digest_size=16).digest()


def streams_of(items: Iterable[Event | Remark], notes: Notes) -> list[Stream]:
    """Returns the streams by name. A line that occurs twice counts once; raises SourceError if the two differ."""
    once = Once(notes)
    events: dict[str, list[Event]] = {}
    remarks: dict[str, list[Remark]] = {}
    for item in items:
        if isinstance(item, Remark) and item.verb == "activation":
            notes.add("a model's activation was left out: --model takes another than the one that ships", notes.place)
        elif isinstance(item, Remark):
            remarks.setdefault(item.stream, []).append(item)
        elif once.is_new(item):
            events.setdefault(item.stream, []).append(item)
    for name in sorted(remarks.keys() - events.keys()):
        notes.add("feedback on streams without events was left out", name)
    return [_stream(name, events[name], remarks.get(name, [])) for name in sorted(events)]


def _stream(name: str, events: list[Event], remarks: list[Remark]) -> Stream:
    numbers = _numbers(events)
    activities = sorted((_activity(numbers[event.id], event) for event in events), key=lambda one: one.id)
    said = sorted(set(remarks), key=lambda one: (one.verb == "release", one.number, one.verb, one.left, one.right))
    values = [_value(name, remark, numbers) for remark in said]
    return Stream(
        name,
        tuple(activities),
        tuple(value for value in values if not isinstance(value, Release)),
        tuple(value for value in values if isinstance(value, Release)),
        {number: event_id for event_id, number in numbers.items()},
    )


def _numbers(events: list[Event]) -> dict[str, int]:
    if all(_is_number(event.id) for event in events):
        return {event.id: int(event.id) for event in events}
    order = sorted(events, key=lambda event: (event.at, event.seq, event.id))
    return {event.id: number for number, event in enumerate(order, start=1)}


def _is_number(event_id: str) -> bool:
    return _NUMBER.fullmatch(event_id) is not None and int(event_id) < _MOST


def _activity(number: int, event: Event) -> Activity:
    return Activity(
        id=number,
        kind=event.kind,
        started_at=event.at,
        ended_at=event.until,
        zone=event.zone,
        words=event.words,
        app=event.app,
        matter=event.matter,
        billable=event.billable,
        excluded=event.excluded,
    )


def _value(stream: str, remark: Remark, numbers: dict[str, int]) -> Feedback | Release:
    left, right = (tuple(_number(stream, one, numbers) for one in side) for side in (remark.left, remark.right))
    if remark.verb == "release":
        return Release(remark.number, left, remark.seen)
    if remark.verb == "together":
        return Together(remark.number, left)
    return Apart(remark.number, left, right)


def _number(stream: str, event_id: str, numbers: dict[str, int]) -> int:
    """The number of an event; of one that isn't there any more, if ids are numbers (it may have been deleted)."""
    if event_id in numbers:
        return numbers[event_id]
    if _is_number(event_id):
        return int(event_id)
    raise SourceError(f"stream {stream!r} has feedback on {event_id!r}, which is no event of it. Correct its ids.")
