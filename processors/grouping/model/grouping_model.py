"""A grouping model: data only, immutable, named by the hash of its bytes.

Everything that a decision depends on besides the activities and the feedback is in here, so that two machines with the
same model version decide the same. Every number is an integer: scores are logits in millionths.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from processors.grouping.model.manifest import Manifest, manifest_of, strangers
from processors.grouping.model.trees import MOST_STEPS, Tree
from schemas.errors import ModelError
from schemas.groups import SCORE_SCALE

FORMAT = 2
"""The format that this code reads. A later one is refused: its numbers may mean something else."""

KIND = "timeloom grouping model"

HIGHEST = 2**31 - 1
"""Features are of 32 bits; the least of these stands for what is missing."""

Logit = Annotated[int, Meta(ge=-(10**9), le=10**9)]
Thousandths = Annotated[int, Meta(ge=0, le=10_000)]


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step function of one feature: `values[i]` holds below `edges[i]`, the last one from the last edge on.

    `missing` is what it adds where the feature is missing. Values are millionths of a logit.
    """

    edges: tuple[int, ...]
    values: tuple[int, ...]
    missing: int = 0

    def __post_init__(self) -> None:
        if len(self.values) != len(self.edges) + 1 or len(self.edges) > 200:
            raise ValueError("a curve has one value more than edges, and at most 200 edges")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("the edges of a curve rise")
        if any(abs(value) > 10**9 for value in (*self.values, self.missing)):
            raise ValueError("a curve's values lie within 1,000 logits")


class Additive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A logit as a sum: the prior, and one curve for each feature named. Features without a curve add nothing."""

    prior: int
    curves: dict[str, Curve]


class Channel(StrEnum):
    """A way in which two activities come to be looked at as a pair; what they share is its token."""

    RECENT = "recent"  # nothing shared: close in the order of events
    TALK = "talk"  # the same among lines of talk
    TITLE = "title"  # the same cleaned title: a document, a thread
    PAGE = "page"  # the same address
    FILE = "file"  # the same file
    FOLDER = "folder"  # a file in the same folder
    ACTOR = "actor"  # the same person did it, or is addressed
    PERSON = "person"  # the same person takes part
    WORD = "word"  # one of each one's rarest words


class Embedding(StrEnum):
    """What the vector of a text is made of, whose cosine with another is a feature. Words weigh as much as they are
    rare.
    """

    NGRAMS = "ngrams"  # the character n-grams of its words: kindred spellings and compounds come out near
    TFIDF = "tfidf"  # its words


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a channel looks back: at most so many activities with the same token, at most so long ago (us)."""

    most: int
    within_us: int

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 1000 or self.within_us < 0:
            raise ValueError("a channel looks back at 1 to 1,000 activities, and never into the future")


class Regime(StrEnum):
    """What decides which trees are asked about an activity."""

    TALK = "talk"  # it is a line of talk
    WORK = "work"  # it is anything else


class Similarity(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """Trees over features, by name. `edges[name]` cuts a feature into steps: 0 missing, 1 below the first edge, ...

    A tree's split says which feature it asks by its place among the names, in the order of the alphabet: so what later
    code knows beside them changes nothing.
    """

    edges: dict[str, tuple[Annotated[int, Meta(gt=-HIGHEST, le=HIGHEST)], ...]]
    trees: tuple[Tree, ...]

    def __post_init__(self) -> None:
        if not self.trees:
            raise ValueError("a similarity has trees")
        for name, edges in self.edges.items():
            if len(edges) > MOST_STEPS - 1 or any(low >= high for low, high in pairwise(edges)):
                raise ValueError(f"the edges of {name} rise, and are at most {MOST_STEPS - 1}")
        if any(split.feature >= len(self.edges) for tree in self.trees for split in tree.splits):
            raise ValueError("a tree asks a feature that has no edges")

    def trees_over(self, names: Sequence[str]) -> tuple[Tree, ...]:
        """The trees, asking features by their place among these names. Raises ModelError for one that isn't there."""
        unknown = self.edges.keys() - set(names)
        if unknown:
            raise ModelError(f"the model asks for {', '.join(sorted(unknown))}, which this Timeloom doesn't know")
        places = [names.index(name) for name in sorted(self.edges)]
        return tuple(
            Tree(tuple(replace(split, feature=places[split.feature]) for split in tree.splits), tree.leaves)
            for tree in self.trees
        )


class Joining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an activity joins a strand: its links' odds, summed, pass those of `over` (a logit in millionths). Links
    below `floor` aren't kept. When a strand joins a group: the mean of its ties' logits passes `merging`.
    """

    over: Logit
    floor: Logit
    merging: Logit = 0


class Pruning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is pruned: a lone window shorter than `lone_us`, and members of groups of at least `least` that were joined
    by less than `loose` (millionths), and by whom nothing else joined.
    """

    lone_us: Annotated[int, Meta(ge=0, le=10**15)]
    loose: Logit
    least: Annotated[int, Meta(ge=0, le=10**9)]


class Confidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sure a group is, from the group's features, and below what (millionths) it is held."""

    logit: Additive
    shown_from: Annotated[int, Meta(ge=0, le=SCORE_SCALE)]


class Model(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """See the module. `version` is the name and the hash of the bytes that it was loaded from.

    `rarity` weighs words in thousandths (0: says nothing); `rarity_else` is for words it doesn't hold; `opening` says
    how much a word speaks for something new (thousandths of a logit; "^word" is one that comes first, "?" a question).
    `apps` are names of applications that are cut from the ends of titles; `embedding` is what trees were learned with.
    `merging` has trees over pairs of strands (`ties.TIES`); without them strands stay apart. `manifest` says what the
    parts were calibrated with; one that was put together by hand has none.
    """

    kind: str
    format: int
    name: str
    about: str
    apps: frozenset[str]
    rarity: dict[str, Thousandths]
    rarity_else: Thousandths
    opening: dict[str, Annotated[int, Meta(ge=-100_000, le=100_000)]]
    reach: dict[Channel, Reach]
    similarity: dict[Regime, Similarity]
    joining: dict[Regime, Joining]
    merging: dict[Regime, Similarity]
    pruning: Pruning
    confidence: Confidence
    embedding: Embedding = Embedding.NGRAMS
    manifest: Manifest | None = None
    version: str = ""

    def __post_init__(self) -> None:
        if self.similarity.keys() != set(Regime) or self.joining.keys() != set(Regime):
            raise ValueError(f"a model has trees, and says when to join, for {', '.join(Regime)}")


class _Head(msgspec.Struct):
    kind: str = ""
    format: int = 0
    embedding: str = Embedding.NGRAMS


def load_model(raw: bytes) -> Model:
    """The model in these bytes. Raises ModelError where they are cut short, of another kind or of a later format."""
    try:
        head = msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"the model can't be read, perhaps it is cut short: {error}; get the file again") from error
    if head.kind != KIND:
        raise ModelError(f"this is no grouping model: its kind is {head.kind!r}, not {KIND!r}")
    if head.format != FORMAT:
        raise ModelError(f"the model has format {head.format}, this Timeloom reads {FORMAT}; get the one that fits")
    if head.embedding not in set(Embedding):
        raise ModelError(
            f"the model embeds texts by {head.embedding!r}, this Timeloom by one of {', '.join(Embedding)}; "
            "learn it again with one of those, or get the Timeloom that it was learned with"
        )
    try:
        model = msgspec.json.decode(raw, type=Model)
    except msgspec.ValidationError as error:
        raise ModelError(f"the model isn't whole: {error}; get the file again") from error
    if model.version:
        raise ModelError("a model's file doesn't say its version; it is the hash of the file. Remove `version`")
    if model.manifest and (strange := strangers(msgspec.json.decode(raw), model.manifest)):
        raise ModelError(
            f"the model's {' and '.join(strange)} were calibrated with other parts than the file has; take all parts "
            "from one file that `train` wrote, or learn it again"
        )
    return msgspec.structs.replace(model, version=f"{model.name}-{blake2b(raw, digest_size=6).hexdigest()}")


def encode_model(model: Model) -> bytes:
    """The bytes of its file, the same for the same model; the version isn't in them, it is made from them."""
    return msgspec.json.encode(_file(model), order="deterministic") + b"\n"


def with_manifest(model: Model) -> Model:
    """The model, whose parts were learned with each other."""
    return msgspec.structs.replace(model, manifest=manifest_of(_file(model)))


def _file(model: Model) -> dict[str, object]:
    """What its file says."""
    known: dict[str, object] = msgspec.to_builtins(model, order="deterministic")
    del known["version"]
    if model.manifest is None:
        del known["manifest"]
    return known
