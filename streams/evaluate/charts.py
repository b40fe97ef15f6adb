"""Where everything lies in the pictures of an evaluation: values that a template puts into SVG. Lengths are pixels."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from processors.billing.entries.billing_day import moment
from processors.evaluation.calibration import Worth
from processors.evaluation.titles import cut, title_of, titles_of
from processors.evaluation.worst_day import Block, Day

WIDTH, LEFT = 900, 44
FINEST = 180
"""As many blocks as fit side by side: each is then wide enough to be seen and pointed at."""
COLOURS = 12
ROW, MOST = 18, 150
"""Height of a row of blocks, and the most that all rows of a lane may take: of more rows each is thinner."""
NUMBERED = 12
"""From this width and height on there is room for a number."""


STEPS = (1, 5, 15, 30, 60, 120, 180, 360, 720, 1440, 1440 * 400)
"""Minutes between ticks; an activity is 400 days long at most."""


class Box(msgspec.Struct, frozen=True):
    """A block: its corner and size, its colour (a number from 0; `rest` or `none`), the number written on it, and what
    it says when it is pointed at.
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


class Legend(msgspec.Struct, frozen=True):
    """A colour's line in the legend: the true group's name, what most of its events are called, and how many there are
    that both lanes have in it.
    """

    colour: str
    number: str
    name: str
    title: str
    events: int


class Lanes(msgspec.Struct, frozen=True):
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
    legend: tuple[Legend, ...]


class Dot(msgspec.Struct, frozen=True):
    """A bin of the reliability diagram: confidence to the right, the share that is right upwards, both of 100."""

    x: float
    y: float
    radius: float
    says: str


class Reliability(msgspec.Struct, frozen=True):
    """The dots, and the line through them as SVG's `points`."""

    dots: tuple[Dot, ...]
    line: str


def reliability(worth: Worth) -> Reliability:
    """The bins as dots, larger for more groups."""
    dots = tuple(
        Dot(
            x=100 * one.confidence,
            y=100 * one.right,
            radius=1 + 5 * (one.groups / worth.groups) ** 0.5,
            says=f"{one.groups} groups, {100 * one.confidence:.0f}% sure, {100 * one.right:.0f}% right",
        )
        for one in worth.bins
    )
    return Reliability(dots, " ".join(f"{dot.x:.2f},{100 - dot.y:.2f}" for dot in dots))


def lanes(day: Day, score: float) -> Lanes:
    """Where the blocks of a day lie; `score` is the stream's."""
    starts = min(block.activity.started_at for block in day.ours)
    ends = max(_end(block, day) for block in day.ours)
    rows = max(block.row for block in day.ours) + 1
    row = min(ROW, MOST / rows)

    def placed(block: Block) -> Box:
        x = (block.activity.started_at - starts) * (WIDTH - LEFT) / (ends - starts)
        width = (_end(block, day) - block.activity.started_at) * (WIDTH - LEFT) / (ends - starts)
        return Box(
            x=round(LEFT + x, 1),
            y=round(block.row * row, 1),
            width=round(max(width - 0.6, 1), 1),
            height=round(max(row - 1, 1), 1),
            colour=_colour(block.colour),
            number=_number(block.colour) if min(width, row) >= NUMBERED else "",
            says=f"{_clock(block.activity.started_at, day.zone)} {title_of(block.activity)}",
        )

    return Lanes(
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


def _end(block: Block, day: Day) -> int:
    return max(block.activity.ended_at or 0, block.activity.started_at + day.least_us)


def _colour(number: int | None) -> str:
    """Colours are given to the largest; what is left has one in common."""
    if number is None:
        return "none"
    return str(number) if number < COLOURS else "rest"


def _number(number: int | None) -> str:
    return str(number + 1) if number is not None and number < COLOURS else ""


def _clock(at: int, zone: str) -> str:
    return f"{moment(at).astimezone(ZoneInfo(zone)):%H:%M}"


def _ticks(starts: int, ends: int, zone: str) -> tuple[Tick, ...]:
    """Full hours or parts of one, a dozen at most."""
    step = 60_000_000 * next(minutes for minutes in STEPS if (ends - starts) / (minutes * 60_000_000) <= 12)
    begins = datetime.combine(moment(starts).astimezone(ZoneInfo(zone)).date(), datetime.min.time(), ZoneInfo(zone))
    found = []
    at = (begins - moment(0)) // timedelta(microseconds=1)
    while at <= ends:
        if at >= starts:
            x = LEFT + (at - starts) * (WIDTH - LEFT) / (ends - starts)
            found.append(Tick(round(x, 1), _clock(at, zone)))
        at += step
    return tuple(found)


def _legend(day: Day) -> tuple[Legend, ...]:
    """What the events of each colour are called that both lanes have in it."""
    both: dict[int, list[Block]] = {}
    for ours, gold in zip(day.ours, day.gold, strict=True):
        if ours.colour is not None and ours.colour == gold.colour:
            both.setdefault(ours.colour, []).append(ours)
    return tuple(
        Legend(
            str(n),
            str(n + 1),
            cut(str(day.partners[n][0])),
            titles_of(block.activity for block in both[n])[0],
            len(both[n]),
        )
        for n in range(min(len(day.partners), COLOURS))
    )
