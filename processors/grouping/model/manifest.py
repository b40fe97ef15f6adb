"""What each part of a model was calibrated with: a model is one set, and is activated as one.

Trees of links were learned with words, trees of strands with those links, and how sure a group is with all of them.
Parts of two models in one file would decide without any error, and mean nothing.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

WORDS = ("apps", "rarity", "rarity_else", "opening", "reach", "embedding")
LINKS = (*WORDS, "similarity")
GROUPS = (*LINKS, "joining", "merging", "pruning")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By part the digest of what it rests on: `similarity` on WORDS, `merging` on LINKS, `confidence` on GROUPS."""

    similarity: str
    merging: str
    confidence: str


def manifest_of(file: Mapping[str, object]) -> Manifest:
    """What the parts of a model rest on, given as its file has them: what later code knows beside changes nothing."""
    return Manifest(similarity=_digest(file, WORDS), merging=_digest(file, LINKS), confidence=_digest(file, GROUPS))


def strangers(file: Mapping[str, object], said: Manifest) -> list[str]:
    """The parts that were calibrated with something else than what is in the file."""
    told, true = (msgspec.structs.asdict(one) for one in (said, manifest_of(file)))
    return [part for part in told if told[part] != true[part]]


def _digest(file: Mapping[str, object], names: tuple[str, ...]) -> str:
    parts = msgspec.json.encode([file.get(name) for name in names], order="deterministic")
    return blake2b(parts, digest_size=6).hexdigest()
