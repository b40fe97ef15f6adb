"""Matches stored entries with drafts when groups are renamed, merged or split (law 3).

A group's name may change, but a draft, its edits and its narrative belong to the work. So each stored entry follows the
new slice that holds most of its minutes.
"""

from collections.abc import Sequence

from schemas.billing import Draft, StoredEntry

Key = tuple[int, int]
"""Group, and matter (0: unassigned): what names an entry within a day."""


def follow(stored: Sequence[StoredEntry], drafts: Sequence[Draft]) -> dict[Key, int]:
    """Returns the entry id that each draft takes over. Drafts that aren't in the result are new; other entries are
    deleted.

    The largest share wins; between equal shares an entry stays with its own key. An entry none of whose activities is
    in any draft is matched with none.
    """
    claims = sorted(
        (-shared, entry.key != draft.slice.key, entry.id, draft.slice.key)
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


def _shared(entry: StoredEntry, draft: Draft) -> int | None:
    """The entry's microseconds that are in the draft; None if they have no activity in common."""
    common = [entry.parts_us[part.activity] for part in draft.slice.parts if part.activity in entry.parts_us]
    return sum(common) if common else None
