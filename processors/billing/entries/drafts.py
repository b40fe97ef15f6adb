"""The entries that the database should hold of a timekeeper's days: WORK slices, with content and free narrative."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from hashlib import blake2b

import msgspec

from processors.billing.entries.matters import MatterBook
from processors.billing.entries.slicing import slice_days
from processors.billing.narratives.extractive import extractive
from schemas.billing import Draft, DraftedDay, Membership, Slice
from schemas.groups import Disposition
from schemas.values import Activity


def drafted_days(
    activities: Iterable[Activity],
    places: Mapping[int, Membership],
    book: MatterBook,
    days: Collection[date],
    frozen: Mapping[date, Collection[int]],
) -> list[DraftedDay]:
    """Each of the days as it should be stored.

    `frozen` are the activities that hang on a released entry of a day: released is frozen (law 7), so they are in no
    draft of that day. Their minutes still count.
    """
    by_id = {activity.id: activity for activity in activities}
    return [
        DraftedDay(
            day.minutes,
            tuple(
                _draft(part, by_id, book)
                for part in (_thawed(part, frozen.get(part.day, ())) for part in day.slices)
                if part.disposition is Disposition.WORK and part.parts
            ),
        )
        for day in slice_days(by_id.values(), places, book, days)
    ]


def _thawed(part: Slice, frozen: Collection[int]) -> Slice:
    if not frozen:
        return part
    return msgspec.structs.replace(part, parts=tuple(p for p in part.parts if p.activity not in frozen))


def _draft(part: Slice, by_id: Mapping[int, Activity], book: MatterBook) -> Draft:
    matter = book.matters.get(part.matter) if part.matter is not None else None
    return Draft(part, content_of(part), extractive(part, by_id, matter))


def content_of(part: Slice) -> str:
    """The content of the entry that the slice is."""
    return content(part.day, part.matter, ((member.activity, member.hash) for member in part.parts))


def content(day: date, matter: int | None, members: Iterable[tuple[int, str]]) -> str:
    """32 hex digits over the day, the matter and the members with their hashes, in any order.

    Minutes, models and the group's name are not in it: a regrouping that leaves an entry's members as they were costs
    nothing.
    """
    return blake2b(msgspec.json.encode((day, matter, sorted(members))), digest_size=16).hexdigest()
