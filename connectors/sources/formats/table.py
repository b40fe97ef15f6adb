"""Reads a table (CSV, TSV): each row is an event, whatever the exporting program calls its columns.

A row without an id is identified by its content, so the same row is the same activity, and a changed row is another
one. Rows are read one by one. Only the order of day and month in 3/2/2026, if it wasn't given, takes a first pass over
all.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from itertools import chain
from pathlib import Path

import msgspec

from connectors.sources.event import APP_MAX, Event, Notes, ReadOptions, check_times, fit_words
from connectors.sources.formats.table_columns import find_columns, numbered
from connectors.sources.local_times import (
    DATE_ORDER,
    AmbiguousDate,
    Written,
    instant_in,
    lasting,
    shown_order,
    when,
)
from connectors.sources.text_files import text_lines
from schemas.errors import SourceError
from schemas.row_decoders import known_zones
from schemas.values import Kind, Words

DELIMITERS = ",;\t|"
STREAM = "table"
"""Not the file's name: the next export has another, and the same rows."""

LONGEST_CELL = 1 << 20
"""Characters in a cell; a quote that is never closed would else take in the rest of the file."""


def read_table(path: Path, notes: Notes, asked: ReadOptions) -> Iterator[Event]:
    """Every row as an event. Raises SourceError that names the line, and for a header the columns that there are."""
    order = asked.day_first
    for where, row in _rows(path, asked, notes):
        try:
            event = _event(where, row, asked, order, notes)
        except AmbiguousDate as error:
            order = _order(path, asked)
            if order is None:
                raise SourceError(f"{where}: {error}. {DATE_ORDER}.") from error
            notes.add(
                f"dates were read with the {'day' if order else 'month'} first, as others of the file show", where
            )
            event = _event(where, row, asked, order, notes)
        notes.place = where
        yield event


def _rows(path: Path, asked: ReadOptions, notes: Notes) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row's place and cells by their meaning."""
    places = numbered(asked.columns)
    width = 0
    for number, cells in _records(path):
        where = f"{path}, line {number}"
        if places is None:
            places, width = find_columns(where, cells, asked.columns), len(cells)
            if unread := [name.strip() for place, name in enumerate(cells) if place not in places.values()]:
                notes.add(f"columns that mean nothing here were not read: {', '.join(unread)[:200]}", where)
            continue
        width = width or len(cells)
        if max(places.values()) >= width:
            raise SourceError(f"{where}: has {width} columns, and --map counts more. Count again from 1.")
        if len(cells) > width and any(cells[width:]):
            raise SourceError(
                f"{where}: has {len(cells)} cells, and the first line {width}. A text that holds the sign between "
                "cells, or a line end, must be in quotes."
            )
        yield where, {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}


def _records(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that aren't blank, each with the line in which it begins."""
    lines = (line for _, line in text_lines(path))
    first, began, delimiter = next(lines, ""), 1, None
    if said := re.match(r"sep=(.)\s*$", first):  # a line of Excel's own
        first, began, delimiter = next(lines, ""), 2, said[1]
    before = began - 1
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(chain([first], lines), delimiter=delimiter or delimiter_of(first), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield began, cells
            began = before + reader.line_num + 1
    except csv.Error as error:
        what = (
            "a quote is opened and not closed, or stands inside a cell"
            if "limit" not in str(error)
            else (f"a cell is over {LONGEST_CELL:,} characters long; is a quote opened and not closed?")
        )
        raise SourceError(f"{path}, line {began}: {what}. Correct the row.") from error


def delimiter_of(header: str) -> str:
    """The sign between cells, as the header shows it: the most frequent one outside quotes."""
    try:
        return csv.Sniffer().sniff(header, DELIMITERS).delimiter
    except csv.Error:
        counts = Counter(sign for sign in header if sign in DELIMITERS)
        return counts.most_common(1)[0][0] if counts else ","


def _order(path: Path, asked: ReadOptions) -> bool | None:
    """Whether days come first, where a date of the file shows it and none shows the contrary."""
    shown = {
        order
        for _, row in _rows(path, asked, Notes())
        for name in ("date", "start", "end_date", "end")
        if (order := shown_order(row.get(name, ""))) is not None
    }
    return shown.pop() if len(shown) == 1 else None


def _event(where: str, row: Mapping[str, str], asked: ReadOptions, order: bool | None, notes: Notes) -> Event:
    given = row.get("zone") or asked.zone
    if given not in known_zones():
        raise SourceError(f"{where}: the zone {given!r} isn't an IANA time zone. Write it as Europe/Berlin.")
    try:
        at, until, zone, named = _times(row, given, order)
        check_times(at, until)
    except AmbiguousDate:
        raise
    except OverflowError as error:
        raise SourceError(f"{where}: it lies outside the years 1970 to 9998. Correct the row.") from error
    except ValueError as error:
        raise SourceError(f"{where}: {error}. Correct the row.") from error
    if not named and not row.get("zone"):
        notes.read_as(given, where)
    people = tuple(one.strip() for one in row.get("people", "").replace(";", ",").split(",") if one.strip())
    words, cut = fit_words(
        Words(title=row.get("title", ""), text=row.get("text", ""), url=row.get("url", ""), people=people)
    )
    app = row.get("app", "")
    if cut or len(app) > APP_MAX:
        notes.add("words over 64 KB (or an application's name over 255 characters) were cut", where)
    return Event(
        stream=row.get("stream") or STREAM,
        id=row.get("id") or _named_by_words(row),
        seq=0,
        at=at,
        until=until,
        zone=zone,
        kind=_kind(row),
        app=app[:APP_MAX],
        words=words,
    )


def _times(row: Mapping[str, str], zone: str, order: bool | None) -> tuple[int, int | None, str, bool]:
    """Begin, end, zone, and whether the times named the zone themselves."""
    began = when(row["start"], order)
    day = began.day or _day(row.get("date", ""), order)
    if began.clock is None:
        raise ValueError(f"{row['start']!r} has no time of day")
    if day is None:
        raise ValueError(f"{row['start']!r} has no day, and there is no column for it (--map date=COLUMN)")
    at, zone_of = instant_in(zone, began, day)
    return at, _until(row, zone, order, at, day), zone_of, began.offset is not None


def _until(row: Mapping[str, str], zone: str, order: bool | None, at: int, day: date) -> int | None:
    if said := row.get("end"):
        ended = when(said, order)
        if ended.clock is None:
            raise ValueError(f"{said!r} has no time of day")
        its_day = ended.day or _day(row.get("end_date", ""), order)
        until = instant_in(zone, ended, its_day or day)[0]
        if its_day is None and until < at:  # over midnight: nobody writes the next day's date beside a time
            until = instant_in(zone, ended, day + timedelta(days=1))[0]
        return until
    return at + lasts // timedelta(microseconds=1) if (lasts := _lasts(row)) is not None else None


def _lasts(row: Mapping[str, str]) -> timedelta | None:
    if said := row.get("duration"):
        return lasting(said)
    for name, unit in (("minutes", timedelta(minutes=1)), ("hours", timedelta(hours=1))):
        if said := row.get(name):
            try:
                return float(said.replace(",", ".")) * unit
            except ValueError as error:
                raise ValueError(f"{said!r} isn't a number of {name}") from error
    return None


def _day(said: str, order: bool | None) -> date | None:
    if not said:
        return None
    written: Written = when(said, order)
    return written.day


def _kind(row: Mapping[str, str]) -> Kind:
    said = row.get("kind", "").casefold()
    if said:
        return Kind(said) if said in Kind.__members__.values() else Kind.OTHER
    return Kind.WINDOW if row.get("app") or row.get("url") else Kind.ENTRY


def _named_by_words(row: Mapping[str, str]) -> str:
    return blake2b(msgspec.json.encode(sorted(row.items())), digest_size=12).hexdigest()
