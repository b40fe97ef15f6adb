"""What simple rules make of a stream: the groupings that a model has to beat. Groups are numbered by their first event.

Events go in the order of their starts, and of their ids where those tie; excluded ones aren't grouped.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from processors.billing.entries.billing_day import billing_day
from processors.evaluation.similarity_baseline import Nearest, nearest
from schemas.values import Activity

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US

Grouping = Mapping[int, int]
"""The group of each activity by its id; a group's name is the id of its first activity."""

Tries = Callable[[Sequence[Activity]], Mapping[str, Grouping]]
"""What a rule makes of one stream with each value that is tried, by what is said of the value."""


class Grid(msgspec.Struct, frozen=True):
    """Which values of each rule are tried: gaps and how far back a like event is looked for in microseconds, and from
    which likeness (the cosine of words weighed by their rarity) on an event is joined to it.
    """

    gaps_us: tuple[int, ...]
    within_us: tuple[int, ...]
    likenesses: tuple[float, ...]


class Family(msgspec.Struct, frozen=True):
    """A rule with every value that is tried. Of an `oracle` the best for each stream is taken, in the light of the true
    groups: what no rule could know, and so more than any could reach.
    """

    name: str
    tries: Tries
    oracle: bool = False


def families(grid: Grid) -> tuple[Family, ...]:
    """The peers, in the order in which they are shown."""
    return (
        Family("singletons", lambda activities: {"": singletons(activities)}),
        Family("one a day", lambda activities: {"": one_a_day(activities)}),
        Family("time gap", lambda activities: _gaps(activities, grid)),
        Family("time gap of each", lambda activities: _gaps(activities, grid), oracle=True),
        Family("lexical", lambda activities: _likenesses(activities, grid)),
    )


def singletons(activities: Sequence[Activity]) -> Grouping:
    """Every event by itself."""
    return {one.id: one.id for one in _in_order(activities)}


def one_a_day(activities: Sequence[Activity]) -> Grouping:
    """All of a billing day, which begins at 04:00 where the event happened."""
    first: dict[object, int] = {}
    return {one.id: first.setdefault(billing_day(one.started_at, one.zone), one.id) for one in _in_order(activities)}


def by_gap(activities: Sequence[Activity], gap_us: int) -> Grouping:
    """A new group where an event starts `gap_us` or more after all before it have ended."""
    found: dict[int, int] = {}
    name, ended = 0, 0
    for one in _in_order(activities):
        if not found or one.started_at - ended >= gap_us:
            name = one.id
        found[one.id] = name
        ended = max(ended, one.ended_at or one.started_at)
    return found


def by_likeness(near: Sequence[Nearest], likeness: float) -> Grouping:
    """Joins the group of the most similar earlier event, where that is similar enough."""
    found: dict[int, int] = {}
    for one in near:
        joins = one.earlier is not None and one.likeness >= likeness
        found[one.id] = found[one.earlier] if joins and one.earlier is not None else one.id
    return found


def _gaps(activities: Sequence[Activity], grid: Grid) -> dict[str, Grouping]:
    return {_long(gap): by_gap(activities, gap) for gap in grid.gaps_us}


def _likenesses(activities: Sequence[Activity], grid: Grid) -> dict[str, Grouping]:
    ordered = _in_order(activities)
    near = {_long(within): nearest(ordered, within) for within in grid.within_us}
    return {f"{long}, {like:g}": by_likeness(near[long], like) for long in near for like in grid.likenesses}


def _long(length_us: int) -> str:
    """A length in whole days, hours or minutes, the largest that fits: two lengths never read the same."""
    for unit, us in (("d", DAY_US), ("h", 60 * MINUTE_US), ("min", MINUTE_US)):
        if length_us % us == 0:
            return f"{length_us // us} {unit}"
    return f"{length_us} us"


def _in_order(activities: Sequence[Activity]) -> list[Activity]:
    return sorted((one for one in activities if not one.excluded), key=lambda one: (one.started_at, one.id))
