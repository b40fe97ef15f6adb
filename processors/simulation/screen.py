"""What a stretch of work leaves behind: windows, mails, calls, meetings, documents, chats, commits."""

from collections.abc import Callable, Iterator

import msgspec

from processors.simulation.cast import Piece
from processors.simulation.chance import Chance
from processors.simulation.day import MINUTE, Stretch, Style
from processors.simulation.dials import Dials
from processors.simulation.values import Person
from processors.simulation.vocabulary.screens import ADMIN, CHATS, GENERIC, NOISE
from schemas.values import Kind, Words

APPS = {"docx": ("WINWORD.EXE", "Word"), "xlsx": ("EXCEL.EXE", "Excel"), "pptx": ("POWERPNT.EXE", "PowerPoint")}


class Seen(msgspec.Struct, frozen=True):
    """One row before it is dated: seconds of the local day, `end` None for a point in time. No piece: noise."""

    kind: Kind
    start: int
    end: int | None
    app: str
    words: Words
    piece: Piece | None
    inner: bool = False


_Make = Callable[[int, int, Piece], Seen]


class Screen:
    """Draws the rows of one person's day."""

    def __init__(self, chance: Chance, dials: Dials, person: Person) -> None:
        self.chance, self.dials, self.person = chance, dials, person

    def day(self, stretches: list[Stretch]) -> list[Seen]:
        """All rows of the day in order of their start."""
        rows = [row for stretch in stretches for row in self._stretch(stretch)]
        desk = [row for row in rows if row.kind is Kind.WINDOW and row.piece is not None]
        rows += self._spread(desk, self.dials.mails, self._mail)
        rows += self._spread(desk, self.dials.documents, self._document)
        rows += self._spread(desk, self.dials.calls, self._call)
        rows += self._spread(
            [row for row in desk if row.piece and row.piece.software], self.dials.commits, self._commit
        )
        return sorted(rows, key=lambda row: (row.start, row.kind))

    def _spread(self, desk: list[Seen], count: float, make: _Make) -> list[Seen]:
        """A day's worth of rows of one kind, each beside a drawn window and about the same piece."""
        chosen = self.chance.some(desk, self.chance.about(count))
        return [make(window.start, window.end or window.start, window.piece) for window in chosen if window.piece]

    def _stretch(self, stretch: Stretch) -> Iterator[Seen]:
        start, end, piece = stretch.start, stretch.end, stretch.piece
        if piece is None:
            yield Seen(Kind.MEETING, start, end, "calendar", Words(title=self.chance.pick(ADMIN)), None, inner=True)
        elif stretch.style is Style.DESK:
            yield from self._windows(stretch, piece)
        elif stretch.style is Style.MEETING:
            title, people = self.chance.pick(piece.meetings), (self.person.email, *piece.contacts[:2])
            yield Seen(Kind.MEETING, start, end, "calendar", Words(title=title, people=people), piece)
        elif stretch.style is Style.CALL:
            yield self._call(start, end, piece)
        elif stretch.style is Style.CHAT:
            yield self._chat(start, end, piece)
        else:
            yield self._thread(start, end, piece)
            yield self._mail(start, end, piece)

    def _windows(self, stretch: Stretch, piece: Piece) -> Iterator[Seen]:
        now = stretch.start
        while now < stretch.end:
            end = min(stretch.end, now + self.chance.whole(1, 11) * MINUTE + self.chance.whole(0, 59))
            if self.chance.happens(self.dials.noise):
                yield self._noise(now, end)
            else:
                yield self._window(now, end, piece)
            now = end + self.chance.whole(0, 20)

    def _window(self, start: int, end: int, piece: Piece) -> Seen:
        if self.chance.happens(self.dials.generic):
            app, title = self.chance.pick(GENERIC)
            return Seen(Kind.WINDOW, start, end, app, Words(title=title), piece)
        make = self.chance.weighted(((5, self._editor), (3, self._thread), (2, self._browser)))
        return make(start, end, piece)

    def _editor(self, start: int, end: int, piece: Piece) -> Seen:
        if piece.software and self.chance.happens(0.6):
            file = self.chance.pick(piece.files)
            return Seen(Kind.WINDOW, start, end, "Code.exe", Words(title=f"{file} - Visual Studio Code"), piece)
        document = self.chance.pick(piece.documents)
        app, name = APPS[document.rpartition(".")[2]]
        return Seen(Kind.WINDOW, start, end, app, Words(title=f"{document} - {name}"), piece)

    def _thread(self, start: int, end: int, piece: Piece) -> Seen:
        title = f"{self.chance.pick(('RE: ', 'RE: ', 'FW: ', ''))}{self.chance.pick(piece.subjects)} - Outlook"
        return Seen(Kind.WINDOW, start, end, "OUTLOOK.EXE", Words(title=title), piece)

    def _browser(self, start: int, end: int, piece: Piece) -> Seen:
        topic = self.chance.pick(piece.research)
        words = Words(title=f"{topic} - Search - Chrome", url=f"https://search.test/?q={topic.replace(' ', '+')}")
        return Seen(Kind.WINDOW, start, end, "chrome.exe", words, piece)

    def _noise(self, start: int, end: int) -> Seen:
        app, title, url = self.chance.pick(NOISE)
        return Seen(Kind.WINDOW, start, end, app, Words(title=title, url=url), None)

    def _mail(self, _: int, at: int, piece: Piece) -> Seen:
        to = self.chance.some(piece.contacts, self.chance.whole(1, 2))
        subject = f"{self.chance.pick(('RE: ', 'RE: ', ''))}{self.chance.pick(piece.subjects)}"
        words = Words(title=subject, text=self.chance.pick(piece.sentences), actor=self.person.email, people=to)
        return Seen(Kind.MAIL, at, None, "OUTLOOK.EXE", words, piece)

    def _document(self, _: int, at: int, piece: Piece) -> Seen:
        document = self.chance.pick(piece.documents)
        folder = piece.matter.client.split()[0]
        words = Words(title=document, files=(f"Clients/{folder}/{document}",))
        return Seen(Kind.DOCUMENT, at, None, APPS[document.rpartition(".")[2]][0], words, piece)

    def _call(self, start: int, end: int, piece: Piece) -> Seen:
        whom = self.chance.pick(piece.contacts)
        name = whom.partition("@")[0].replace(".", " ").title()
        return Seen(Kind.CALL, start, end, "Teams.exe", Words(title=f"Call with {name}", people=(whom,)), piece)

    def _chat(self, start: int, end: int, piece: Piece) -> Seen:
        text = self.chance.pick((*CHATS, *piece.sentences))
        words = Words(title="Chat | Teams", text=text, people=(self.chance.pick(piece.contacts),))
        return Seen(Kind.MESSAGE, start, end, "Teams.exe", words, piece)

    def _commit(self, _: int, at: int, piece: Piece) -> Seen:
        files = self.chance.some(piece.files, self.chance.whole(1, 3))
        words = Words(title=self.chance.pick(piece.commits), actor=self.person.name, files=files)
        return Seen(Kind.COMMIT, at, None, "git", words, piece)
