"""Defines a grouping model: data only, immutable, named by the hash of its bytes.

A decision depends only on the activities, the feedback and the model, so two machines with the same model version
decide the same. All numbers are integers: scores are log-odds in millionths.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from processors.grouping.model.manifest import Manifest, manifest_of, mismatched_parts
from processors.grouping.model.trees import MOST_STEPS, Tree
from schemas.errors import ModelError
from schemas.groups import SCORE_SCALE

FORMAT = 2
"""The format that this code reads. Other formats are refused, because their numbers may mean something else."""

KIND = "timeloom grouping model"

HIGHEST = 2**31 - 1
"""Features have 32 bits; the least of these numbers stands for a missing value."""

Logit = Annotated[int, Meta(ge=-(10**9), le=10**9)]
Thousandths = Annotated[int, Meta(ge=0, le=10_000)]


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step function of one feature: `values[i]` holds below `edges[i]`, and the last value from the last edge on.

    `missing` is the value where the feature is missing. Values are millionths of a logit.
    """

    edges: tuple[int, ...]
    values: tuple[int, ...]
    missing: int = 0

    def __post_init__(self) -> None:
        if len(self.values) != len(self.edges) + 1 or len(self.edges) > 200:
            raise ValueError("a curve has one value more than it has edges, and at most 200 edges")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("the edges of a curve must be in ascending order")
        if any(abs(value) > 10**9 for value in (*self.values, self.missing)):
            raise ValueError("the values of a curve must lie within 1,000 logits")


class Additive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log-odds as a sum: the prior, and the value of each named feature's curve. Features without a curve
    add nothing.
    """

    prior: int
    curves: dict[str, Curve]


class Channel(StrEnum):
    """A way in which two activities become a candidate pair. What they share is its token."""

    RECENT = "recent"  # nothing shared: close in the order of events
    TALK = "talk"  # nothing shared: close in the order of lines of talk
    TITLE = "title"  # the same cleaned title: a document, a thread
    PAGE = "page"  # the same address
    FILE = "file"  # the same file
    FOLDER = "folder"  # a file in the same folder
    ACTOR = "actor"  # the same person acts, or is addressed
    PERSON = "person"  # the same person takes part
    WORD = "word"  # a word that is among the rarest of both


class Embedding(StrEnum):
    """What the vector of a text is made of. The cosine of two vectors is a feature. Words are weighed by
    their rarity.
    """

    NGRAMS = "ngrams"  # the character n-grams of its words: similar spellings and compounds get similar vectors
    TFIDF = "tfidf"  # its words


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a channel looks back: at most `most` activities with the same token, at most `within_us` microseconds
    ago.
    """

    most: int
    within_us: int

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 1000 or self.within_us < 0:
            raise ValueError("a channel looks back at 1 to 1,000 activities, and `within_us` isn't negative")


class Domain(StrEnum):
    """Decides which trees score an activity."""

    TALK = "talk"  # it is a line of talk
    WORK = "work"  # it is anything else


class Similarity(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """Trees over named features. `edges[name]` cuts a feature into steps: 0 missing, 1 below the first edge, ...

    A tree's split refers to a feature by its position among the names in alphabetical order. Features that later code
    adds therefore change nothing.
    """

    edges: dict[str, tuple[Annotated[int, Meta(gt=-HIGHEST, le=HIGHEST)], ...]]
    trees: tuple[Tree, ...]

    def __post_init__(self) -> None:
        if not self.trees:
            raise ValueError("a similarity needs at least one tree")
        for name, edges in self.edges.items():
            if len(edges) > MOST_STEPS - 1 or any(low >= high for low, high in pairwise(edges)):
                raise ValueError(f"the edges of {name} must be in ascending order, and at most {MOST_STEPS - 1}")
        if any(split.feature >= len(self.edges) for tree in self.trees for split in tree.splits):
            raise ValueError("a tree splits by a feature that has no edges")

    def trees_over(self, names: Sequence[str]) -> tuple[Tree, ...]:
        """Returns the trees with features numbered by their position in `names`. Raises ModelError for a feature that
        isn't in `names`.
        """
        unknown = self.edges.keys() - set(names)
        if unknown:
            raise ModelError(f"the model uses {', '.join(sorted(unknown))}, which this Timeloom doesn't know")
        places = [names.index(name) for name in sorted(self.edges)]
        return tuple(
            Tree(tuple(replace(split, feature=places[split.feature]) for split in tree.splits), tree.leaves)
            for tree in self.trees
        )


class ClusteringThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds of clustering. An activity joins a micro-cluster where the odds of its links, summed, exceed those of
    `over` (log-odds in millionths). Links below `floor` aren't kept. A micro-cluster joins a group where the mean
    log-odds of its cluster pairs exceeds `merging`.
    """

    over: Logit
    floor: Logit
    merging: Logit = 0


class Pruning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is pruned: a lone window shorter than `lone_us`, and loose members of groups of at least `least` members. A
    member is loose if it joined by less than `loose` (log-odds in millionths) and no other member joined through it.
    """

    lone_us: Annotated[int, Meta(ge=0, le=10**15)]
    loose: Logit
    least: Annotated[int, Meta(ge=0, le=10**9)]


class Confidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The classifier of a group's confidence, and the confidence (millionths) below which a group is held."""

    logit: Additive
    shown_from: Annotated[int, Meta(ge=0, le=SCORE_SCALE)]


class Model(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """See the module. `version` is the name and the hash of the bytes from which the model was loaded.

    `rarity` weighs words in thousandths (0: ignored), `rarity_else` all other words. `opening` is how much a word
    indicates something new (thousandths of a logit; "^word" is a first word, "?" a question). `apps` are names of
    applications that are cut from the ends of titles. `embedding` is what the trees were learned with.

    `merging` has trees over cluster pairs (`cluster_pair_features.CLUSTER_PAIR_FEATURES`); without them micro-clusters
    stay apart. `manifest` has the digests of what the parts were calibrated with; None for a model that was put
    together by hand.
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
    similarity: dict[Domain, Similarity]
    joining: dict[Domain, ClusteringThresholds]
    merging: dict[Domain, Similarity]
    pruning: Pruning
    confidence: Confidence
    embedding: Embedding = Embedding.NGRAMS
    manifest: Manifest | None = None
    version: str = ""

    def __post_init__(self) -> None:
        if self.similarity.keys() != set(Domain) or self.joining.keys() != set(Domain):
            raise ValueError(f"a model needs `similarity` and `joining` for {', '.join(Domain)}")


class _Head(msgspec.Struct):
    kind: str = ""
    format: int = 0
    embedding: str = Embedding.NGRAMS


def load_model(raw: bytes) -> Model:
    """Returns the model in these bytes. Raises ModelError where they are cut short, of another kind or format, or embed
    texts in an unknown way, and where the parts don't fit each other.
    """
    try:
        head = msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"the model can't be read, perhaps it is cut short: {error}; get the file again") from error
    if head.kind != KIND:
        raise ModelError(f"this isn't a grouping model: its kind is {head.kind!r}, not {KIND!r}")
    if head.format != FORMAT:
        raise ModelError(f"the model has format {head.format}, this Timeloom reads {FORMAT}; get one of that format")
    if head.embedding not in set(Embedding):
        raise ModelError(
            f"the model embeds texts by {head.embedding!r}, this Timeloom knows only {', '.join(Embedding)}; "
            "learn it again with one of those, or use the Timeloom version that it was learned with"
        )
    try:
        model = msgspec.json.decode(raw, type=Model)
    except msgspec.ValidationError as error:
        raise ModelError(f"the model isn't whole: {error}; get the file again") from error
    if model.version:
        raise ModelError("a model's file must not contain `version`, which is the hash of the file; remove it")
    if model.manifest and (strange := mismatched_parts(msgspec.json.decode(raw), model.manifest)):
        raise ModelError(
            f"the model's {' and '.join(strange)} were calibrated with other parts than the file has; take all parts "
            "from one file that `train` wrote, or learn it again"
        )
    return msgspec.structs.replace(model, version=f"{model.name}-{blake2b(raw, digest_size=6).hexdigest()}")


def encode_model(model: Model) -> bytes:
    """Returns the bytes of its file, equal for equal models. The version isn't in them, because it is made
    from them.
    """
    return msgspec.json.encode(_file(model), order="deterministic") + b"\n"


def with_manifest(model: Model) -> Model:
    """Returns the model with the manifest of its parts, which were learned together."""
    return msgspec.structs.replace(model, manifest=manifest_of(_file(model)))


def _file(model: Model) -> dict[str, object]:
    """Returns the contents of its file."""
    known: dict[str, object] = msgspec.to_builtins(model, order="deterministic")
    del known["version"]
    if model.manifest is None:
        del known["manifest"]
    return known
