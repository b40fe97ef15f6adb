"""The event form: JSON Lines, one event a line, gzip allowed. Read as a stream, so a file of any size fits in memory.

A line that says what it can't say is an error that names the file, the line and what mends it: nothing is guessed
except what is missing (`kind`, and `at` without an offset, which is UTC). Lines of kind `feedback`, `release` and
`activation`, which only an export of our own has, are remarks.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from connectors.sources.event import APP_MAX, Event, Notes, Remark, check_times, fit_words
from connectors.sources.formats.event_faults import fault_of
from connectors.sources.instants import instant_of
from connectors.sources.text_files import lines
from schemas.errors import SourceError
from schemas.row_decoders import known_zones
from schemas.values import Kind, Words

REMARKS = ("feedback", "release", "activation")


class _Line(msgspec.Struct):
    stream: str
    id: str | int
    at: str | None = None
    until: str | None = None
    seq: int | float | None = None
    kind: str | None = None
    app: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None
    actor: str | None = None
    people: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None
    zone: str | None = None
    matter_id: int | None = None
    billable: bool | None = None
    excluded: bool = False
    together: tuple[str | int, ...] | None = None
    apart: tuple[tuple[str | int, ...], tuple[str | int, ...]] | None = None
    activities: tuple[str | int, ...] | None = None
    seen: str = ""
    model: str = ""


_line = msgspec.json.Decoder(_Line)
_names = msgspec.json.Decoder(dict[str, msgspec.Raw])

KNOWN = {*_Line.__struct_fields__, "group", "client", "matter", "code", "annotated", "system", "source_id"}
"""Fields that are read, and those that are known and never read."""

LOOKED_AT = 1000
"""Lines whose field names are looked at: a misspelt one is there from the beginning."""


def read_events(path: Path, notes: Notes) -> Iterator[Event | Remark]:
    """Every event and remark of a file in the event form, in the file's order. Raises SourceError."""
    for number, raw in lines(path):
        if raw.strip():
            where = f"{path}, line {number}"
            if number <= LOOKED_AT:
                _note_unknown(where, raw, notes)
            item = _read(where, raw, notes)
            notes.place = where
            yield item


def _read(where: str, raw: bytes, notes: Notes) -> Event | Remark:
    try:
        line = _line.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise SourceError(f"{where}: {fault_of(where, raw)}") from error
    if line.kind in REMARKS:
        return _remark(where, line)
    return _event(where, line, notes)


def _note_unknown(where: str, raw: bytes, notes: Notes) -> None:
    """A misspelt field would be lost without a word."""
    try:
        names = _names.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return  # whoever reads the line says what is wrong with it
    for name in names.keys() - KNOWN:
        notes.add(f"the field {name[:40]!r} is none that is read", where)


def _event(where: str, line: _Line, notes: Notes) -> Event:
    if line.at is None:
        raise SourceError(f"{where}: event {line.id} has no `at`. Give the time it began, in ISO 8601.")
    at, zone = _instant(where, "at", line.at)
    until = None if line.until is None else _instant(where, "until", line.until)[0]
    try:
        check_times(at, until)
    except ValueError as error:
        raise SourceError(f"{where}: {error}. Correct `at` and `until`.") from error
    words, cut = fit_words(
        Words(
            title=line.title or "",
            text=line.text or "",
            url=line.url or "",
            actor=line.actor or "",
            people=line.people or (),
            files=line.files or (),
        )
    )
    app = line.app or ""
    if cut or len(app) > APP_MAX:
        notes.add("words over 64 KB (or an application's name over 255 characters) were cut", where)
    return Event(
        stream=line.stream,
        id=_id(where, line.id),
        seq=0 if line.seq is None else line.seq,
        at=at,
        until=until,
        zone=zone if line.zone is None else _zone(where, line.zone),
        kind=_kind(line),
        app=app[:APP_MAX],
        words=words,
        matter=line.matter_id,
        billable=line.billable,
        excluded=line.excluded,
    )


def _id(where: str, given: str | int) -> str:
    if given == "":
        raise SourceError(f"{where}: `id` is empty. Give each event an id that is unique in its stream.")
    return str(given)


def _instant(where: str, field: str, text: str) -> tuple[int, str]:
    try:
        return instant_of(text)
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{where}: `{field}` {text!r} isn't a time. Write it as 2026-03-02T09:30:00Z.") from error


def _zone(where: str, name: str) -> str:
    if name not in known_zones():
        raise SourceError(f"{where}: `zone` {name!r} isn't an IANA time zone. Write it as Europe/Berlin.")
    return name


def _kind(line: _Line) -> Kind:
    """The kind as given; `other` if it isn't one of ours. Where none is given, what the fields look like."""
    if line.kind:
        return Kind(line.kind) if line.kind in Kind.__members__.values() else Kind.OTHER
    if line.files and line.until is None:
        return Kind.COMMIT
    if line.actor and line.text and not line.title:
        return Kind.MESSAGE
    if line.app or line.url:
        return Kind.WINDOW
    if line.people:
        return Kind.MEETING if line.until else Kind.MAIL
    return Kind.OTHER


def _remark(where: str, line: _Line) -> Remark:
    name, _, digits = _id(where, line.id).rpartition("-")
    if name != line.kind or not digits.isdecimal():
        raise SourceError(f"{where}: a {line.kind} line's id is `{line.kind}-N`, not {line.id!r}. Export it again.")
    number = int(digits)
    if line.kind == "release" and line.activities:
        return Remark(line.stream, number, "release", _ids(line.activities), seen=line.seen)
    if line.kind == "feedback" and line.together:
        return Remark(line.stream, number, "together", _ids(line.together))
    if line.kind == "feedback" and line.apart:
        return Remark(line.stream, number, "apart", _ids(line.apart[0]), _ids(line.apart[1]))
    if line.kind == "activation" and line.model:
        return Remark(line.stream, number, "activation", (), seen=line.model)
    raise SourceError(
        f"{where}: feedback has `together` or `apart`, a release `activities`, an activation `model`. Export it again."
    )


def _ids(given: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple(str(one) for one in given)
