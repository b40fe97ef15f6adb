"""A consumer's status by Burrow's rules: from how its offsets move, not from how large its lag is.

The rules are those of linkedin/Burrow at commit 2676759d731365a9924869edfc589209cbd99556, the last that changed its
core/internal/evaluator/caching.go. In order, for a partition whose lag is more than what is allowed; else it is OK:

    STOP      it hasn't committed for longer than from its first to its last commit in the window
    REWIND    it committed an offset below the one before, and hasn't come back to that one
    OK        its lag was within what is allowed at some commit in the window
    STALL     it commits one and the same offset
    WARNING   its offset moves, but at no commit was its lag less than at the commit before
    OK        otherwise

A group has its worst partition's status, and ERR for STOP, STALL or REWIND; NOTFOUND where it has never been.

What is ours, since Burrow counts lag in offsets to the topic's end and so an idle consumer of a transactional topic has
a lag for ever:

- Lag is how long the oldest record that could be read has waited, in seconds; 0 where there is none. So "the lag was
  zero some minutes ago", by which Burrow holds STOP back, is already that the lag is within what is allowed.
- Burrow sees commits alone, and ours commit nothing while nothing moves. Whether somebody has the partition, the broker
  knows: a consumer that has it is alive, which counts as committing its present place now (so it stalls and doesn't
  stop), and a partition that nobody has is stopped at once, not only after as long as it had been well.
- Where the group is only agreeing on who has what, nobody counts as committing. That lasts seconds: with no commit in
  the whole window, and work that has waited for longer, members join for ever and nothing moves, which is STALL.
- A place that the broker hasn't got is ERR: another cluster's, or of a topic that was made anew.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec


class Status(StrEnum):
    """How a partition (OK to REWIND) or a group (NOTFOUND, OK, WARNING, ERR) is. Later ones are worse."""

    NOTFOUND = "NOTFOUND"
    OK = "OK"
    WARNING = "WARNING"
    ERR = "ERR"
    STOP = "STOP"
    STALL = "STALL"
    REWIND = "REWIND"


_SEVERITY = {status: place for place, status in enumerate(Status)}


class Commit(msgspec.Struct, frozen=True):
    """A committed offset, when that was (seconds), and the lag at that moment (seconds; None: nobody knows)."""

    at_s: float
    offset: int
    lag_s: float | None = None


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one partition of a consumer now.

    `commits` of the window, oldest first. `place`: what it reads next. `owned`: whether a live consumer has it; None
    while the group agrees on who has what. `missing`: the broker hasn't got its place.
    """

    commits: tuple[Commit, ...] = ()
    place: int
    lag_s: float
    owned: bool | None
    missing: bool = False


def partition_status(watched: Watched, now_s: float, allowed_s: float, window_s: float) -> Status:
    """The status of one partition at `now_s`; a lag of at most `allowed_s` is none. `commits` are of `window_s`."""
    if watched.missing:
        return Status.ERR
    if watched.lag_s <= allowed_s:
        return Status.OK
    if watched.owned is False:
        return Status.STOP
    commits = watched.commits
    if watched.owned:
        commits = (*commits, Commit(now_s, watched.place, watched.lag_s))
    if not commits:
        return Status.STALL if watched.lag_s > window_s else Status.OK
    return _moved(commits, now_s, allowed_s)


def group_status(partitions: Iterable[Status]) -> Status:
    """The status of a group with these partitions; without any it isn't there."""
    return min(worst(partitions), Status.ERR, key=_SEVERITY.__getitem__)


def worst(partitions: Iterable[Status]) -> Status:
    """The worst of these; NOTFOUND of none."""
    return max(partitions, key=_SEVERITY.__getitem__, default=Status.NOTFOUND)


def _moved(commits: Sequence[Commit], now_s: float, allowed_s: float) -> Status:
    if _stopped(commits, now_s):
        return Status.STOP
    if _rewound(commits):
        return Status.REWIND
    lags = [commit.lag_s for commit in commits if commit.lag_s is not None]
    if any(lag <= allowed_s for lag in lags):
        return Status.OK
    if len({commit.offset for commit in commits}) == 1:
        return Status.STALL
    return Status.OK if any(after < before for before, after in pairwise(lags)) else Status.WARNING


def _stopped(commits: Sequence[Commit], now_s: float) -> bool:
    return now_s - commits[-1].at_s > commits[-1].at_s - commits[0].at_s


def _rewound(commits: Sequence[Commit]) -> bool:
    """As Burrow, the first step back counts: come back from it, a later one is left for a later window."""
    for step, (before, after) in enumerate(pairwise(commits), 1):
        if after.offset < before.offset:
            return all(commit.offset < before.offset for commit in commits[step:])
    return False
