"""The content of an entry: what a narrative of it reads. Equal content is narrated, and paid for, once (law 6)."""

from collections.abc import Iterable
from datetime import date
from hashlib import blake2b

import msgspec

from schemas.billing import Slice


def content_of(part: Slice) -> str:
    """The content of the entry that the slice is."""
    return content(part.day, part.matter, ((member.activity, member.hash) for member in part.parts))


def content(day: date, matter: int | None, members: Iterable[tuple[int, str]]) -> str:
    """32 hex digits over the day, the matter and the members with their hashes, in any order.

    Minutes, models and the group's name are not in it: a regrouping that leaves an entry's members as they were costs
    nothing.
    """
    return blake2b(msgspec.json.encode((day, matter, sorted(members))), digest_size=16).hexdigest()
