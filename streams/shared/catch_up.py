"""Waits until everything that is committed in the database has passed through capture, `group` and `bill`."""

import time
from collections.abc import Iterable

from sqlalchemy import Engine

from connectors.kafka.client.cluster import Cluster
from connectors.mariadb.audit.marks import insert_marks, pending_marks
from schemas.errors import StackError
from schemas.keys import Scope
from schemas.values import MarkKind
from streams.shared.pending_marks import locate_marks

POLL_S = 0.02


def wait_for_marks(engine: Engine, cluster: Cluster, wanted: Iterable[Scope], within_s: float) -> None:
    """Inserts a mark for each of these timekeepers, and returns when `bill` has seen them all.

    Raises StackError, naming the program that is behind, if that takes longer than `within_s`.
    """
    since_ms = time.time_ns() // 1_000_000
    marks = insert_marks(engine, wanted, MarkKind.VERIFY)
    end = time.monotonic() + within_s
    while marks := pending_marks(engine, marks):
        if time.monotonic() > end:
            raise StackError(locate_marks(cluster, marks.values(), since_ms, within_s))
        time.sleep(POLL_S)
