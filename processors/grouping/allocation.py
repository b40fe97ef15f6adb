"""Allocates rows of varying length that lie side by side in arrays: the links of activities, the pairs of
micro-clusters.

The row of a slot begins at `begin[slot]`, holds `many[slot]` elements and has room for `room[slot]`, a multiple of
`ROOM`. Freed rows of equal room are chained: `free[n]` is the first of those with room for `n * ROOM` elements (-1:
none), and `follow[start of a freed row]` is the next one. `top[0]` is the end of everything that was ever allocated.
"""

import numpy as np

from processors.grouping.compiled import Integers, Slots, compiled

ROOM = 4
"""A row's room is a multiple of this many elements. Most rows grow by one or two elements, and then stay where they
are.
"""

LARGEST = 4_096
"""Rows with room for `LARGEST * ROOM` elements or more are not reused after they are freed; there are too few of them
to matter.
"""


def no_free_rows() -> Slots:
    """Returns the chains of freed rows at the beginning: all empty."""
    return np.full(LARGEST, -1, dtype=np.int32)


@compiled
def release(begin: Slots, room: Slots, follow: Slots, free: Slots, slot: int) -> None:
    """Frees the row of a slot."""
    number = room[slot] // ROOM
    if 0 < number < len(free):
        follow[begin[slot]] = free[number]
        free[number] = begin[slot]
    room[slot] = 0


@compiled
def allocate(
    begin: Slots, many: Slots, room: Slots, follow: Slots, free: Slots, top: Integers, slot: int, count: int
) -> int:
    """Allocates a row for `count` elements to a slot and returns its start. A row that still fits stays where it is."""
    if count > room[slot] or count <= room[slot] - 2 * ROOM:
        release(begin, room, follow, free, slot)
        number = (count + ROOM - 1) // ROOM
        if 0 < number < len(free) and free[number] >= 0:
            begin[slot] = free[number]
            free[number] = follow[free[number]]
        else:
            begin[slot] = top[0]
            top[0] += number * ROOM
        room[slot] = number * ROOM
    many[slot] = count
    return int(begin[slot])
