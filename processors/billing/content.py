"""The content of an entry: what a narrative of it reads. Equal content is narrated, and paid for, once (law 6)."""

from hashlib import blake2b

import msgspec

from schemas.billing import Slice


def content_of(part: Slice) -> str:
    """32 hex digits over the day, the matter and the members with their hashes.

    Minutes, models and the group's name are not in it: a regrouping that leaves an entry's members as they were costs
    nothing.
    """
    read = (part.day, part.matter, [(member.activity, member.hash) for member in part.parts])
    return blake2b(msgspec.json.encode(read), digest_size=16).hexdigest()
