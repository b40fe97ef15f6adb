"""Which periods a cadence closes, and when: a pure function of the cadence and of now.

The dates of an RRULE's occurrences are where one period ends and the next begins; `dtstart`'s date opens the first. A
cadence that is changed goes on from where its last known period ended, to the next date of its new rule. A period is
due at the wall time of the occurrence that ends it, not before that day's 04:00 (until then the last billing day runs),
plus the cut-off.

Roll rule (RFC 7529's SKIP): BYMONTHDAY=31 means the last day of a shorter month (SKIP=BACKWARD, the default here:
a month must not silently go unbilled); with SKIP=OMIT such a month has no occurrence.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from heapq import merge
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from processors.billing.entries.billing_day import day_begins, instant, moment
from schemas.billing import Cadence, Occurrence
from schemas.errors import ConfigurationError
from schemas.row_decoders import known_zones

MINUTE_US = 60_000_000
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")

BOUNDS = {
    "INTERVAL": (1, 1_000),
    "COUNT": (1, 1_000_000),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
}
"""What numbers mean something. dateutil takes others too, and then searches to the end of the calendar, or for ever."""

STARTS = (1970, 2199)
MOST_CUTOFF_MINUTES = 366 * 24 * 60

LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def periods_due(cadence: Cadence, now: int, after: date | None) -> list[Occurrence]:
    """The periods from `after` on (None: from `dtstart`) that are due by `now`, oldest first.

    `after` is where the last known period ended. Raises ConfigurationError on a rule that can't be read.
    """
    return list(takewhile(lambda period: period.due_at <= now, periods(cadence, after)))


def next_due(cadence: Cadence, now: int, after: date | None) -> Occurrence | None:
    """The first period from `after` on that is due later than `now`; None where the rule has ended."""
    return next((period for period in periods(cadence, after) if period.due_at > now), None)


def periods(cadence: Cadence, after: date | None = None) -> Iterator[Occurrence]:
    """All periods of a cadence; without UNTIL or COUNT they end only with the calendar.

    The first begins at `after`, where the last known period ended, whatever the rule was then: a cadence that is
    changed leaves no day out and bills none twice. Where there is none (None), `dtstart` begins the first.
    """
    starts_on = cadence.dtstart.date() if after is None else after
    for wall in _occurrences(cadence):
        if wall.date() > starts_on:
            yield Occurrence(starts_on, wall.date(), _due(wall, cadence))
            starts_on = wall.date()


def _due(wall: datetime, cadence: Cadence) -> int:
    # fold=0: a wall time that clocks jump over counts with the offset before the jump, one shown twice the first time.
    at = instant(wall.replace(tzinfo=ZoneInfo(cadence.zone)))
    return max(at, day_begins(wall.date(), cadence.zone)) + cadence.cutoff_minutes * MINUTE_US


def _occurrences(cadence: Cadence) -> Iterator[datetime]:
    """Wall times in order, each date's first one once; COUNT is applied after rolling."""
    parts = _parts(cadence)
    count = parts.pop("COUNT", "")
    backward = parts.pop("SKIP", "BACKWARD") == "BACKWARD"
    parts.pop("RSCALE", None)
    rules = [_rule(part, cadence) for part in (_rolled(parts, cadence) if backward else [parts])]
    times = _each_once(merge(*rules))
    return islice(times, int(count)) if count else times


def _each_once(times: Iterator[datetime]) -> Iterator[datetime]:
    last: date | None = None
    for time in times:
        if time.date() != last:
            yield time
        last = time.date()


def _parts(cadence: Cadence) -> dict[str, str]:
    """The rule's parts, with what we can't honour refused rather than ignored."""
    text = cadence.rrule.strip().upper().removeprefix("RRULE:")
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if cadence.zone not in known_zones():
        raise _refusal(cadence, f"zone {cadence.zone!r} isn't an IANA time zone")
    if parts.get("FREQ") not in FREQUENCIES:
        raise _refusal(cadence, f"FREQ must be one of {', '.join(FREQUENCIES)}")
    if parts.get("SKIP", "BACKWARD") not in ("BACKWARD", "OMIT"):
        raise _refusal(cadence, "SKIP must be BACKWARD or OMIT")
    if parts.get("RSCALE", "GREGORIAN") != "GREGORIAN":
        raise _refusal(cadence, "RSCALE must be GREGORIAN")
    for name, (low, high) in BOUNDS.items():
        if name in parts and not all(_is_number(one, low, high) for one in parts[name].split(",")):
            raise _refusal(cadence, f"{name}={parts[name]} isn't within {low} to {high}")
    if not _ever(parts.get("BYMONTH", ""), parts.get("BYMONTHDAY", "")):
        raise _refusal(cadence, f"no month of {parts['BYMONTH']} has a day {parts['BYMONTHDAY']}")
    if not STARTS[0] <= cadence.dtstart.year <= STARTS[1]:
        raise _refusal(cadence, f"dtstart {cadence.dtstart} isn't within the years {STARTS[0]} to {STARTS[1]}")
    if not 0 <= cadence.cutoff_minutes <= MOST_CUTOFF_MINUTES:
        raise _refusal(cadence, f"cutoff_minutes {cadence.cutoff_minutes} isn't within 0 to {MOST_CUTOFF_MINUTES}")
    if parts.get("UNTIL", "").endswith("Z"):
        parts["UNTIL"] = _local(parts["UNTIL"], cadence)
    return parts


def _is_number(text: str, low: int, high: int) -> bool:
    """Is it a whole number within the bounds? Zero means nothing where negative ones count from the end."""
    if not re.fullmatch(r"[+-]?[0-9]{1,7}", text):
        return False
    return low <= int(text) <= high and (low >= 0 or int(text) != 0)


def _ever(months: str, days: str) -> bool:
    """Has any of the months any of the days? dateutil would look for 30 February until the year 9999."""
    if not months or not days:
        return True
    longest = max(LONGEST_MONTHS[int(month) - 1] for month in months.split(","))
    return any(abs(int(day)) <= longest for day in days.split(","))


def _local(until: str, cadence: Cadence) -> str:
    """UNTIL comes in UTC (RFC 5545 wants it so); wall times are compared with wall times."""
    try:
        at = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _refusal(cadence, f"UNTIL {until} isn't a time such as 20261231T230000Z") from error
    return moment(instant(at)).astimezone(ZoneInfo(cadence.zone)).strftime("%Y%m%dT%H%M%S")


def _rolled(parts: dict[str, str], cadence: Cadence) -> list[dict[str, str]]:
    """One rule for each day of the month: day n > 28 becomes the last of 28..n that the month has."""
    days = parts.get("BYMONTHDAY")
    if parts["FREQ"] != "MONTHLY" or "BYSETPOS" in parts or "BYDAY" in parts:
        return [parts]
    numbers = [int(day) for day in days.split(",")] if days else [cadence.dtstart.day]
    return [
        parts
        | (
            {"BYMONTHDAY": ",".join(map(str, range(28, day + 1))), "BYSETPOS": "-1"}
            if day > 28
            else {"BYMONTHDAY": str(day)}
        )
        for day in numbers
    ]


def _rule(parts: dict[str, str], cadence: Cadence) -> rrule:
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        rule = rrulestr(text, dtstart=cadence.dtstart)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _refusal(cadence, str(error)) from error
    if not isinstance(rule, rrule):
        raise _refusal(cadence, "it must be one rule")
    return rule


def _refusal(cadence: Cadence, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Cadence {cadence.id} has a rule that can't be used: {cadence.rrule!r}: {why}. "
        "Mend its row, e.g. rrule FREQ=WEEKLY;BYDAY=MO or FREQ=MONTHLY;BYMONTHDAY=15,31, zone Europe/Berlin."
    )
