"""A grouping model: data only, immutable, named by the hash of its bytes.

Everything that a decision depends on besides the activities and the feedback is in here, so that two machines with the
same model version decide the same. Every number is an integer: scores are logits in millionths.
"""

from enum import StrEnum
from hashlib import blake2b

import msgspec

from schemas.errors import ModelError

FORMAT = 1
"""The format that this code reads. A later one is refused: its numbers may mean something else."""

KIND = "timeloom grouping model"


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
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
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
    TITLE = "title"  # the same cleaned title: a document, a thread
    PAGE = "page"  # the same address
    FILE = "file"  # the same file
    FOLDER = "folder"  # a file in the same folder
    ACTOR = "actor"  # the same person did it, or is addressed
    PERSON = "person"  # the same person takes part
    WORD = "word"  # one of each one's rarest words


class Reach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a channel looks back: at most so many activities with the same token, at most so long ago (us)."""

    most: int
    within_us: int

    def __post_init__(self) -> None:
        if not 1 <= self.most <= 1000 or self.within_us < 0:
            raise ValueError("a channel looks back at 1 to 1,000 activities, and never into the future")


class Joining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an activity joins a group: its strongest link to it and `rest` thousandths of the sum of the others pass
    `over` (millionths). Pairs that score below `floor` aren't linked.
    """

    over: int
    floor: int
    rest: int


class Pruning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is pruned: a lone window shorter than `lone_us`, and members of groups of at least `least` that were joined
    by less than `loose` (millionths), and by whom nothing else joined.
    """

    lone_us: int
    loose: int
    least: int


class Confidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sure a group is, from the group's features, and below what (millionths) it is held."""

    logit: Additive
    shown_from: int


class Model(msgspec.Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """See the module. `version` is the name and the hash of the bytes that it was loaded from.

    `rarity` weighs words in thousandths (0: says nothing); `rarity_else` is for words it doesn't hold. `apps` are names
    of applications that are cut from the ends of titles.
    """

    kind: str
    format: int
    name: str
    about: str
    apps: frozenset[str]
    rarity: dict[str, int]
    rarity_else: int
    reach: dict[Channel, Reach]
    similarity: Additive
    joining: Joining
    pruning: Pruning
    confidence: Confidence
    version: str = ""


class _Head(msgspec.Struct):
    kind: str = ""
    format: int = 0


def load_model(raw: bytes) -> Model:
    """The model in these bytes. Raises ModelError where they are cut short, of another kind or of a later format."""
    try:
        head = msgspec.json.decode(raw, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the model can't be read, perhaps it is cut short: {error}; get the file again") from error
    if head.kind != KIND:
        raise ModelError(f"this is no grouping model: its kind is {head.kind!r}, not {KIND!r}")
    if head.format != FORMAT:
        raise ModelError(f"the model has format {head.format}, this Timeloom reads {FORMAT}; get the one that fits")
    try:
        model = msgspec.json.decode(raw, type=Model)
    except msgspec.ValidationError as error:
        raise ModelError(f"the model isn't whole: {error}; get the file again") from error
    if model.version:
        raise ModelError("a model's file doesn't say its version; it is the hash of the file. Remove `version`")
    return msgspec.structs.replace(model, version=f"{model.name}-{blake2b(raw, digest_size=6).hexdigest()}")
