"""Decides which activities are outliers. An outlier is kept and listed as a group of one, with its own disposition."""

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.model.grouping_model import Pruning


class Members(msgspec.Struct, frozen=True, eq=False):
    """Members of whole groups, as columns; all members of every group are included.

    `group` numbers the groups, `size` is the size of the member's group. `tied` tells whether feedback binds the
    activity to another one. `window_us` is the length of a window, -1 for anything else. `joined` and `via` are as in
    `graph_arrays.Assigned`, with ids for slots.
    """

    ids: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    tied: npt.NDArray[np.bool_]
    window_us: npt.NDArray[np.int64]
    joined: npt.NDArray[np.int64]
    via: npt.NDArray[np.int64]


def outliers(members: Members, pruning: Pruning) -> npt.NDArray[np.bool_]:
    """Returns for each member whether it is pruned. The member that began a group is pruned only where it is alone."""
    lone = (members.size == 1) & (members.window_us >= 0) & (members.window_us < pruning.lone_us)
    began = members.via == members.ids
    loose = (members.size >= pruning.least) & ~began & (members.joined < pruning.loose)
    if loose.any():
        # Few are loose: looking up each of them costs less than np.isin does for all.
        followed = set(members.via[~began].tolist())
        for at in np.flatnonzero(loose).tolist():
            loose[at] = int(members.ids[at]) not in followed
    pruned: npt.NDArray[np.bool_] = (lone | loose) & ~members.tied
    return pruned
