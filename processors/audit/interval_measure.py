"""Measures how much time intervals cover, independently of billing, so that one checks the other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from processors.billing.entries.billing_day import split_by_day
from processors.billing.entries.imputation import Span


class Stretch(msgspec.Struct):
    """Time without a gap: start, end, and the zones of the activities in it."""

    start: int
    end: int
    zones: set[str]


def stretches(spans: Iterable[Span]) -> Iterator[Stretch]:
    """The union of the spans, in order of time; spans that only touch are one stretch."""
    now: Stretch | None = None
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if now is not None and span.start <= now.end:
            now.end = max(now.end, span.end)
            now.zones.add(span.activity.zone)
        else:
            if now is not None:
                yield now
            now = Stretch(span.start, span.end, {span.activity.zone})
    if now is not None:
        yield now


def measure_by_day(spans: Iterable[Span]) -> dict[date, int | None]:
    """Microseconds that the union covers on each billing day.

    None for a day in which somebody was in two zones without a gap: which of the two days such a minute belongs to
    depends on whose it is, and that is what is to be checked.
    """
    found: dict[date, int] = defaultdict(int)
    unknown: set[date] = set()
    for stretch in stretches(spans):
        for zone in stretch.zones:
            for day, share in split_by_day(stretch.start, stretch.end, zone):
                found[day] += share
                if len(stretch.zones) > 1:
                    unknown.add(day)
    return {day: None if day in unknown else measured for day, measured in found.items()}
