"""Times as files write them: ISO 8601 to microseconds in UTC, and the time zone that an offset stands for."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_BROKEN_HOURS = {
    -570: "Pacific/Marquesas",
    -210: "America/St_Johns",
    -150: "America/St_Johns",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
    630: "Australia/Lord_Howe",
    765: "Pacific/Chatham",
    825: "Pacific/Chatham",
}
"""Minutes east of UTC that are no whole hour, and the zone where they are in use."""


def instant_of(text: str) -> tuple[int, str]:
    """Microseconds since 1970 and the zone that the offset stands for; no offset means UTC.

    Raises ValueError where the text isn't ISO 8601.
    """
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    if offset is None:
        return microseconds(moment.replace(tzinfo=UTC)), "UTC"
    return microseconds(moment), zone_of_offset(offset)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, without a float on the way."""
    return (moment - _EPOCH) // _MICROSECOND


def iso(instant: int) -> str:
    """An instant in UTC as ISO 8601; a fraction only where there is one. The inverse of `instant_of`."""
    return (_EPOCH + instant * _MICROSECOND).isoformat().replace("+00:00", "Z")


def zone_of_offset(offset: timedelta) -> str:
    """The IANA zone that keeps an offset all year: `Etc/GMT-2` for +02:00 (the sign is POSIX's).

    An offset says nothing of daylight saving, and the billing day needs only the offset of its own moment. Offsets of
    broken hours have the zone where they are in use; others, of before standard time, are taken to the nearest hour.
    """
    minutes = round(offset / timedelta(minutes=1))
    if minutes in _BROKEN_HOURS:
        return _BROKEN_HOURS[minutes]
    hours = min(max(round(minutes / 60), -12), 14)
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"
