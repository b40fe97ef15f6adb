"""Plans moves of a consumer's offsets: where it would continue, and what would stay unread."""

import msgspec


class OffsetPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A partition's first and end offset, and the offset of its consumer (`place`; None: it never read).

    `next` is the offset of the next record that it would read; None where there is none.
    """

    begin: int
    end: int
    place: int | None
    next: int | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A move of one partition's offset. `skips`: unread records lie between, and nobody would read them."""

    partition: int
    before: int | None
    after: int
    skips: bool = False


def plan_moves(standings: dict[int, OffsetPosition], targets: dict[int, int]) -> list[Move]:
    """Returns the moves that change something. Raises ValueError with partition and limits for a target outside."""
    found = []
    for number, target in sorted(targets.items()):
        at = standings[number]
        if not at.begin <= target <= at.end:
            raise ValueError(f"partition {number} has offsets {at.begin} to {at.end}; {target} isn't one")
        if target == (at.begin if at.place is None else at.place):
            continue
        found.append(_move(number, at, target))
    return found


def plan_undo(standings: dict[int, OffsetPosition], moved: list[Move]) -> list[Move]:
    """Returns the moves that undo these. A move goes to the beginning where nothing had been read, or what was read is
    gone.

    An undo skips records where the consumer was moved back and hasn't read as far as it was before.
    """
    return [
        _move(one.partition, standings[one.partition], max(standings[one.partition].begin, one.before or 0))
        for one in moved
    ]


def _move(number: int, at: OffsetPosition, target: int) -> Move:
    skips = at.next is not None and at.next < target
    return Move(partition=number, before=at.place, after=target, skips=skips)
