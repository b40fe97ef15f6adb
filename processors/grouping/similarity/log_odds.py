"""Converts log-odds to odds and back in integers. Evidence is summed as odds, and stated as log-odds (a logit).

exp() and log() differ between machines. Both are therefore read from one table, which is made by integer
multiplication.
"""

from decimal import Context, Decimal
from typing import NamedTuple

import numpy as np

from processors.grouping.compiled import Integers, compiled

STEP = 1_000
"""The distance of the table's entries in millionths: a thousandth of a logit."""

LEAST, MOST = -8_000_000, 16_000_000
"""The range of the table in millionths. Log-odds beyond it count as its nearest end."""

ONE = 1 << 24
"""The odds of log-odds 0."""

_BITS = 96
_E_TO_A_STEP = int(Context(prec=50).exp(Decimal(STEP) / 1_000_000) * (1 << _BITS))


def table_positions(logits: Integers) -> Integers:
    """Returns the positions in ODDS of the odds of these log-odds."""
    found: Integers = (np.clip(logits, LEAST, MOST) - LEAST) // STEP
    return found


class OddsTable(NamedTuple):
    """The table of odds, its least log-odds, and its step."""

    table: Integers
    least: int
    step: int


@compiled
def logit(summed: int, odds: OddsTable) -> int:
    """Returns the log-odds (millionths) of summed odds: the largest in the table whose odds don't exceed the sum."""
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

TABLE = OddsTable(ODDS, LEAST, STEP)
