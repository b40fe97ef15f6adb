"""Sets of intervals [begin, end) of microseconds, as sorted lists that don't overlap."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

Interval = tuple[int, int]


def joined(intervals: Iterable[Interval], gap: int = 0) -> list[Interval]:
    """The union of any intervals; gaps of at most `gap` microseconds are filled."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1] + gap:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def common(some: Iterable[Interval], within: list[Interval]) -> Iterator[Interval]:
    """What of `some` lies in the set `within`. A point in time is kept where it lies in it."""
    for begin, end in some:
        place = max(bisect_right(within, (begin, begin)) - 1, 0)
        while place < len(within) and within[place][0] < max(end, begin + 1):
            low, high = max(begin, within[place][0]), min(end, within[place][1])
            if low < high or (begin == end and within[place][0] <= begin < within[place][1]):
                yield (low, high)
            place += 1


def without(some: Interval, taken: list[Interval]) -> Iterator[Interval]:
    """What is left of an interval outside the set `taken`; a point in time is left or gone."""
    begin, end = some
    if begin == end:
        if not any(True for _ in common([some], taken)):
            yield some
        return
    for low, high in common([some], taken):
        if begin < low:
            yield (begin, low)
        begin = high
    if begin < end:
        yield (begin, end)
