"""The generated week: rows with their truth, and the writes that bring them into the database one after another."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.simulation.cast import INTERNAL, Piece, cast
from processors.simulation.chance import Chance, Seeded
from processors.simulation.day import course
from processors.simulation.dials import Dials
from processors.simulation.screen import Screen, Seen
from processors.simulation.values import Person, Row, Truth, Verb, Week, Write
from schemas.values import Kind

SECOND = 1_000_000
SATURDAY = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def working_days(first: date, count: int) -> list[date]:
    """That many days from the first on, without Saturdays and Sundays."""
    days: list[date] = []
    while len(days) < count:
        if first.weekday() < SATURDAY:
            days.append(first)
        first += timedelta(days=1)
    return days


def generate(dials: Dials, first: date, name: str, seeded: Seeded) -> Week:
    """The whole week. `name` begins each row's source id, so that two simulations don't write each other's rows."""
    firm, pieces = cast(dials, first.year, seeded)
    writes: list[Write] = []
    truths: list[Truth] = []
    for index, person in enumerate(firm.people):
        chance = Chance(seeded(f"writes {index}"))
        for truth in _rows(
            dials, first, f"{name}-{index}", person, pieces[person.email], Chance(seeded(f"week {index}"))
        ):
            made, lives = _writes(chance, dials, truth)
            writes.extend(made)
            if lives:
                truths.append(truth)
    order = list(Verb)
    writes.sort(key=lambda write: (write.at, write.email, write.row.source_id, order.index(write.verb)))
    return Week(firm, tuple(writes), tuple(truths))


def _rows(
    dials: Dials, first: date, name: str, person: Person, pieces: tuple[Piece, ...], chance: Chance
) -> Iterator[Truth]:
    """Every row of a person's week as it is in the end, in order of its start."""
    recent: tuple[Piece, ...] = ()
    count = 0
    for day in working_days(first, dials.days):
        midnight = (datetime.combine(day, time(), ZoneInfo(person.zone)) - _EPOCH) // timedelta(microseconds=1)
        stretches, recent = course(chance, dials, pieces, recent)
        for seen in Screen(chance, dials, person).day(stretches):
            count += 1
            yield _truth(chance, dials, f"{name}-{count:05d}", person, midnight, seen)


def _truth(chance: Chance, dials: Dials, source_id: str, person: Person, midnight: int, seen: Seen) -> Truth:
    matter = seen.piece.matter.number if seen.piece else (INTERNAL.number if seen.inner else None)
    words = seen.words
    if matter and seen.kind is not Kind.COMMIT and chance.happens(dials.numbered):
        words = msgspec.structs.replace(words, title=f"{words.title} [{matter}]")
    row = Row(
        source_id=source_id,
        kind=seen.kind,
        app=seen.app,
        started_at=midnight + seen.start * SECOND,
        ended_at=None if seen.end is None else midnight + seen.end * SECOND,
        zone=person.zone,
        words=words,
        matter=matter if matter and chance.happens(dials.assigned) else None,
    )
    piece = seen.piece.label if seen.piece else (f"{INTERNAL.number} {seen.words.title}" if seen.inner else None)
    return Truth(person.email, row, piece, matter)


def _writes(chance: Chance, dials: Dials, truth: Truth) -> tuple[list[Write], bool]:
    """The writes of one row, in order, and whether it is there in the end."""
    row, email = truth.row, truth.email
    at = (row.started_at if row.ended_at is None else row.ended_at) + chance.whole(1, 15) * SECOND
    if chance.happens(dials.late):
        at += chance.whole(2 * 3600, 40 * 3600) * SECOND
    if chance.happens(dials.deleted):
        gone = at + chance.whole(60, 12 * 3600) * SECOND
        return [Write(at, email, Verb.INSERT, row), Write(gone, email, Verb.DELETE, row)], False
    if chance.happens(dials.corrected):
        again = at + chance.whole(30, 6 * 3600) * SECOND
        return [Write(at, email, Verb.INSERT, _mistaken(chance, row)), Write(again, email, Verb.UPDATE, row)], True
    return [Write(at, email, Verb.INSERT, row)], True


def _mistaken(chance: Chance, row: Row) -> Row:
    """The row as it was first written: with a title not yet loaded, or an end that came too soon."""
    lasts = 0 if row.ended_at is None else row.ended_at - row.started_at
    if lasts >= 2 * SECOND and chance.happens(0.5):
        return msgspec.structs.replace(row, ended_at=row.started_at + lasts // 2)
    return msgspec.structs.replace(row, words=msgspec.structs.replace(row.words, title="Loading...", text=""))
