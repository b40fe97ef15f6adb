"""What a stretch of work leaves behind: windows, mails, calls, meetings, documents, chats, commits."""

from collections.abc import Callable, Iterator

import msgspec

from processors.simulation.cast import Piece
from processors.simulation.chance import RandomDraws
from processors.simulation.day import MINUTE, Stretch, StretchKind
from processors.simulation.dials import Dials
from processors.simulation.values import Person
from processors.simulation.vocabulary.screens import ADMIN, CHATS, GENERIC, NOISE
from schemas.values import Kind, Words

APPS = {"docx": ("WINWORD.EXE", "Word"), "xlsx": ("EXCEL.EXE", "Excel"), "pptx": ("POWERPNT.EXE", "PowerPoint")}


class UndatedRow(msgspec.Struct, frozen=True):
    """One row before it is dated: seconds of the local day, `end` None for a point in time. No piece: noise."""

    kind: Kind
    start: int
    end: int | None
    app: str
    words: Words
    piece: Piece | None
    internal: bool = False


_MakeRow = Callable[[int, int, Piece], UndatedRow]


class RowGenerator:
    """Draws the rows of one person's day."""

    def __init__(self, chance: RandomDraws, dials: Dials, person: Person) -> None:
        self.chance, self.dials, self.person = chance, dials, person

    def generate_rows(self, stretches: list[Stretch]) -> list[UndatedRow]:
        """All rows of the day in order of their start."""
        rows = [row for stretch in stretches for row in self._stretch(stretch)]
        desk = [row for row in rows if row.kind is Kind.WINDOW and row.piece is not None]
        rows += self._scatter(desk, self.dials.mails, self._mail)
        rows += self._scatter(desk, self.dials.documents, self._document)
        rows += self._scatter(desk, self.dials.calls, self._call)
        rows += self._scatter(
            [row for row in desk if row.piece and row.piece.software], self.dials.commits, self._commit
        )
        return sorted(rows, key=lambda row: (row.start, row.kind))

    def _scatter(self, desk: list[UndatedRow], count: float, make: _MakeRow) -> list[UndatedRow]:
        """A day's worth of rows of one kind, each beside a drawn window and about the same piece."""
        chosen = self.chance.sample(desk, self.chance.round_at_random(count))
        return [make(window.start, window.end or window.start, window.piece) for window in chosen if window.piece]

    def _stretch(self, stretch: Stretch) -> Iterator[UndatedRow]:
        start, end, piece = stretch.start, stretch.end, stretch.piece
        if piece is None:
            yield UndatedRow(
                Kind.MEETING, start, end, "calendar", Words(title=self.chance.pick(ADMIN)), None, internal=True
            )
        elif stretch.kind is StretchKind.DESK:
            yield from self._windows(stretch, piece)
        elif stretch.kind is StretchKind.MEETING:
            title, people = self.chance.pick(piece.meetings), (self.person.email, *piece.contacts[:2])
            yield UndatedRow(Kind.MEETING, start, end, "calendar", Words(title=title, people=people), piece)
        elif stretch.kind is StretchKind.CALL:
            yield self._call(start, end, piece)
        elif stretch.kind is StretchKind.CHAT:
            yield self._chat(start, end, piece)
        else:
            yield self._thread(start, end, piece)
            yield self._mail(start, end, piece)

    def _windows(self, stretch: Stretch, piece: Piece) -> Iterator[UndatedRow]:
        now = stretch.start
        while now < stretch.end:
            end = min(stretch.end, now + self.chance.integer(1, 11) * MINUTE + self.chance.integer(0, 59))
            if self.chance.is_true(self.dials.noise):
                yield self._noise(now, end)
            else:
                yield self._window(now, end, piece)
            now = end + self.chance.integer(0, 20)

    def _window(self, start: int, end: int, piece: Piece) -> UndatedRow:
        if self.chance.is_true(self.dials.generic):
            app, title = self.chance.pick(GENERIC)
            return UndatedRow(Kind.WINDOW, start, end, app, Words(title=title), piece)
        make = self.chance.pick_weighted(((5, self._editor), (3, self._thread), (2, self._browser)))
        return make(start, end, piece)

    def _editor(self, start: int, end: int, piece: Piece) -> UndatedRow:
        if piece.software and self.chance.is_true(0.6):
            file = self.chance.pick(piece.files)
            return UndatedRow(Kind.WINDOW, start, end, "Code.exe", Words(title=f"{file} - Visual Studio Code"), piece)
        document = self.chance.pick(piece.documents)
        app, name = APPS[document.rpartition(".")[2]]
        return UndatedRow(Kind.WINDOW, start, end, app, Words(title=f"{document} - {name}"), piece)

    def _thread(self, start: int, end: int, piece: Piece) -> UndatedRow:
        title = f"{self.chance.pick(('RE: ', 'RE: ', 'FW: ', ''))}{self.chance.pick(piece.subjects)} - Outlook"
        return UndatedRow(Kind.WINDOW, start, end, "OUTLOOK.EXE", Words(title=title), piece)

    def _browser(self, start: int, end: int, piece: Piece) -> UndatedRow:
        topic = self.chance.pick(piece.research)
        words = Words(title=f"{topic} - Search - Chrome", url=f"https://search.test/?q={topic.replace(' ', '+')}")
        return UndatedRow(Kind.WINDOW, start, end, "chrome.exe", words, piece)

    def _noise(self, start: int, end: int) -> UndatedRow:
        app, title, url = self.chance.pick(NOISE)
        return UndatedRow(Kind.WINDOW, start, end, app, Words(title=title, url=url), None)

    def _mail(self, _: int, at: int, piece: Piece) -> UndatedRow:
        to = self.chance.sample(piece.contacts, self.chance.integer(1, 2))
        subject = f"{self.chance.pick(('RE: ', 'RE: ', ''))}{self.chance.pick(piece.subjects)}"
        words = Words(title=subject, text=self.chance.pick(piece.sentences), actor=self.person.email, people=to)
        return UndatedRow(Kind.MAIL, at, None, "OUTLOOK.EXE", words, piece)

    def _document(self, _: int, at: int, piece: Piece) -> UndatedRow:
        document = self.chance.pick(piece.documents)
        folder = piece.matter.client.split()[0]
        words = Words(title=document, files=(f"Clients/{folder}/{document}",))
        return UndatedRow(Kind.DOCUMENT, at, None, APPS[document.rpartition(".")[2]][0], words, piece)

    def _call(self, start: int, end: int, piece: Piece) -> UndatedRow:
        whom = self.chance.pick(piece.contacts)
        name = whom.partition("@")[0].replace(".", " ").title()
        return UndatedRow(Kind.CALL, start, end, "Teams.exe", Words(title=f"Call with {name}", people=(whom,)), piece)

    def _chat(self, start: int, end: int, piece: Piece) -> UndatedRow:
        text = self.chance.pick((*CHATS, *piece.sentences))
        words = Words(title="Chat | Teams", text=text, people=(self.chance.pick(piece.contacts),))
        return UndatedRow(Kind.MESSAGE, start, end, "Teams.exe", words, piece)

    def _commit(self, _: int, at: int, piece: Piece) -> UndatedRow:
        files = self.chance.sample(piece.files, self.chance.integer(1, 3))
        words = Words(title=self.chance.pick(piece.commits), actor=self.person.name, files=files)
        return UndatedRow(Kind.COMMIT, at, None, "git", words, piece)
