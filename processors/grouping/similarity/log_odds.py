"""Odds of logits, and back, in whole numbers: what speaks for a group is summed as odds, and told as a logit.

exp() and log() aren't the same on every machine, so both are read off one table, made by multiplying whole numbers.
"""

from decimal import Context, Decimal
from typing import NamedTuple

import numpy as np

from processors.grouping.compiled import Integers, compiled

STEP = 1_000
"""The table's steps: thousandths of a logit, in millionths."""

LEAST, MOST = -8_000_000, 16_000_000
"""A logit beyond these counts as if it were there."""

ONE = 1 << 24
"""The odds of a logit of 0."""

_BITS = 96
_E_TO_A_STEP = int(Context(prec=50).exp(Decimal(STEP) / 1_000_000) * (1 << _BITS))


def places(logits: Integers) -> Integers:
    """Where the odds of logits are in ODDS."""
    found: Integers = (np.clip(logits, LEAST, MOST) - LEAST) // STEP
    return found


class Odds(NamedTuple):
    """The table of odds, the least logit in it, and its step."""

    table: Integers
    least: int
    step: int


@compiled
def logit(summed: int, odds: Odds) -> int:
    """The logit (millionths) of odds: the largest whose odds aren't more."""
    return odds.least + max(int(np.searchsorted(odds.table, summed, side="right")) - 1, 0) * odds.step


def _table() -> Integers:
    up, upwards = 1 << _BITS, []
    for _ in range(MOST // STEP + 1):
        upwards.append(up * ONE >> _BITS)
        up = up * _E_TO_A_STEP >> _BITS
    down, downwards = 1 << _BITS, []
    for _ in range(-LEAST // STEP):
        down = (down << _BITS) // _E_TO_A_STEP
        downwards.append(down * ONE >> _BITS)
    return np.array(downwards[::-1] + upwards, dtype=np.int64)


ODDS = _table()
"""The odds of LEAST, and of each STEP more up to MOST."""

TABLE = Odds(ODDS, LEAST, STEP)
