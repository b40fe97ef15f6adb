"""How sure a group is: the confidence classifier, a logit from the group's features, as a probability in millionths."""

from processors.grouping.model import Confidence
from processors.grouping.similarity import evaluate
from schemas.groups import MICRO

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
    return upper if logit >= 0 else MICRO - upper


def confidence(model: Confidence, size: int, weakest: int | None, mean: int | None, margin: int | None) -> int:
    """How likely the group is exactly right, in millionths.

    `weakest` and `mean` are of what its members joined by, `margin` the least by which a member preferred this group to
    another one; thousandths of a logit, None where there is nothing to say.
    """
    return probability(evaluate(model.logit, {"size": size, "weakest": weakest, "mean": mean, "margin": margin}))
