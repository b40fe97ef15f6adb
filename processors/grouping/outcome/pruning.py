"""What is pruned: kept and listed, as a group of one, and marked as an outlier."""

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.model.grouping_model import Pruning


class Members(msgspec.Struct, frozen=True, eq=False):
    """Members of whole groups, as columns; every group's members are all here.

    `group` numbers the groups; `size` is that of the member's group; `tied`: people said something about it;
    `window_us` is the length of a window, -1 for anything else. See `decided.Placed` for the rest.
    """

    ids: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    tied: npt.NDArray[np.bool_]
    window_us: npt.NDArray[np.int64]
    joined: npt.NDArray[np.int64]
    via: npt.NDArray[np.int64]


def outliers(members: Members, pruning: Pruning) -> npt.NDArray[np.bool_]:
    """For each member: is it pruned? The first of a group never is, unless it is alone."""
    lone = (members.size == 1) & (members.window_us >= 0) & (members.window_us < pruning.lone_us)
    began = members.via == members.ids
    loose = (members.size >= pruning.least) & ~began & (members.joined < pruning.loose)
    if loose.any():
        # Few are loose: asking for each of them costs less than np.isin does for all.
        followed = set(members.via[~began].tolist())
        for at in np.flatnonzero(loose).tolist():
            loose[at] = int(members.ids[at]) not in followed
    pruned: npt.NDArray[np.bool_] = (lone | loose) & ~members.tied
    return pruned
