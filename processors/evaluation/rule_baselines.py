"""Groupings by simple rules, which a model has to beat. Groups are numbered by their first event.

Events are processed by start, then by id; excluded ones aren't grouped.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from processors.billing.entries.billing_day import billing_day
from processors.evaluation.similarity_baseline import NearestEarlier, nearest_earlier
from schemas.values import Activity

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US

Grouping = Mapping[int, int]
"""The group of each activity by its id; a group's name is the id of its first activity."""

GroupByValues = Callable[[Sequence[Activity]], Mapping[str, Grouping]]
"""What a rule makes of one stream with each value that is tried, by what is said of the value."""


class ParameterGrid(msgspec.Struct, frozen=True):
    """Which values of each rule are tried: gaps and how far back a like event is looked for in microseconds, and from
    which likeness (the cosine of words weighed by their rarity) on an event is joined to it.
    """

    gaps_us: tuple[int, ...]
    lookbacks_us: tuple[int, ...]
    similarities: tuple[float, ...]


class RuleBaseline(msgspec.Struct, frozen=True):
    """A rule with every parameter that is tried. For an `oracle` the best parameter of each stream is taken with
    knowledge of the true groups, which is more than any rule could reach.
    """

    name: str
    group_by_values: GroupByValues
    oracle: bool = False


def rule_baselines(grid: ParameterGrid) -> tuple[RuleBaseline, ...]:
    """The rule baselines in the order in which they are shown."""
    return (
        RuleBaseline("singletons", lambda activities: {"": singletons(activities)}),
        RuleBaseline("one a day", lambda activities: {"": one_a_day(activities)}),
        RuleBaseline("time gap", lambda activities: _groupings_by_gap(activities, grid)),
        RuleBaseline("time gap of each", lambda activities: _groupings_by_gap(activities, grid), oracle=True),
        RuleBaseline("lexical", lambda activities: _groupings_by_similarity(activities, grid)),
    )


def singletons(activities: Sequence[Activity]) -> Grouping:
    """Each event alone."""
    return {one.id: one.id for one in _by_start(activities)}


def one_a_day(activities: Sequence[Activity]) -> Grouping:
    """All events of a billing day, which begins at 04:00 where the event happened."""
    first: dict[object, int] = {}
    return {one.id: first.setdefault(billing_day(one.started_at, one.zone), one.id) for one in _by_start(activities)}


def group_by_gap(activities: Sequence[Activity], gap_us: int) -> Grouping:
    """A new group where an event starts `gap_us` or more after all before it have ended."""
    found: dict[int, int] = {}
    name, ended = 0, 0
    for one in _by_start(activities):
        if not found or one.started_at - ended >= gap_us:
            name = one.id
        found[one.id] = name
        ended = max(ended, one.ended_at or one.started_at)
    return found


def group_by_similarity(nearest: Sequence[NearestEarlier], threshold: float) -> Grouping:
    """Joins the group of the most similar earlier event, where that is similar enough."""
    found: dict[int, int] = {}
    for one in nearest:
        joins = one.earlier is not None and one.similarity >= threshold
        found[one.id] = found[one.earlier] if joins and one.earlier is not None else one.id
    return found


def _groupings_by_gap(activities: Sequence[Activity], grid: ParameterGrid) -> dict[str, Grouping]:
    return {_duration_text(gap): group_by_gap(activities, gap) for gap in grid.gaps_us}


def _groupings_by_similarity(activities: Sequence[Activity], grid: ParameterGrid) -> dict[str, Grouping]:
    ordered = _by_start(activities)
    near = {_duration_text(within): nearest_earlier(ordered, within) for within in grid.lookbacks_us}
    return {f"{long}, {like:g}": group_by_similarity(near[long], like) for long in near for like in grid.similarities}


def _duration_text(length_us: int) -> str:
    """A length in whole days, hours or minutes, the largest that fits: two lengths never read the same."""
    for unit, us in (("d", DAY_US), ("h", 60 * MINUTE_US), ("min", MINUTE_US)):
        if length_us % us == 0:
            return f"{length_us // us} {unit}"
    return f"{length_us} us"


def _by_start(activities: Sequence[Activity]) -> list[Activity]:
    return sorted((one for one in activities if not one.excluded), key=lambda one: (one.started_at, one.id))
