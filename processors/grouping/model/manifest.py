"""Records what each part of a model was calibrated with. A model is one set, and is activated as one.

The trees over activity pairs were learned with the words, the trees over cluster pairs with those links, and the
confidence with all of them. Parts of two models in one file would decide without an error, but the result would mean
nothing.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

WORDS = ("apps", "rarity", "rarity_else", "opening", "reach", "embedding")
LINKS = (*WORDS, "similarity")
GROUPS = (*LINKS, "joining", "merging", "pruning")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For each part the digest of what it depends on: `similarity` on WORDS, `merging` on LINKS, `confidence` on
    GROUPS.
    """

    similarity: str
    merging: str
    confidence: str


def manifest_of(file: Mapping[str, object]) -> Manifest:
    """Returns the manifest of a model whose parts are given as in its file. Fields that later code adds
    change nothing.
    """
    return Manifest(similarity=_digest(file, WORDS), merging=_digest(file, LINKS), confidence=_digest(file, GROUPS))


def mismatched_parts(file: Mapping[str, object], manifest: Manifest) -> list[str]:
    """Returns the parts that were calibrated with something else than what is in the file."""
    recorded, actual = (msgspec.structs.asdict(one) for one in (manifest, manifest_of(file)))
    return [part for part in recorded if recorded[part] != actual[part]]


def _digest(file: Mapping[str, object], names: tuple[str, ...]) -> str:
    parts = msgspec.json.encode([file.get(name) for name in names], order="deterministic")
    return blake2b(parts, digest_size=6).hexdigest()
