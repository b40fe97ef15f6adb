"""The course of one person's day: blocks of work, interruptions that come and go, meetings, lunch."""

from enum import StrEnum

import msgspec

from processors.simulation.cast import Piece
from processors.simulation.chance import RandomDraws
from processors.simulation.dials import Dials

MINUTE = 60
HOUR = 3600


class StretchKind(StrEnum):
    """What a stretch of the day is."""

    DESK = "desk"
    MEETING = "meeting"
    CALL = "call"
    CHAT = "chat"
    MAIL = "mail"


class Stretch(msgspec.Struct, frozen=True):
    """One piece of work without a break; `start` and `end` in seconds of the local day. No piece: inner meetings."""

    kind: StretchKind
    start: int
    end: int
    piece: Piece | None


class _Appointment(msgspec.Struct, frozen=True):
    start: int
    end: int
    kind: StretchKind | None
    piece: Piece | None


def generate_day(
    chance: RandomDraws, dials: Dials, pieces: tuple[Piece, ...], recent: tuple[Piece, ...]
) -> tuple[list[Stretch], tuple[Piece, ...]]:
    """The day's stretches in order, without overlaps, and the pieces it touched (`recent` of the next day)."""
    start = 9 * HOUR + chance.integer(-45, 60) * MINUTE
    lunch = _Appointment(lunch_at := start + chance.integer(180, 240) * MINUTE, lunch_at + 45 * MINUTE, None, None)
    end = start + int(dials.hours * HOUR) + lunch.end - lunch.start
    appointments = _appointments(chance, dials, pieces, lunch, start, end)
    interruptions = sorted(chance.integer(start, end) for _ in range(chance.round_at_random(dials.interruptions)))
    day = _DayPlan(chance, dials, pieces, list(recent), interruptions)
    now = start
    for appointment in appointments:
        day.fill(now, appointment.start)
        if appointment.kind is not None:
            day.add(Stretch(appointment.kind, appointment.start, appointment.end, appointment.piece))
        now = appointment.end
    day.fill(now, end)
    return day.stretches, tuple(
        {stretch.piece.label: stretch.piece for stretch in day.stretches if stretch.piece}.values()
    )


def _appointments(
    chance: RandomDraws, dials: Dials, pieces: tuple[Piece, ...], lunch: _Appointment, start: int, end: int
) -> list[_Appointment]:
    """Lunch and the day's meetings, in order; a meeting that would overlap is moved behind, or falls out at the end."""
    wanted = sorted(
        chance.integer(start, end - HOUR) // 900 * 900 for _ in range(chance.round_at_random(dials.meetings))
    )
    fixed = [lunch]
    for begins in wanted:
        lasts = chance.pick((30, 30, 45, 60)) * MINUTE
        piece = None if chance.is_true(0.15) else chance.pick(pieces)
        for other in sorted(fixed, key=lambda one: one.start):
            if begins < other.end and begins + lasts > other.start:
                begins = other.end
        if begins + lasts <= end:
            fixed.append(_Appointment(begins, begins + lasts, StretchKind.MEETING, piece))
    return sorted(fixed, key=lambda one: one.start)


class _DayPlan:
    """What is drawn so far of a day."""

    def __init__(
        self,
        chance: RandomDraws,
        dials: Dials,
        pieces: tuple[Piece, ...],
        recent: list[Piece],
        interruptions: list[int],
    ) -> None:
        self.chance, self.dials, self.pieces = chance, dials, pieces
        self.recent, self.interruptions = recent, interruptions
        self.stretches: list[Stretch] = []

    def add(self, stretch: Stretch) -> None:
        if stretch.end > stretch.start:
            self.stretches.append(stretch)
            if stretch.piece is not None and stretch.piece not in self.recent:
                self.recent.append(stretch.piece)

    def fill(self, now: int, until: int) -> None:
        """Fills a stretch of desk time with blocks; an interruption splits its block, which is then resumed."""
        while now < until:
            piece = self._next_piece()
            block_end = min(until, now + self.chance.integer(20, 80) * MINUTE)
            while (at := self._next_interruption(now, block_end)) is not None:
                self.add(Stretch(StretchKind.DESK, now, at, piece))
                now = min(until, at + self.chance.integer(3, 12) * MINUTE)
                style = self.chance.pick((StretchKind.CALL, StretchKind.CHAT, StretchKind.MAIL))
                self.add(Stretch(style, at, now, self._another_piece(piece)))
            self.add(Stretch(StretchKind.DESK, now, block_end, piece))
            now = max(now, block_end)

    def _next_interruption(self, start: int, end: int) -> int | None:
        """The next interruption inside the block; those that fell into a meeting come right at its beginning."""
        if self.interruptions and self.interruptions[0] < end:
            return max(start, self.interruptions.pop(0))
        return None

    def _next_piece(self) -> Piece:
        if self.recent and self.chance.is_true(self.dials.resumed):
            return self.chance.pick(self.recent)
        return self.chance.pick(self.pieces)

    def _another_piece(self, piece: Piece) -> Piece:
        return self.chance.pick([one for one in self.pieces if one != piece] or [piece])
