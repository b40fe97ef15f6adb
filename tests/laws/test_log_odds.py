"""Odds rise with their logits, are exp() to within a part in a million, and lead back to where they came from."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.grouping.similarity import log_odds as made
from processors.grouping.similarity.log_odds import LEAST, MOST, ODDS, ONE, STEP, TABLE

logits = st.integers(LEAST, MOST)


def odds(one: int) -> int:
    """By their place in the table, as links keep them."""
    return int(ODDS[made.table_positions(np.array([min(max(one, -(2**62)), 2**62)]))[0]])


def logit(summed: int) -> int:
    return made.logit(min(summed, 2**62), TABLE)


@given(logits)
def test_odds_are_exp_at_the_step_below(one: int) -> None:
    step = (one - LEAST) // STEP * STEP + LEAST
    assert abs(odds(one) / ONE - math.exp(step / 1e6)) <= 1e-6 * math.exp(step / 1e6) + 1 / ONE


@given(logits, logits)
def test_more_is_never_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert odds(low) <= odds(high)


@given(logits)
def test_the_way_back_ends_on_the_same_step(one: int) -> None:
    assert 0 <= one - logit(odds(one)) < STEP


@given(st.integers(-(2**70), 2**70))
def test_what_lies_beyond_counts_as_the_end(one: int) -> None:
    assert odds(LEAST) <= odds(one) <= odds(MOST)
    assert LEAST <= logit(max(one, 0)) <= MOST
