"""What repairs a finding. Nothing is edited by hand: what was missed is resent through the normal path.

- Wrong on the topic: the worker missed a change, so the row is resent. If that changed nothing, the worker knows the
row
  but the topic isn't what it published: it restores from its topics, and publishes what differs.
- Wrong in the tables only: the groups are ingested again.
"""

from collections.abc import Collection, Iterable

import msgspec

from processors.audit.findings import At, Finding, Kind
from schemas.ledger_snapshot import RowRef

SAID_AGAIN = frozenset(
    {Kind.ROW_MISSING, Kind.ROW_DOUBLE, Kind.STALE_VERSION, Kind.EXCLUDED_GROUPED, Kind.DECISION_MISSED}
)
GONE = frozenset({Kind.ROW_EXTRA, Kind.DECISION_EXTRA})


class Mending(msgspec.Struct, frozen=True):
    """What to do for one timekeeper.

    `again`: rows to resend. `gone`: rows whose delete to resend. `moved`: activities that another timekeeper has now,
    whose move to resend. `begin_again`: the worker of the timekeeper's partition restores from its topics. `retake`:
    the groups are ingested again.
    """

    again: tuple[RowRef, ...] = ()
    gone: tuple[RowRef, ...] = ()
    moved: tuple[int, ...] = ()
    begin_again: bool = False
    retake: bool = False


def mending(findings: Iterable[Finding], *, tried: bool) -> Mending:
    """Plans the repair of one timekeeper's findings; `tried` if resending has already changed nothing.

    The tables wait until the topic is right: otherwise wrong groups would be ingested.
    """
    found = list(findings)
    topic = [finding for finding in found if finding.at is not At.TABLES]
    if not topic:
        return Mending(retake=bool(found))
    return Mending(
        again=_rows(topic, SAID_AGAIN),
        gone=_rows(topic, GONE),
        moved=tuple(id for _, id in _rows(topic, {Kind.WRONG_OWNER})),
        begin_again=tried,
    )


def _rows(findings: Iterable[Finding], kinds: Collection[Kind]) -> tuple[RowRef, ...]:
    of_kind = [one for one in findings if one.kind in kinds]
    activities = {("activity", one.activity) for one in of_kind if one.activity is not None}
    return tuple(sorted(activities | {one.row for one in of_kind if one.row is not None}))
