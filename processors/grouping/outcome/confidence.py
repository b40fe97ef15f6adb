"""How sure a group is: the confidence classifier, a logit from the group's features, as a probability in millionths."""

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
"""The logistic function at 0, 0.5, ... 8, in millionths. Written out, because exp() isn't the same on every machine."""


def probability(logit: int) -> int:
    """The logistic function of a logit in millionths, in millionths: between the points of the curve it is straight."""
    step, rest = divmod(abs(logit), _HALF_LOGIT)
    if step >= len(_CURVE) - 1:
        upper = _CURVE[-1]
    else:
        upper = _CURVE[step] + (_CURVE[step + 1] - _CURVE[step]) * rest // _HALF_LOGIT
    return upper if logit >= 0 else SCORE_SCALE - upper


class Signs(msgspec.Struct, frozen=True):
    """What a group's confidence is made from; thousandths of a logit, None where there is nothing to say.

    `talk` is 1 where the member with the smallest id is a line of talk, else 0; `size` is how many members, `hours` how
    long from the first's start to the last's end. `weakest` and `mean` are of what members joined by, `margin` is the
    least by which one preferred this group to its next best, `began` the same of the one that began it, `outside` the
    least by which somebody else preferred another group to this one. `strands` is how many strands it was made of;
    `merged` the least that one of them joined by, `preferred` the least by which one preferred this group to its next
    best; `alone` is by how much the one that began it began, rather than joined an earlier group. `words` is how many
    words say the most of one member, `told` how much (the sum of their rarities, thousandths), `opening` how much the
    words of the member with the smallest id speak for something new.
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


def confidence(model: Confidence, signs: Signs) -> int:
    """How likely the group is exactly right, in millionths."""
    return probability(evaluate(model.logit, msgspec.structs.asdict(signs)))
