"""Are the entries in MariaDB what the groups say, and the groups what the activities come to? And periods to close."""

import msgspec
from sqlalchemy import text

from schemas.keys import Scope
from tests.live import Live
from tests.programs import eventually
from tests.timesheets import expected, stored

EVERY = ("--every", "0.2")
SHUT = "SELECT id FROM period WHERE timekeeper_id = :timekeeper AND closed_at IS NOT NULL"


def kept(live: Live, who: Scope) -> dict[int, bytes]:
    """The groups that bill has of a timekeeper."""
    query = text("SELECT group_id, value FROM activity_group WHERE firm_id = :firm AND timekeeper_id = :timekeeper")
    with live.pipeline.connect() as connection:
        rows = connection.execute(query, msgspec.structs.asdict(who)).fetchall()
    return {id: value.encode() for id, value in rows}


def held(live: Live, *people: Scope) -> int:
    """How many activities of these people bill has in groups."""
    return sum(len(msgspec.json.decode(value)["members"]) for who in people for value in kept(live, who).values())


def settled(live: Live, who: Scope) -> bool:
    """Is everything that MariaDB holds grouped, kept and sliced as it must be?"""
    return (
        kept(live, who) == {name: value for (_, name), value in live.expected(who).items()}
        and stored(live.pipeline, who) == expected(live.pipeline, who)
        and all(
            any(id in entry["parts"] for entry in stored(live.pipeline, who)[0].values()) for id in shown(live, who)
        )
    )


def shown(live: Live, who: Scope) -> set[int]:
    """The activities that WORK groups hold: each must be in an entry."""
    groups = [msgspec.json.decode(value) for value in live.expected(who).values()]
    return {member[0] for group in groups if group["disposition"] == "work" for member in group["members"]}


def settles(live: Live, who: Scope, within_s: float = 60) -> None:
    eventually(lambda: settled(live, who), within_s, f"entries of {who} are those of the set")


def row(live: Live, query: str, who: Scope) -> tuple[object, ...]:
    with live.pipeline.connect() as connection:
        found = connection.execute(text(query), msgspec.structs.asdict(who)).fetchone()
    return tuple(found) if found else ()


def bill_by(live: Live, who: Scope, rrule: str, first_day: str, cutoff_minutes: int) -> None:
    """Gives somebody a cadence, by Berlin's clock, whose first occurrence is at the beginning of that day."""
    cadence = {**msgspec.structs.asdict(who), "rrule": rrule, "dtstart": first_day, "cutoff": cutoff_minutes}
    with live.collector.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO cadence (firm_id, timekeeper_id, rrule, dtstart, zone, cutoff_minutes)"
                " VALUES (:firm, :timekeeper, :rrule, :dtstart, 'Europe/Berlin', :cutoff)"
            ),
            cadence,
        )


def close_the_week(live: Live, who: Scope) -> None:
    """A cadence of one week, whose end is in the past: 2 March 2026, the day of the activities, is inside."""
    bill_by(live, who, "FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-03-02", cutoff_minutes=60)
