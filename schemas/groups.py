"""Defines the records of the topic `groups`: a group with the lineage at which it was decided, and a mark."""

from enum import StrEnum

import msgspec

from schemas.values import Mark

SCORE_SCALE = 1_000_000
"""Scores, contributions and confidences are whole millionths, because integers compare the same on every machine."""


class Disposition(StrEnum):
    """What becomes of a group's minutes."""

    WORK = "work"  # shown, sliced into entries
    HELD = "held"  # the confidence is too low to show it; kept, and listed as held
    OUTLIER = "outlier"  # one pruned activity; kept and listed


class Member(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """An activity of a group, with the hash of the content that was grouped (`schemas.values.content_hash`)."""

    id: int
    hash: str


class FeatureContribution(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A named feature and what it adds to the log-odds, in millionths, averaged over the group's links."""

    feature: str
    contribution: int


class Group(msgspec.Struct, frozen=True, gc=False):
    """A piece of work. It is a pure function of the working set, so it holds no decision time, offset or host.

    `members` are sorted by id and not empty; the first member's id is the group's id. `captured_us` is the length of
    the union of the members' recorded intervals in microseconds (points in time have length 0). `why` holds the
    strongest reasons first.
    """

    members: tuple[Member, ...]
    disposition: Disposition
    confidence: int
    started_at: int
    ended_at: int
    captured_us: int
    model: str
    why: tuple[FeatureContribution, ...] = ()


class Lineage(msgspec.Struct, frozen=True):
    """Where a group or mark was decided.

    `partition` and `offset` are those in `changes`; the offset is the order. The binlog position (`gtid`, `file`,
    `pos`, `committed_ms`) is for people and is no order.
    """

    partition: int
    offset: int
    gtid: str = ""
    file: str = ""
    pos: int = 0
    committed_ms: int = 0


class PublishedGroup(msgspec.Struct, frozen=True, tag="group", tag_field="said"):
    """The value of a group's record."""

    group: Group
    lineage: Lineage


class PublishedMark(msgspec.Struct, frozen=True, tag="mark", tag_field="said"):
    """A published mark: what came before it in `changes` for that timekeeper has its results on `groups` before it."""

    mark: Mark
    lineage: Lineage


Published = PublishedGroup | PublishedMark

_published: msgspec.json.Decoder[PublishedGroup | PublishedMark] = msgspec.json.Decoder(PublishedGroup | PublishedMark)


def encode_published(published: PublishedGroup | PublishedMark) -> bytes:
    """Returns the record's value on `groups`."""
    return msgspec.json.encode(published)


def decode_published(raw: bytes) -> PublishedGroup | PublishedMark:
    """Decodes a value of `groups`.

    Raises msgspec.DecodeError or ValidationError on bytes that no worker of ours wrote.
    """
    return _published.decode(raw)


def encode_group(group: Group) -> bytes:
    """Returns the bytes of a group without its lineage, which law 1 compares byte for byte."""
    return msgspec.json.encode(group)
