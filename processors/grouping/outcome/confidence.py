"""Computes a group's confidence: log-odds from its features, as a probability in millionths."""

import msgspec

from processors.grouping.model.grouping_model import Confidence
from processors.grouping.similarity.classifier import evaluate
from schemas.groups import SCORE_SCALE

_HALF_LOGIT = 500_000
_CURVE = (
    500_000,
    622_459,
    731_059,
    817_574,
    880_797,
    924_142,
    952_574,
    970_688,
    982_014,
    989_013,
    993_307,
    995_930,
    997_527,
    998_499,
    999_089,
    999_447,
    999_665,
)
"""The logistic function at 0, 0.5, ... 8, in millionths. It is written out because exp() differs between machines."""


def probability(logit: int) -> int:
    """Returns the logistic function of log-odds in millionths, in millionths. It is linear between the points of the
    curve.
    """
    step, rest = divmod(abs(logit), _HALF_LOGIT)
    if step >= len(_CURVE) - 1:
        upper = _CURVE[-1]
    else:
        upper = _CURVE[step] + (_CURVE[step + 1] - _CURVE[step]) * rest // _HALF_LOGIT
    return upper if logit >= 0 else SCORE_SCALE - upper


class ConfidenceFeatures(msgspec.Struct, frozen=True):
    """A group's features for the confidence classifier; log-odds in thousandths, None where they don't apply.

    `talk` is 1 where the member with the smallest id is a line of talk, else 0. `size` is the number of members,
    `hours` the time from the first start to the last end.

    For members: `weakest` and `mean` are of the log-odds by which they joined. `margin` is the least by which a member
    preferred its micro-cluster to the next best, and `began` the same for members that began one. `outside` is the
    least by which a member of another group preferred that one to this.

    For micro-clusters: `strands` is their number, `merged` the least log-odds by which one joined, `preferred` the
    least by which one preferred this group to the next best. `alone` is by how much the first one began a group rather
    than join an earlier one.

    For words: `words` is the number of words of the longest member, `told` the greatest sum of a member's rarities
    (thousandths). `opening` is how much the words of the member with the smallest id indicate something new.
    """

    talk: int
    size: int
    hours: int
    weakest: int | None
    mean: int | None
    margin: int
    began: int | None
    outside: int | None
    strands: int
    merged: int | None
    preferred: int | None
    alone: int | None
    words: int
    told: int
    opening: int


def confidence(model: Confidence, features: ConfidenceFeatures) -> int:
    """Returns the probability that the group is exactly right, in millionths."""
    return probability(evaluate(model.logit, msgspec.structs.asdict(features)))
