"""A consumer's status by Burrow's rules: from how its offsets move, not from how large its lag is.

The rules are those of linkedin/Burrow at commit 2676759d731365a9924869edfc589209cbd99556, the last that changed its
core/internal/evaluator/caching.go. In order, for a partition whose lag is more than what is allowed; else it is OK:

    STOP      it hasn't committed for longer than from its first to its last commit in the window
    REWIND    it committed an offset below the one before, and hasn't come back to that one
    OK        its lag was within what is allowed at some commit in the window
    STALL     it commits the same offset each time
    WARNING   its offset moves, but at no commit was its lag less than at the commit before
    OK        otherwise

A group has its worst partition's status, and ERR for STOP, STALL or REWIND; NOTFOUND where it has never existed.

Burrow counts lag in offsets to the topic's end, so an idle consumer of a transactional topic always has a lag. Our
rules therefore differ from Burrow's:

- Lag is how long the oldest readable record has waited, in seconds; 0 where there is none. So Burrow's condition "the
  lag was zero some minutes ago", by which it holds STOP back, is the same as a lag within what is allowed.
- Burrow sees only commits, and our consumers commit nothing while nothing moves. But the broker knows whether a
  consumer has the partition. A consumer that has it is alive, which counts as a commit of its present offset now (so
  its status is STALL, not STOP). A partition that no consumer has is STOP at once, not only after as long as it had
  been well.
- While the group agrees on the assignment, nothing counts as a commit. That lasts seconds. With no commit in the whole
  window, and records that have waited longer than the window, members join for ever and nothing moves: STALL.
- An offset that isn't on the broker is ERR: it belongs to another cluster, or to a topic that was created anew.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec


class Status(StrEnum):
    """The status of a partition (OK to REWIND) or of a group (NOTFOUND, OK, WARNING, ERR). Later ones are worse."""

    NOTFOUND = "NOTFOUND"
    OK = "OK"
    WARNING = "WARNING"
    ERR = "ERR"
    STOP = "STOP"
    STALL = "STALL"
    REWIND = "REWIND"


_SEVERITY = {status: place for place, status in enumerate(Status)}


class Commit(msgspec.Struct, frozen=True):
    """A committed offset, its time (seconds), and the lag at that moment (seconds; None where not known)."""

    at_s: float
    offset: int
    lag_s: float | None = None


class ObservedPartition(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one partition of a consumer now.

    `commits` of the window, oldest first. `place`: the offset that it reads next. `lag_s`: seconds. `owned`: whether a
    live consumer has the partition; None while the group agrees on the assignment. `missing`: `place` isn't on the
    broker.
    """

    commits: tuple[Commit, ...] = ()
    place: int
    lag_s: float
    owned: bool | None
    missing: bool = False


def partition_status(watched: ObservedPartition, now_s: float, allowed_s: float, window_s: float) -> Status:
    """Returns the status of one partition at `now_s`. A lag of at most `allowed_s` counts as none.

    `commits` are those of the last `window_s` seconds.
    """
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
    """Returns the status of a group with these partitions; NOTFOUND where there are none."""
    return min(worst(partitions), Status.ERR, key=_SEVERITY.__getitem__)


def worst(partitions: Iterable[Status]) -> Status:
    """Returns the worst status; NOTFOUND where there are none."""
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
    """Returns whether the first step back in the window still lasts. As in Burrow only the first counts: once the
    consumer has come back from it, a later one is left to a later window.
    """
    for step, (before, after) in enumerate(pairwise(commits), 1):
        if after.offset < before.offset:
            return all(commit.offset < before.offset for commit in commits[step:])
    return False
