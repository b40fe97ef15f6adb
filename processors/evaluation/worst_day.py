"""The day of a stream with the most wrong pairs, as blocks in two lanes: our groups and the true ones."""

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import date
from heapq import heappop, heappush

import msgspec

from processors.billing.entries.billing_day import billing_day
from processors.evaluation.comparison import Case
from processors.evaluation.measures import count_pairs, match_groups
from processors.evaluation.rule_baselines import Grouping
from schemas.values import Activity


class EventBlock(msgspec.Struct, frozen=True):
    """An event in a lane: when, in which row (blocks of a row don't touch), and its colour (None: its group has no
    partner in the other lane).
    """

    activity: Activity
    row: int
    colour: int | None


class DayComparison(msgspec.Struct, frozen=True):
    """A day of a stream, with the pairs of its events that were judged wrongly. A block that is shorter than `least_us`
    is drawn as long as that. `partners` are the true groups and groups that have each colour, the first colour first.
    """

    stream: str
    day: date
    zone: str
    wrong_pairs: int
    min_block_us: int
    ours: tuple[EventBlock, ...]
    gold: tuple[EventBlock, ...]
    matched_groups: tuple[tuple[Hashable, Hashable], ...]


def worst_day(case: Case, grouping: Grouping, max_blocks: int) -> DayComparison:
    """The day with most wrong pairs among its judged events, the first of several. So that points in time can be seen,
    a block takes the `finest` part of the time from the first to the last event at least.
    """
    days: dict[date, list[Activity]] = {}
    for one in case.activities:
        if one.id in case.gold:
            days.setdefault(billing_day(one.started_at, one.zone), []).append(one)
    of = {id: grouping.get(id, id) for id in case.gold}
    wrong = {day: _count_wrong_pairs([(case.gold[one.id], of[one.id]) for one in those]) for day, those in days.items()}
    day = min(days, key=lambda day: (-wrong[day], day))
    those = sorted(days[day], key=lambda one: (one.started_at, one.id))
    partners = tuple(
        (gold, group) for gold, group, _ in match_groups(Counter((case.gold[a.id], of[a.id]) for a in those))
    )
    true = {gold: n for n, (gold, _) in enumerate(partners)}
    ours = {group: n for n, (_, group) in enumerate(partners)}
    span_us = max(one.ended_at or one.started_at for one in those) - those[0].started_at
    least_us = max(span_us // max_blocks, 1)
    rows = _assign_rows(those, least_us)
    return DayComparison(
        stream=case.stream,
        day=day,
        zone=those[0].zone,
        wrong_pairs=wrong[day],
        min_block_us=least_us,
        ours=tuple(EventBlock(a, row, ours.get(of[a.id])) for a, row in zip(those, rows, strict=True)),
        gold=tuple(EventBlock(a, row, true.get(case.gold[a.id])) for a, row in zip(those, rows, strict=True)),
        matched_groups=partners,
    )


def _count_wrong_pairs(labels: list[tuple[Hashable, Hashable]]) -> int:
    """Pairs that one side has together and the other has not."""
    both = Counter(labels)
    gold, ours = Counter(true for true, _ in labels), Counter(group for _, group in labels)
    return count_pairs(gold.values()) + count_pairs(ours.values()) - 2 * count_pairs(both.values())


def _assign_rows(activities: Sequence[Activity], least_us: int) -> list[int]:
    """The first row that is free when each begins; they are in the order of their starts."""
    rows, busy, free, used = [], list[tuple[int, int]](), list[int](), 0
    for one in activities:
        while busy and busy[0][0] <= one.started_at:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, used)
            used += 1
        row = heappop(free)
        rows.append(row)
        heappush(busy, (max(one.ended_at or 0, one.started_at + least_us), row))
    return rows
