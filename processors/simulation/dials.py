"""The dials of the generated week: what it is like, each with a default."""

import msgspec


class Dials(msgspec.Struct, frozen=True, kw_only=True):
    """What the week is like. Shares are of rows, 0 to 1; the rest are counts, for each person."""

    people: int = 4
    """How many timekeepers; each has a profession and a time zone of their own."""
    days: int = 5
    """How many working days, from the first day on; Saturdays and Sundays are passed over."""
    pieces: int = 7
    """How many pieces of work each has under way in the week (the true groups), over about half as many matters."""
    hours: float = 7.5
    """Hours between the first and the last activity of a day, lunch not counted."""
    resumed: float = 0.7
    """How likely the next block goes on with a piece of that day or the day before, rather than any other."""
    interruptions: float = 5.0
    """Interruptions by another piece of work, a day (a call, a mail or a chat of some minutes, then back)."""
    meetings: float = 1.5
    """Meetings a day, of half an hour to an hour."""
    calls: float = 2.0
    """Calls a day that belong to the block they fall in."""
    mails: float = 9.0
    """Mails sent a day: points in time, without a duration."""
    documents: float = 6.0
    """Documents saved a day: points in time."""
    commits: float = 5.0
    """Commits a day, of people who write software: points in time."""
    noise: float = 0.05
    """Rows that are no work: screen saver, news, music. They belong to no piece."""
    generic: float = 0.18
    """Windows of work whose title says nothing of it ("Inbox", "Document2")."""
    numbered: float = 0.08
    """Rows of work that carry the matter's number in a title, as careful people write it."""
    assigned: float = 0.15
    """Rows of work whose matter the collector already knows (`matter_id` is set)."""
    late: float = 0.03
    """Rows that are written hours or days after they happened (a laptop that was offline)."""
    corrected: float = 0.05
    """Rows that are written once more with another title or end."""
    deleted: float = 0.02
    """Rows that are deleted after some time."""
