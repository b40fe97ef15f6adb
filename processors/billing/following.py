"""Which entry row goes on as which entry, when groups are renamed, merged or split (law 3).

A group's name may change; a draft, its edits and its narrative belong to the work. So each existing entry follows the
new slice that holds most of its minutes.
"""

from collections.abc import Mapping, Sequence

import msgspec

from schemas.billing import Draft, Slice

Key = tuple[int, int]
"""Group, and matter (0: unassigned): what names an entry within a day."""


class Stored(msgspec.Struct, frozen=True):
    """An entry row of the day: what it is named by, and its microseconds by activity."""

    id: int
    group: int
    matter: int | None
    shares: Mapping[int, int]

    @property
    def key(self) -> Key:
        """What names the entry within its day."""
        return self.group, self.matter or 0


def key_of(part: Slice) -> Key:
    """What names a slice's entry within its day."""
    return part.group, part.matter or 0


def follow(stored: Sequence[Stored], drafts: Sequence[Draft]) -> dict[Key, int]:
    """The entry id that each draft takes over; drafts that aren't in it are new, entries that aren't in it are gone.

    Strongest claims first; where claims are equal an entry stays with its own key. An entry none of whose activities is
    in any draft follows nothing.
    """
    claims = sorted(
        (-shared, entry.key != key_of(draft.slice), entry.id, key_of(draft.slice))
        for draft in drafts
        for entry in stored
        if (shared := _shared(entry, draft)) is not None
    )
    taken: dict[Key, int] = {}
    settled: set[int] = set()
    for _, _, entry_id, key in claims:
        if entry_id not in settled and key not in taken:
            taken[key] = entry_id
            settled.add(entry_id)
    return taken


def _shared(entry: Stored, draft: Draft) -> int | None:
    """How many of the entry's microseconds are in the draft; None where they have no activity in common."""
    common = [entry.shares[part.activity] for part in draft.slice.parts if part.activity in entry.shares]
    return sum(common) if common else None
