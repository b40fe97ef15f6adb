"""Decodes the rows of each captured table from their wire form into values.

In the wire form DATETIME(6) is microseconds since 1970 (UTC), TINYINT(1) is 0 or 1, JSON and text are text, and BIGINT
is a number.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec

from schemas.outcomes import Reason
from schemas.values import (
    Activation,
    Activity,
    Apart,
    Feedback,
    Kind,
    Mark,
    MarkKind,
    Release,
    Together,
    Value,
    Words,
)

JSON_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding JSON raises: broken JSON, another type, bytes that aren't UTF-8, or nesting that is too deep."""

RowId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""An id as MariaDB assigns it. Any other number on the topic is no row's id, and the ledger couldn't hold it."""

MAX_DURATION_US = 400 * 86_400 * 1_000_000
"""400 days. A longer activity is a collector's mistake; a year is odd, but possible."""

MAX_INSTANT_US = 253_370_764_800_000_000
"""9999-01-01. From there on the local time in some zone is beyond the last possible date."""


class BadRow(Exception):
    """The row was read, but a value in it isn't allowed. It becomes a dead letter with `reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ActivityRow(msgspec.Struct):
    """Table `activity`."""

    id: RowId
    kind: Kind
    started_at: int
    zone: str
    words: str
    app: str | None = None
    ended_at: int | None = None
    matter_id: RowId | None = None
    billable: int | bool | None = None
    excluded: int | bool = 0


class FeedbackRow(msgspec.Struct):
    """Table `feedback`: with `left_ids` alone they are together; with `right_ids` the two sides are apart."""

    id: RowId
    verb: str
    left_ids: str
    right_ids: str | None = None


class ReleaseRow(msgspec.Struct):
    """Table `release`."""

    id: RowId
    activity_ids: str
    seen: str | None = None


class ActivationRow(msgspec.Struct):
    """Table `activation`."""

    id: RowId
    model_version: str


class MarkRow(msgspec.Struct):
    """Table `mark`."""

    id: RowId
    kind: MarkKind
    token: str
    period_id: RowId | None = None


_words = msgspec.json.Decoder(Words)
_id_list = msgspec.json.Decoder(tuple[int, ...])

UnsealWords = Callable[[str], str]


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """Returns every IANA zone that this machine (or the tzdata package) knows."""
    return frozenset(available_timezones())


def read_words(stored: str) -> Words:
    """Decodes the words from their plain JSON. Raises BadRow where it isn't the object that words are."""
    try:
        return _words.decode(stored)
    except JSON_ERRORS as error:
        raise BadRow(Reason.BAD_WORDS, f"words aren't the object they must be: {error}") from error


def _ids(column: str, stored: str) -> tuple[int, ...]:
    try:
        return _id_list.decode(stored)
    except JSON_ERRORS as error:
        raise BadRow(Reason.BAD_COLUMN, f"{column} isn't a JSON array of ids: {error}") from error


def _activity(row: ActivityRow, unseal: UnsealWords) -> Activity:
    if row.zone not in known_zones():
        raise BadRow(Reason.BAD_COLUMN, f"zone {row.zone!r} isn't an IANA time zone")
    check_interval(row.started_at, row.ended_at)
    return Activity(
        id=row.id,
        kind=row.kind,
        started_at=row.started_at,
        ended_at=row.ended_at,
        zone=row.zone,
        words=read_words(unseal(row.words)),
        app=row.app or "",
        matter=row.matter_id,
        billable=None if row.billable is None else bool(row.billable),
        excluded=bool(row.excluded),
    )


def check_interval(started_at: int, ended_at: int | None) -> None:
    """Raises BadRow where an activity ends before it starts, or lies outside 1970 to 9998, or is longer than 400
    days.
    """
    end = started_at if ended_at is None else ended_at
    if end < started_at:
        raise BadRow(Reason.BAD_INTERVAL, "ended_at is before started_at")
    if started_at < 0 or end >= MAX_INSTANT_US:
        raise BadRow(Reason.BAD_INTERVAL, "started_at or ended_at is outside the years 1970 to 9998")
    if end - started_at > MAX_DURATION_US:
        raise BadRow(Reason.BAD_INTERVAL, "the activity is longer than 400 days")


def _feedback(row: FeedbackRow, _: UnsealWords) -> Feedback:
    left = _ids("left_ids", row.left_ids)
    if row.verb == "together":
        return Together(row.id, left)
    if row.verb == "apart":
        return Apart(row.id, left, _ids("right_ids", row.right_ids or ""))
    raise BadRow(Reason.BAD_COLUMN, f"verb {row.verb!r} is neither together nor apart")


def _release(row: ReleaseRow, _: UnsealWords) -> Release:
    return Release(row.id, _ids("activity_ids", row.activity_ids), row.seen or "")


def _activation(row: ActivationRow, _: UnsealWords) -> Activation:
    return Activation(row.id, row.model_version)


def _mark(row: MarkRow, _: UnsealWords) -> Mark:
    return Mark(row.id, row.kind, row.token, row.period_id)


ValueBuilder = Callable[[Any, UnsealWords], Value]

ROW_DECODERS: Mapping[str, tuple[msgspec.json.Decoder[Any], ValueBuilder]] = {
    "activity": (msgspec.json.Decoder(ActivityRow), _activity),
    "feedback": (msgspec.json.Decoder(FeedbackRow), _feedback),
    "release": (msgspec.json.Decoder(ReleaseRow), _release),
    "activation": (msgspec.json.Decoder(ActivationRow), _activation),
    "mark": (msgspec.json.Decoder(MarkRow), _mark),
}
"""For each captured table the decoder of its row, and the function that builds the value from the row."""
