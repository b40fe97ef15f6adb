"""Where a consumer would go on after its offsets were moved, and what that leaves unread."""

import msgspec


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A partition as it is: its offsets, the consumer's place (None: it never read), the next record it would read."""

    begin: int
    end: int
    place: int | None
    next: int | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where. `skips`: records that nobody has read yet lie between, and nobody would."""

    partition: int
    before: int | None
    after: int
    skips: bool = False


def moves(standings: dict[int, Standing], targets: dict[int, int]) -> list[Move]:
    """The moves that change something. Raises ValueError, naming partition and limits, where a target isn't there."""
    found = []
    for number, target in sorted(targets.items()):
        at = standings[number]
        if not at.begin <= target <= at.end:
            raise ValueError(f"partition {number} has offsets {at.begin} to {at.end}; {target} isn't one")
        if target == (at.begin if at.place is None else at.place):
            continue
        found.append(_move(number, at, target))
    return found


def put_back(standings: dict[int, Standing], moved: list[Move]) -> list[Move]:
    """The moves that undo these: to the beginning where nothing was read, or what was read is gone by now.

    One skips where the consumer was to read again, and hasn't come so far as it was.
    """
    return [
        _move(one.partition, standings[one.partition], max(standings[one.partition].begin, one.before or 0))
        for one in moved
    ]


def _move(number: int, at: Standing, target: int) -> Move:
    skips = at.next is not None and at.next < target
    return Move(partition=number, before=at.place, after=target, skips=skips)
