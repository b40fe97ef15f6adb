"""From a timekeeper's activities and their groups to the slices of each billing day (law 10).

    spans (points in time imputed) -> disjoint pieces -> split at 04:00 -> by (day, group, matter)

All the timekeeper's activities take part, excluded ones too: a minute belongs to one activity only. An activity that is
neither excluded nor placed in a group is still on its way and takes no part yet.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from processors.billing.entries.billing_day import split_by_day
from processors.billing.entries.imputation import Span, spans
from processors.billing.entries.matters import MatterBook, matter_of
from processors.billing.entries.sweep_line import pieces
from schemas.billing import DayMinutes, Membership, MinuteClass, Slice, SlicedDay, SlicePart
from schemas.groups import Disposition
from schemas.values import Activity

Shares = dict[int, int]
"""Microseconds by activity id."""


def slice_days(
    activities: Iterable[Activity],
    places: Mapping[int, Membership],
    book: MatterBook,
    days: Collection[date] | None = None,
) -> list[SlicedDay]:
    """The billing days on which something happened, in order; with `days` only those, each of them even where empty.

    The activities must be all that `processors.billing.entries.affected_days.window` names for the days.
    """
    taking_part = [a for a in activities if a.excluded or a.id in places]
    timed = spans(taking_part)
    shares = _shares(timed, days)
    by_id = {span.activity.id: span for span in timed}
    wanted = sorted(shares if days is None else days)
    return [_sliced(day, shares.get(day, {}), by_id, places, book) for day in wanted]


def _shares(timed: list[Span], days: Collection[date] | None) -> dict[date, Shares]:
    """For each day the activities that touch it, with the microseconds that they own (0 where others own them)."""
    shares: dict[date, Shares] = defaultdict(dict)
    for span in timed:
        for day, _ in split_by_day(span.start, span.end, span.activity.zone):
            if days is None or day in days:
                shares[day][span.activity.id] = 0
    for piece in pieces(timed):
        for day, share in split_by_day(piece.start, piece.end, piece.owner.activity.zone):
            if days is None or day in days:
                shares[day][piece.owner.activity.id] += share
    return shares


def _sliced(
    day: date, shares: Shares, by_id: Mapping[int, Span], places: Mapping[int, Membership], book: MatterBook
) -> SlicedDay:
    excluded = 0
    members: dict[int, list[Span]] = defaultdict(list)
    for id in sorted(shares):
        if by_id[id].activity.excluded:
            excluded += shares[id]
        else:
            members[places[id].group].append(by_id[id])
    slices = [
        _slice(day, matter, of_matter, shares, places, book)
        for _, spans_of_group in sorted(members.items())
        for matter, of_matter in _by_matter(spans_of_group, book)
    ]
    return SlicedDay(_minutes(day, slices, excluded), tuple(slices))


def _by_matter(members: list[Span], book: MatterBook) -> list[tuple[int | None, list[Span]]]:
    """A group's activities of one day by matter, unassigned first.

    A group is one piece of work: where exactly one matter is found among its activities of the day, those that name
    none belong to it too.
    """
    found: dict[int | None, list[Span]] = defaultdict(list)
    for span in members:
        found[matter_of(span.activity, book)].append(span)
    named = [matter for matter in found if matter is not None]
    if len(named) == 1:
        return [(named[0], members)]
    return sorted(found.items(), key=lambda item: (item[0] is not None, item[0] or 0))


def _slice(
    day: date,
    matter: int | None,
    members: list[Span],
    shares: Shares,
    places: Mapping[int, Membership],
    book: MatterBook,
) -> Slice:
    ids = [span.activity.id for span in members]
    return Slice(
        group=places[ids[0]].group,
        disposition=places[ids[0]].disposition,
        day=day,
        matter=matter,
        billable=_billable(matter, members, shares, book),
        parts=tuple(
            SlicePart(s.activity.id, places[s.activity.id].hash, shares[s.activity.id], s.imputed) for s in members
        ),
    )


def _billable(matter: int | None, members: list[Span], shares: Shares, book: MatterBook) -> bool:
    """What most of the time that claims anything claims; where nothing or both claim equally, what the matter is."""
    claims = 0
    for span in members:
        if span.activity.billable is not None:
            claims += shares[span.activity.id] if span.activity.billable else -shares[span.activity.id]
    return claims > 0 if claims else book.billable(matter)


def minute_class(part: Slice) -> MinuteClass:
    """Where a slice's minutes are counted."""
    if part.disposition is Disposition.HELD:
        return MinuteClass.HELD
    if part.disposition is Disposition.OUTLIER:
        return MinuteClass.OUTLIER
    return MinuteClass.BILLABLE if part.billable else MinuteClass.NON_BILLABLE


def _minutes(day: date, slices: list[Slice], excluded_us: int) -> DayMinutes:
    totals = dict.fromkeys(MinuteClass, 0)
    for part in slices:
        totals[minute_class(part)] += part.allocated_us
    return DayMinutes(
        day=day,
        billable_us=totals[MinuteClass.BILLABLE],
        non_billable_us=totals[MinuteClass.NON_BILLABLE],
        held_us=totals[MinuteClass.HELD],
        outlier_us=totals[MinuteClass.OUTLIER],
        excluded_us=excluded_us,
    )
