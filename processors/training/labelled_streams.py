"""Streams whose true groups are known, and how they are dealt into folds."""

from collections.abc import Hashable, Mapping, Sequence
from math import ceil

import msgspec

from schemas.values import Activity

FOLDS = 4


class Labelled(msgspec.Struct, frozen=True):
    """A stream, and the true groups of those of its activities whose group is known. `cut_from` names the stream that
    it is a part of, if it is one.
    """

    name: str
    activities: Sequence[Activity]
    gold: Mapping[int, Hashable]
    cut_from: str = ""

    @property
    def person(self) -> str:
        """The name of the person whose stream it is."""
        return self.cut_from or self.name


def labelled_only(stream: Labelled) -> Labelled:
    """Returns the part that training uses: the activities in the order of events, without those that
    people excluded.
    """
    there = sorted((one for one in stream.activities if not one.excluded), key=lambda one: (one.started_at, one.id))
    return Labelled(stream.name, there, {one.id: stream.gold[one.id] for one in there if one.id in stream.gold})


def deal_folds(streams: Sequence[Labelled], folds: int = FOLDS) -> list[list[Labelled]]:
    """Returns folds of about as many labelled activities each. The largest stream is dealt first, each to the smallest
    fold.
    """
    parts: list[list[Labelled]] = [[] for _ in range(folds)]
    for stream in sorted(streams, key=lambda one: (-len(one.gold), one.name)):
        min(parts, key=lambda part: sum(len(one.gold) for one in part)).append(stream)
    return parts


def enough_streams(streams: Sequence[Labelled], folds: int = FOLDS) -> list[Labelled]:
    """Returns at least as many streams as there are folds. Where there are fewer, each is cut into blocks in the order
    of events, so that settings are chosen by held-out data.
    """
    if not streams or len(streams) >= folds:
        return list(streams)
    return [block for stream in streams for block in _blocks(stream, ceil(folds / len(streams)))]


def _blocks(stream: Labelled, count: int) -> list[Labelled]:
    """Returns blocks of as many activities each, none of them empty."""
    size = max(ceil(len(stream.activities) / count), 1)
    found = []
    for number, begin in enumerate(range(0, len(stream.activities), size)):
        some = stream.activities[begin : begin + size]
        known = {one.id: stream.gold[one.id] for one in some if one.id in stream.gold}
        found.append(Labelled(f"{stream.name}#{number}", some, known, stream.name))
    return found
