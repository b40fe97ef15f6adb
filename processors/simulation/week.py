"""The generated week: rows with their truth, and the writes that bring them into the database one after another."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.simulation.cast import INTERNAL_MATTER, Piece, generate_firm
from processors.simulation.chance import RandomDraws, SeededStreams
from processors.simulation.day import generate_day
from processors.simulation.dials import Dials
from processors.simulation.screen import RowGenerator, UndatedRow
from processors.simulation.values import GroundTruth, Person, RowWrite, SimulatedRow, SimulatedWeek, WriteOperation
from schemas.values import Kind

SECOND_US = 1_000_000
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


def simulate_week(dials: Dials, first: date, name: str, seeded: SeededStreams) -> SimulatedWeek:
    """The whole week. `name` begins each row's source id, so that two simulations don't write each other's rows."""
    firm, pieces = generate_firm(dials, first.year, seeded)
    writes: list[RowWrite] = []
    truths: list[GroundTruth] = []
    for index, person in enumerate(firm.people):
        chance = RandomDraws(seeded(f"writes {index}"))
        for truth in _generate_rows(
            dials, first, f"{name}-{index}", person, pieces[person.email], RandomDraws(seeded(f"week {index}"))
        ):
            made, lives = _generate_writes(chance, dials, truth)
            writes.extend(made)
            if lives:
                truths.append(truth)
    order = list(WriteOperation)
    writes.sort(key=lambda write: (write.at, write.email, write.row.source_id, order.index(write.operation)))
    return SimulatedWeek(firm, tuple(writes), tuple(truths))


def _generate_rows(
    dials: Dials, first: date, name: str, person: Person, pieces: tuple[Piece, ...], chance: RandomDraws
) -> Iterator[GroundTruth]:
    """Every row of a person's week as it is in the end, in order of its start."""
    recent: tuple[Piece, ...] = ()
    count = 0
    for day in working_days(first, dials.days):
        midnight = (datetime.combine(day, time(), ZoneInfo(person.zone)) - _EPOCH) // timedelta(microseconds=1)
        stretches, recent = generate_day(chance, dials, pieces, recent)
        for seen in RowGenerator(chance, dials, person).generate_rows(stretches):
            count += 1
            yield _ground_truth(chance, dials, f"{name}-{count:05d}", person, midnight, seen)


def _ground_truth(
    chance: RandomDraws, dials: Dials, source_id: str, person: Person, midnight: int, seen: UndatedRow
) -> GroundTruth:
    matter = seen.piece.matter.number if seen.piece else (INTERNAL_MATTER.number if seen.internal else None)
    words = seen.words
    if matter and seen.kind is not Kind.COMMIT and chance.is_true(dials.numbered):
        words = msgspec.structs.replace(words, title=f"{words.title} [{matter}]")
    row = SimulatedRow(
        source_id=source_id,
        kind=seen.kind,
        app=seen.app,
        started_at=midnight + seen.start * SECOND_US,
        ended_at=None if seen.end is None else midnight + seen.end * SECOND_US,
        zone=person.zone,
        words=words,
        matter=matter if matter and chance.is_true(dials.assigned) else None,
    )
    piece = (
        seen.piece.label if seen.piece else (f"{INTERNAL_MATTER.number} {seen.words.title}" if seen.internal else None)
    )
    return GroundTruth(person.email, row, piece, matter)


def _generate_writes(chance: RandomDraws, dials: Dials, truth: GroundTruth) -> tuple[list[RowWrite], bool]:
    """The writes of one row, in order, and whether it is there in the end."""
    row, email = truth.row, truth.email
    at = (row.started_at if row.ended_at is None else row.ended_at) + chance.integer(1, 15) * SECOND_US
    if chance.is_true(dials.late):
        at += chance.integer(2 * 3600, 40 * 3600) * SECOND_US
    if chance.is_true(dials.deleted):
        gone = at + chance.integer(60, 12 * 3600) * SECOND_US
        return [
            RowWrite(at, email, WriteOperation.INSERT, row),
            RowWrite(gone, email, WriteOperation.DELETE, row),
        ], False
    if chance.is_true(dials.corrected):
        again = at + chance.integer(30, 6 * 3600) * SECOND_US
        return [
            RowWrite(at, email, WriteOperation.INSERT, _first_version(chance, row)),
            RowWrite(again, email, WriteOperation.UPDATE, row),
        ], True
    return [RowWrite(at, email, WriteOperation.INSERT, row)], True


def _first_version(chance: RandomDraws, row: SimulatedRow) -> SimulatedRow:
    """The row as it was first written: with a title not yet loaded, or an end that came too soon."""
    lasts = 0 if row.ended_at is None else row.ended_at - row.started_at
    if lasts >= 2 * SECOND_US and chance.is_true(0.5):
        return msgspec.structs.replace(row, ended_at=row.started_at + lasts // 2)
    return msgspec.structs.replace(row, words=msgspec.structs.replace(row.words, title="Loading...", text=""))
