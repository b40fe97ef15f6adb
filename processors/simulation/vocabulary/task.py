"""The form of the vocabulary: what one task looks like on a screen."""

import msgspec


class Task(msgspec.Struct, frozen=True):
    """One sort of work. `{client}`, `{short}`, `{other}` (the other side) and `{part}` are filled in for each piece.

    `shared` are words that other tasks use too, so that titles don't give the piece away.
    """

    name: str
    documents: tuple[str, ...]
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]
    research: tuple[str, ...]
    meetings: tuple[str, ...]
    parts: tuple[str, ...]
    files: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
