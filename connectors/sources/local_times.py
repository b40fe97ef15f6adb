"""Dates and times of day as people and programs write them in tables and notes. What 3/2/2026 means isn't guessed."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from connectors.sources.instants import microseconds, zone_of_offset

_YEAR_FIRST = r"(?P<y>\d{4})[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)"
_DOTTED = r"(?P<d>\d\d?)\.\s?(?P<m>\d\d?)\.\s?(?P<y>\d{4})"
_SLASHED = r"(?P<one>\d\d?)[-/](?P<two>\d\d?)[-/](?P<y>\d{4})"
_CLOCK = (
    r"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?P<offset>z|[+-]\d\d:?\d\d)?"
)
_FORMS = [re.compile(rf"(?:{day})(?:[t\s,]+{_CLOCK})?", re.IGNORECASE) for day in (_YEAR_FIRST, _DOTTED, _SLASHED)] + [
    re.compile(_CLOCK, re.IGNORECASE)
]

DATE_ORDER = "Say which: --dates day-first or --dates month-first"


class AmbiguousDate(ValueError):
    """A date that can be read in two ways; `str()` says which."""


class Written(msgspec.Struct, frozen=True):
    """What was written: a day, a time of day, an offset; each is None if it is missing."""

    day: date | None
    clock: time | None
    offset: tzinfo | None


def when(text: str, day_first: bool | None = None) -> Written:
    """Reads 2026-03-02 9:15, 2.3.2026 09:15:30, 9:15 PM, 3/2/2026 and the like.

    Raises AmbiguousDate, or ValueError where it is no time.
    """
    for form in _FORMS:
        if found := form.fullmatch(text.strip()):
            part = found.groupdict()
            try:
                return Written(_day(text, part, day_first), _clock(part), _offset(part.get("offset")))
            except AmbiguousDate:
                raise
            except ValueError as error:
                raise ValueError(f"{text!r} is no date or time that there is ({error})") from error
    raise ValueError(f"{text!r} isn't a time. Write it as 2026-03-02 09:30")


def shown_order(text: str) -> bool | None:
    """Whether the date itself shows that its day comes first (True) or its month (False); None if it shows neither."""
    found = re.match(_SLASHED, text.strip())
    if not found or int(found["one"]) <= 12 >= int(found["two"]):
        return None
    return int(found["one"]) > 12


def lasting(text: str) -> timedelta:
    """A duration as 1:30 or 01:30:00 (hours first). Raises ValueError."""
    found = re.fullmatch(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?", text.strip())
    if not found:
        raise ValueError(f"{text!r} isn't a duration. Write it as 1:30 or 01:30:00")
    return timedelta(hours=int(found[1]), minutes=int(found[2]), seconds=int(found[3] or 0))


def instant_in(zone: str, written: Written, day: date) -> tuple[int, str]:
    """Microseconds since 1970 and the zone of a time of day on that day. Its own offset precedes `zone`."""
    assert written.clock is not None
    if written.offset is None:
        return microseconds(datetime.combine(day, written.clock, ZoneInfo(zone))), zone
    moment = datetime.combine(day, written.clock, written.offset)
    return microseconds(moment), zone_of_offset(moment.utcoffset() or timedelta())


def _day(text: str, part: dict[str, str | None], day_first: bool | None) -> date | None:
    if (year := part.get("y")) is None:
        return None
    if (one := part.get("one")) is None:
        return date(int(year), int(part["m"] or 0), int(part["d"] or 0))
    two = str(part["two"])
    if day_first is None and int(one) <= 12 >= int(two) and one != two:
        raise AmbiguousDate(
            f"{text!r} is {date(int(year), int(two), int(one)):%-d %B} or {date(int(year), int(one), int(two)):%-d %B}"
        )
    first = int(one) > 12 if day_first is None else day_first
    return date(int(year), int(two), int(one)) if first else date(int(year), int(one), int(two))


def _clock(part: dict[str, str | None]) -> time | None:
    if (given := part.get("hour")) is None:
        return None
    hour, half = int(given), (part.get("half") or "").replace(".", "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"hour {hour} {half}")
        hour = hour % 12 + (12 if half == "pm" else 0)
    fraction = (part.get("fraction") or "0").ljust(6, "0")[:6]
    return time(hour, int(part["minute"] or 0), int(part.get("second") or 0), int(fraction))


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in "zZ":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))
