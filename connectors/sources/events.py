"""The event form: JSON Lines, one event a line, gzip allowed. Read as a stream, so a file of any size fits in memory.

A line that says what it can't say is an error that names the file, the line and what mends it: nothing is guessed
except what is missing (`kind`, and `at` without an offset, which is UTC). Lines of kind `feedback` and `release`, which
only an export of our own has, are remarks.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NoReturn

import msgspec

from connectors.sources.event import APP_MAX, Event, Notes, Remark, fit_words
from connectors.sources.instants import instant_of
from schemas.errors import SourceError
from schemas.rows import BadRow, check_interval, known_zones
from schemas.values import Kind, Words

LONGEST_LINE = 16 * 1024 * 1024
"""A line over 16 MiB isn't an event but a file of another kind; reading stops there instead of filling memory."""

REMARKS = ("feedback", "release")


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


_line = msgspec.json.Decoder(_Line)


def read_events(path: Path, notes: Notes) -> Iterator[Event | Remark]:
    """Every event and remark of a file in the event form, in the file's order. Raises SourceError."""
    number = 0
    with _opened(path) as file:
        for number, raw in enumerate(_lines(path, file), start=1):
            if raw.strip():
                yield _read(f"{path}, line {number}", raw, notes)
    if number == 0:
        notes.add("the file is empty", str(path))


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile | BufferedReader]:
    """The file's bytes, unpacked if they begin as gzip does (whatever the name says)."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield gzip.GzipFile(fileobj=file) if packed else file
    except EOFError as error:
        raise SourceError(f"{path}: the gzip file is cut short. Fetch or copy it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{path}: the gzip file is damaged ({error}). Fetch or copy it again.") from error
    except OSError as error:
        raise SourceError(f"{path}: can't be read ({error.strerror}). Check the path and its permissions.") from error


def _lines(path: Path, file: gzip.GzipFile | BufferedReader) -> Iterator[bytes]:
    first = file.readline(LONGEST_LINE + 1)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path}: is UTF-16; the event form is UTF-8. Convert it: iconv -f UTF-16 -t UTF-8")
    raw = first.removeprefix(b"\xef\xbb\xbf")
    number = 1
    while raw:
        if len(raw) > LONGEST_LINE:
            raise SourceError(f"{path}, line {number}: is over 16 MiB. The event form has one event a line.")
        yield raw
        raw = file.readline(LONGEST_LINE + 1)
        number += 1


def _read(where: str, raw: bytes, notes: Notes) -> Event | Remark:
    line = _decoded(where, raw)
    if line.kind in REMARKS:
        return _remark(where, line)
    try:
        return _event(where, line, notes)
    except BadRow as bad:
        raise SourceError(f"{where}: {bad}. Correct `at` and `until`.") from bad


def _decoded(where: str, raw: bytes) -> _Line:
    try:
        return _line.decode(raw)
    except msgspec.ValidationError as error:
        raise SourceError(f"{where}: {error}. An event is an object with at least stream, id and at.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{where}: isn't UTF-8 ({error.reason}). Convert it: iconv -f LATIN1 -t UTF-8") from error
    except msgspec.DecodeError as error:
        _not_json(where, raw, error)


def _not_json(where: str, raw: bytes, error: msgspec.DecodeError) -> NoReturn:
    """Says why. Half a surrogate pair is legal to Python's decoder only, which is how it gets into files."""
    try:
        json.dumps(json.loads(raw), ensure_ascii=False).encode()
    except UnicodeEncodeError as surrogate:
        raise SourceError(
            f"{where}: holds half of a surrogate pair, which is no character. Write the text with errors='replace'."
        ) from surrogate
    except ValueError:
        pass  # it isn't JSON for anybody; msgspec's words are said below
    raise SourceError(f"{where}: isn't one JSON object ({error}). The event form has one event a line.") from error


def _event(where: str, line: _Line, notes: Notes) -> Event:
    if line.at is None:
        raise SourceError(f"{where}: event {line.id} has no `at`. Give the time it began, in ISO 8601.")
    at, zone = _instant(where, "at", line.at)
    until = None if line.until is None else _instant(where, "until", line.until)[0]
    check_interval(at, until)
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
    raise SourceError(f"{where}: feedback has `together` or `apart`, a release has `activities`. Export it again.")


def _ids(given: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple(str(one) for one in given)
