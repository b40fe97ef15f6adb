"""Minutes for what has no end: a mail or a commit is a point in time, and the work that led to it was before it."""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.values import Activity, Kind

_MINUTE = 60_000_000

CAPS: Mapping[Kind, int] = {
    Kind.MAIL: 6 * _MINUTE,  # read and answered; a tenth of an hour is what most firms bill for one
    Kind.MESSAGE: 3 * _MINUTE,  # a chat line is read and typed in less than a mail
    Kind.COMMIT: 30 * _MINUTE,  # the end of the work that it records; longer gaps are breaks more often than work
    Kind.DOCUMENT: 10 * _MINUTE,  # a save: editors save by themselves every ten minutes or sooner
    Kind.CALL: 6 * _MINUTE,  # a call whose length the log lacks, mostly one that nobody answered
    Kind.MEETING: 30 * _MINUTE,  # the default length in calendars
    Kind.WINDOW: 2 * _MINUTE,  # a title seen once; a tracker would have seen more had it lasted
    Kind.ENTRY: 6 * _MINUTE,  # a note without a duration: the least that is written down at all
    Kind.OTHER: 3 * _MINUTE,  # unknown, so little
}
"""The most that a point in time of each kind is worth, in microseconds."""

LONGEST_CAP_US = max(CAPS.values())


class Span(msgspec.Struct, frozen=True):
    """When an activity took place: as recorded, or imputed from its point in time."""

    activity: Activity
    start: int
    end: int
    imputed: bool


def spans(activities: Iterable[Activity]) -> list[Span]:
    """Each activity with its interval, in order of time.

    A point in time gets [at - min(gap, cap of its kind), at]; the gap is the time since all that began before it had
    ended (none while something is still going on). Of points at one instant the smallest id gets the gap. So an imputed
    interval never overlaps another interval.
    """
    found = []
    busy_until: int | None = None
    for activity in sorted(activities, key=_order):
        at = activity.started_at
        if activity.ended_at is not None:
            span = Span(activity, at, activity.ended_at, False)
        else:
            earliest = at - CAPS[activity.kind]
            start = earliest if busy_until is None else max(earliest, min(busy_until, at))
            span = Span(activity, start, at, True)
        found.append(span)
        busy_until = span.end if busy_until is None else max(busy_until, span.end)
    return found


def _order(activity: Activity) -> tuple[int, bool, int]:
    # Points first: an interval that begins at the same instant is not before them.
    return activity.started_at, activity.ended_at is not None, activity.id
