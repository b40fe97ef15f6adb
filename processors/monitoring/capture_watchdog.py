"""When capture's task is to be started again: it failed, or says that it runs and nothing comes from it.

Pure: what was seen and when are arguments. Tries have an end and pauses that grow; what ran well for a while has
its tries back.
"""

from enum import Enum

import msgspec

PAUSES_S = (2.0, 10.0, 30.0, 60.0, 120.0, *7 * (300.0,))
"""How long each try waits after the task failed: 12 tries in 40 minutes. What isn't mended then needs a person."""

SILENT_S = 45.0
"""A task that runs says something every 5 s: its heartbeat. After a start it first reads its history, for seconds."""

CALM_S = 300.0
"""After so long without a failure or a silence all tries are there again."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One look, at `at` seconds of any clock that doesn't go back.

    `state`: RUNNING, FAILED, or anything else, which is Connect's or a person's doing. `sent`: how far the topics that
    capture writes have come; None: that, or the database, is out of reach, so that silence says nothing.
    """

    at: float
    state: str
    sent: int | None


class Tending(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered between looks. `bad_since`: when the failure or silence that lasts still was first seen.

    `silent`: it was found silent, and hasn't said anything since, though it was started again. `given_up`: the
    tries are spent, and it hasn't run well for a while since.
    """

    sent: int | None = None
    quiet_since: float = 0.0
    bad_since: float | None = None
    well_since: float | None = None
    tries: int = 0
    silent: bool = False
    given_up: bool = False

    @property
    def stuck(self) -> bool:
        """A person is needed: the tries are spent, and it has said nothing since."""
        return self.given_up and self.well_since is None


class Act(Enum):
    """What to do now."""

    NOTHING = "nothing"
    START_FAILED = "failed"
    START_SILENT = "silent"
    GIVE_UP = "give up"
    WELL = "well"


def look(before: Tending, seen: Sight, silent_s: float = SILENT_S) -> tuple[Tending, Act]:
    """What to remember, and what to do. `silent_s`: how long a task that runs may be silent.

    GIVE_UP and WELL are said once, WELL only after something was started again.
    """
    known = seen.state == "RUNNING" and seen.sent is not None
    moved = known and seen.sent != before.sent
    tending = msgspec.structs.replace(
        before,
        sent=seen.sent if known else before.sent,
        quiet_since=before.quiet_since if known and not moved else seen.at,
        silent=before.silent and not moved,
    )
    if seen.state == "FAILED":
        return _bad(tending, seen.at, Act.START_FAILED)
    if known and seen.at - tending.quiet_since >= silent_s:
        return _bad(msgspec.structs.replace(tending, silent=True), seen.at, Act.START_SILENT)
    tending = msgspec.structs.replace(tending, bad_since=None)
    return _well(tending, seen.at) if moved and tending.tries else (tending, Act.NOTHING)


def _bad(before: Tending, at: float, start: Act) -> tuple[Tending, Act]:
    since = at if before.bad_since is None else before.bad_since
    tending = msgspec.structs.replace(before, bad_since=since, well_since=None)
    if tending.tries == len(PAUSES_S):
        return msgspec.structs.replace(tending, given_up=True), Act.NOTHING if before.given_up else Act.GIVE_UP
    if at - since < PAUSES_S[tending.tries]:
        return tending, Act.NOTHING
    # What was started again has all its time again before its silence counts.
    return msgspec.structs.replace(tending, tries=tending.tries + 1, bad_since=None, quiet_since=at), start


def _well(before: Tending, at: float) -> tuple[Tending, Act]:
    since = at if before.well_since is None else before.well_since
    if at - since < CALM_S:
        return msgspec.structs.replace(before, well_since=since), Act.NOTHING
    return msgspec.structs.replace(before, well_since=None, tries=0, given_up=False), Act.WELL
