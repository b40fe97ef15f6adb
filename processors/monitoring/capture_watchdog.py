"""Decides when to restart capture's task: it failed, or it reports that it runs but writes nothing.

Pure: observations and times are arguments. The tries are limited and their pauses grow. After the task has run well for
a while, all tries are available again.
"""

from enum import Enum

import msgspec

PAUSES_S = (2.0, 10.0, 30.0, 60.0, 120.0, *7 * (300.0,))
"""How long each try waits after a failure was first seen: 12 tries in 40 minutes. A cause that lasts longer needs a
person.
"""

SILENT_S = 45.0
"""A running task writes a heartbeat every 5 s. After a start it first reads its history, which takes seconds."""

RESET_AFTER_S = 300.0
"""After this long without a failure or a silence, all tries are available again."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One observation, at `at` seconds of any clock that never goes back.

    `state`: RUNNING, FAILED, or any other state of Connect, which Connect or a person has to change. `sent`: how far
    the topics that capture writes have come; None where they or the database can't be reached, so that silence proves
    nothing.
    """

    at: float
    state: str
    sent: int | None


class WatchState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered from one observation to the next. Times are as in `Observation`.

    `bad_since`: when the current failure or silence was first seen. `silent`: the task was found silent and hasn't
    written since, although it was restarted. `given_up`: the tries are used up, and the task hasn't run well for a
    while since.
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
        """Whether a person is needed: the tries are used up, and the task hasn't written since."""
        return self.given_up and self.well_since is None


class Action(Enum):
    """What to do after an observation. `WELL`: nothing, because capture has recovered."""

    NOTHING = "nothing"
    START_FAILED = "failed"
    START_SILENT = "silent"
    GIVE_UP = "give up"
    WELL = "well"


def next_action(before: WatchState, seen: Observation, silent_s: float = SILENT_S) -> tuple[WatchState, Action]:
    """Returns what to remember and what to do. `silent_s`: how long a running task may be silent.

    GIVE_UP and WELL are returned only once, WELL only after a restart.
    """
    known = seen.state == "RUNNING" and seen.sent is not None
    moved = known and seen.sent != before.sent
    after = msgspec.structs.replace(
        before,
        sent=seen.sent if known else before.sent,
        quiet_since=before.quiet_since if known and not moved else seen.at,
        silent=before.silent and not moved,
    )
    if seen.state == "FAILED":
        return _bad(after, seen.at, Action.START_FAILED)
    if known and seen.at - after.quiet_since >= silent_s:
        return _bad(msgspec.structs.replace(after, silent=True), seen.at, Action.START_SILENT)
    after = msgspec.structs.replace(after, bad_since=None)
    return _well(after, seen.at) if moved and after.tries else (after, Action.NOTHING)


def _bad(before: WatchState, at: float, start: Action) -> tuple[WatchState, Action]:
    since = at if before.bad_since is None else before.bad_since
    after = msgspec.structs.replace(before, bad_since=since, well_since=None)
    if after.tries == len(PAUSES_S):
        return msgspec.structs.replace(after, given_up=True), Action.NOTHING if before.given_up else Action.GIVE_UP
    if at - since < PAUSES_S[after.tries]:
        return after, Action.NOTHING
    # A restarted task gets the full time again before its silence counts.
    return msgspec.structs.replace(after, tries=after.tries + 1, bad_since=None, quiet_since=at), start


def _well(before: WatchState, at: float) -> tuple[WatchState, Action]:
    since = at if before.well_since is None else before.well_since
    if at - since < RESET_AFTER_S:
        return msgspec.structs.replace(before, well_since=since), Action.NOTHING
    return msgspec.structs.replace(before, well_since=None, tries=0, given_up=False), Action.WELL
