"""What the group worker says on `groups`: a group's value, the lineage it was decided at, and marks."""

from enum import StrEnum

import msgspec

from schemas.values import Mark

SCORE_SCALE = 1_000_000
"""Scores, contributions and confidences are whole millionths: integers compare the same on every machine."""


class Disposition(StrEnum):
    """What becomes of a group's minutes."""

    WORK = "work"  # shown, sliced into entries
    HELD = "held"  # too unsure to show; kept, and listed as held
    OUTLIER = "outlier"  # one pruned activity; kept and listed


class Member(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """An activity of a group, with the hash of the content that was grouped (`schemas.values.content_hash`)."""

    id: int
    hash: str


class FeatureContribution(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A named feature and what it added to the logit, in millionths, averaged over the group's links."""

    feature: str
    contribution: int


class Group(msgspec.Struct, frozen=True, gc=False):
    """A piece of work: a pure function of the set it was decided from, so it has no time, offset or host in it.

    `members` are sorted by id and not empty; the first names the group. `captured_us` is the measure, in
    microseconds, of the union of the members' recorded intervals (points in time count nothing here). `why` holds the
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
    """Where it was decided: the offset in `changes` (the order), and the binlog position (for people, not an order)."""

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
    """A mark passed on: everything that came before it in `changes` for that timekeeper is on `groups` before it."""

    mark: Mark
    lineage: Lineage


Published = PublishedGroup | PublishedMark

_published: msgspec.json.Decoder[PublishedGroup | PublishedMark] = msgspec.json.Decoder(PublishedGroup | PublishedMark)


def encode_published(published: PublishedGroup | PublishedMark) -> bytes:
    """The record's value on `groups`."""
    return msgspec.json.encode(published)


def decode_published(raw: bytes) -> PublishedGroup | PublishedMark:
    """Raises msgspec.DecodeError or ValidationError on bytes that no worker of ours wrote."""
    return _published.decode(raw)


def encode_group(group: Group) -> bytes:
    """A group's value alone: what law 1 compares byte for byte."""
    return msgspec.json.encode(group)
