"""Decision trees over steps of features, as data."""

from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

MOST_LEAVES = 32
"""A tree's leaves are the bits of one machine word."""

MOST_STEPS = 255
"""A feature's step is a byte."""

Integers = npt.NDArray[np.int64]
Steps = npt.NDArray[np.uint8]


class Split(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A row goes `left` where its feature's step is at most `step`, else `right`: a split's number, or ~(a leaf's).

    Where the feature is missing (step 0) it goes left if `missing_left`. `value` is the mean of what rows that come
    here end on (millionths): what was known before the split.
    """

    feature: Annotated[int, Meta(ge=0)]
    step: Annotated[int, Meta(ge=0, le=MOST_STEPS)]
    left: int
    right: int
    value: int
    missing_left: bool = True


class Tree(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`splits[0]` is the root; leaves are numbered from left to right. Values are millionths of a logit."""

    splits: tuple[Split, ...]
    leaves: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 < len(self.leaves) == len(self.splits) + 1 <= MOST_LEAVES:
            raise ValueError(f"a tree has a leaf more than splits, and 2 to {MOST_LEAVES} leaves")
        if self._leaves_under(0, len(self.splits)) != list(range(len(self.leaves))):
            raise ValueError("a tree's leaves aren't reached once each, from left to right")
        if any(abs(value) > 10**8 for value in (*self.leaves, *(split.value for split in self.splits))):
            raise ValueError("a tree's values lie within 100 logits")

    def _leaves_under(self, node: int, deep: int) -> list[int]:
        if node < 0:
            return [~node]
        if deep < 0 or node >= len(self.splits):
            raise ValueError("a tree's splits point out of it, or in a circle")
        split = self.splits[node]
        return self._leaves_under(split.left, deep - 1) + self._leaves_under(split.right, deep - 1)
