"""Overlaps count once: intervals become disjoint pieces, each owned by one activity."""

from collections.abc import Iterable, Iterator

import msgspec

from processors.billing.entries.imputation import Span


class Piece(msgspec.Struct, frozen=True):
    """A stretch of time and the span that owns it."""

    start: int
    end: int
    owner: Span


def pieces(spans: Iterable[Span]) -> Iterator[Piece]:
    """Disjoint pieces whose union is the union of the spans, in order of time.

    A minute that several cover belongs to the one that started last (of equal starts to the larger id): what somebody
    turned to is what they did. Spans are taken in that very order, so whoever is on top of the stack owns the time
    until they end or somebody starts: O(n log n) for the sort, O(n) for the sweep.
    """
    stack: list[Span] = []
    now = 0
    for span in sorted(spans, key=lambda s: (s.start, s.activity.id)):
        yield from _until(span.start, now, stack)
        now = span.start
        stack.append(span)
    last = max((span.end for span in stack), default=now)
    yield from _until(last, now, stack)


def _until(until: int, now: int, stack: list[Span]) -> Iterator[Piece]:
    while stack and now < until:
        top = stack[-1]
        if top.end <= now:
            stack.pop()
            continue
        end = min(top.end, until)
        yield Piece(now, end, top)
        now = end
