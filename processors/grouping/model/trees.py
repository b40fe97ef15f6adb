"""Decision trees over steps of features, as data."""

from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

MOST_LEAVES = 32
"""The leaves of a tree are the bits of one machine word."""

MOST_STEPS = 255
"""The step of a feature is a byte."""

Integers = npt.NDArray[np.int64]
Steps = npt.NDArray[np.uint8]


class Split(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A row goes `left` where its feature's step is at most `step`, else `right`. Both are the number of a split, or
    ~(that of a leaf).

    Where the feature is missing (step 0) the row goes left if `missing_left`. `value` is the mean of the leaves on
    which the rows of this split end (millionths): the expected value before the split.
    """

    feature: Annotated[int, Meta(ge=0)]
    step: Annotated[int, Meta(ge=0, le=MOST_STEPS)]
    left: int
    right: int
    value: int
    missing_left: bool = True


class Tree(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`splits[0]` is the root. Leaves are numbered from left to right. Values are millionths of a logit."""

    splits: tuple[Split, ...]
    leaves: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 < len(self.leaves) == len(self.splits) + 1 <= MOST_LEAVES:
            raise ValueError(f"a tree has one leaf more than it has splits, and 2 to {MOST_LEAVES} leaves")
        if self._leaves_under(0, len(self.splits)) != list(range(len(self.leaves))):
            raise ValueError("the leaves of a tree aren't reached once each, from left to right")
        if any(abs(value) > 10**8 for value in (*self.leaves, *(split.value for split in self.splits))):
            raise ValueError("the values of a tree must lie within 100 logits")

    def _leaves_under(self, node: int, deep: int) -> list[int]:
        if node < 0:
            return [~node]
        if deep < 0 or node >= len(self.splits):
            raise ValueError("the splits of a tree point out of it, or form a circle")
        split = self.splits[node]
        return self._leaves_under(split.left, deep - 1) + self._leaves_under(split.right, deep - 1)
