"""The geometry of the charts on the evaluation page, as values that the template draws in SVG. Lengths are pixels."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.billing.entries.billing_day import moment
from processors.evaluation.calibration import Calibration
from processors.evaluation.mistakes import activity_title, count_titles, shorten
from processors.evaluation.worst_day import DayComparison, EventBlock

WIDTH, LEFT_MARGIN = 900, 44
MAX_BLOCKS_ACROSS = 180
"""As many blocks as fit side by side: each is then wide enough to be seen and pointed at."""
COLOUR_COUNT = 12
ROW_HEIGHT, MAX_LANE_HEIGHT = 18, 150
"""Height of a row of blocks, and the most that all rows of a lane may take: of more rows each is thinner."""
MIN_NUMBERED_SIZE = 12
"""From this width and height on there is room for a number."""


TICK_STEPS_MIN = (1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 1440 * 400)
"""Minutes between ticks; an activity is 400 days long at most."""


class Box(msgspec.Struct, frozen=True):
    """One block of a day: its corner and size, its colour (a number from 0; `rest` or `none`), the number on it, and
    its tooltip (`says`).
    """

    x: float
    y: float
    width: float
    height: float
    colour: str
    number: str
    says: str


class Tick(msgspec.Struct, frozen=True):
    """A time on the axis."""

    x: float
    label: str


class LegendEntry(msgspec.Struct, frozen=True):
    """One colour of the legend: the true group's name, the most frequent title of its events, and how many of them both
    lanes have in it.
    """

    colour: str
    number: str
    name: str
    title: str
    events: int


class DayChart(msgspec.Struct, frozen=True):
    """A day in two lanes, `ours` above `gold`, each `height` high."""

    stream: str
    day: str
    zone: str
    score: float
    wrong_pairs: int
    height: float
    ours: tuple[Box, ...]
    gold: tuple[Box, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[LegendEntry, ...]


class Dot(msgspec.Struct, frozen=True):
    """A bin of the reliability diagram: confidence to the right, the share that is right upwards, both in percent."""

    x: float
    y: float
    radius: float
    says: str


class ReliabilityDiagram(msgspec.Struct, frozen=True):
    """The dots, and the line through them as SVG's `points`."""

    dots: tuple[Dot, ...]
    line: str


def reliability_diagram(calibration: Calibration) -> ReliabilityDiagram:
    """The bins as dots, larger for more groups."""
    dots = tuple(
        Dot(
            x=100 * one.confidence,
            y=100 * one.right,
            radius=1 + 5 * (one.groups / calibration.groups) ** 0.5,
            says=f"{one.groups} groups, {100 * one.confidence:.0f}% sure, {100 * one.right:.0f}% right",
        )
        for one in calibration.bins
    )
    return ReliabilityDiagram(dots, " ".join(f"{dot.x:.2f},{100 - dot.y:.2f}" for dot in dots))


def day_chart(day: DayComparison, score: float) -> DayChart:
    """Lays out the blocks of a day. `score` is the stream's B-cubed F in percent."""
    starts = min(block.activity.started_at for block in day.ours)
    ends = max(_drawn_end(block, day) for block in day.ours)
    rows = max(block.row for block in day.ours) + 1
    row = min(ROW_HEIGHT, MAX_LANE_HEIGHT / rows)

    def placed(block: EventBlock) -> Box:
        x = (block.activity.started_at - starts) * (WIDTH - LEFT_MARGIN) / (ends - starts)
        width = (_drawn_end(block, day) - block.activity.started_at) * (WIDTH - LEFT_MARGIN) / (ends - starts)
        return Box(
            x=round(LEFT_MARGIN + x, 1),
            y=round(block.row * row, 1),
            width=round(max(width - 0.6, 1), 1),
            height=round(max(row - 1, 1), 1),
            colour=_colour(block.colour),
            number=_number_label(block.colour) if min(width, row) >= MIN_NUMBERED_SIZE else "",
            says=f"{_local_time(block.activity.started_at, day.zone)} {activity_title(block.activity)}",
        )

    return DayChart(
        stream=day.stream,
        day=f"{day.day:%a} {day.day.day} {day.day:%b %Y}",
        zone=day.zone,
        score=score,
        wrong_pairs=day.wrong_pairs,
        height=round(rows * row, 1),
        ours=tuple(map(placed, day.ours)),
        gold=tuple(map(placed, day.gold)),
        ticks=_ticks(starts, ends, day.zone),
        legend=_legend(day),
    )


def _drawn_end(block: EventBlock, day: DayComparison) -> int:
    return max(block.activity.ended_at or 0, block.activity.started_at + day.min_block_us)


def _colour(number: int | None) -> str:
    """The largest groups get a colour each; all others share one."""
    if number is None:
        return "none"
    return str(number) if number < COLOUR_COUNT else "rest"


def _number_label(number: int | None) -> str:
    return str(number + 1) if number is not None and number < COLOUR_COUNT else ""


def _local_time(at: int, zone: str) -> str:
    return f"{moment(at).astimezone(ZoneInfo(zone)):%H:%M}"


def _ticks(starts: int, ends: int, zone: str) -> tuple[Tick, ...]:
    """Ticks at full hours or parts of one, a dozen at most."""
    step = 60_000_000 * next(minutes for minutes in TICK_STEPS_MIN if (ends - starts) / (minutes * 60_000_000) <= 12)
    begins = datetime.combine(moment(starts).astimezone(ZoneInfo(zone)).date(), datetime.min.time(), ZoneInfo(zone))
    found = []
    at = (begins - moment(0)) // timedelta(microseconds=1)
    while at <= ends:
        if at >= starts:
            x = LEFT_MARGIN + (at - starts) * (WIDTH - LEFT_MARGIN) / (ends - starts)
            found.append(Tick(round(x, 1), _local_time(at, zone)))
        at += step
    return tuple(found)


def _legend(day: DayComparison) -> tuple[LegendEntry, ...]:
    """One entry for each colour, named by the events that both lanes have in it."""
    both: dict[int, list[EventBlock]] = {}
    for ours, gold in zip(day.ours, day.gold, strict=True):
        if ours.colour is not None and ours.colour == gold.colour:
            both.setdefault(ours.colour, []).append(ours)
    return tuple(
        LegendEntry(
            str(n),
            str(n + 1),
            shorten(str(day.matched_groups[n][0])),
            count_titles(block.activity for block in both[n])[0],
            len(both[n]),
        )
        for n in range(min(len(day.matched_groups), COLOUR_COUNT))
    )
