"""`bill` with a bug of ours in it: it fails on every group of one timekeeper, and closes none of their periods.

Run as a script by the tests.

broken_bill.py TIMEKEEPER
"""

import sys
from typing import Any

from connectors.mariadb.billing import ingestion
from connectors.mariadb.billing.periods import PeriodState
from schemas.keys import Scope
from streams import cli

_take_groups, _close_period, broken = ingestion.ingest_groups, ingestion.close_period, int(sys.argv[1])


def take_groups(connection: Any, scope: Scope, latest: Any) -> tuple[set[int], int]:
    """Stands for code that meets what nobody foresaw."""
    if scope.timekeeper == broken and latest:
        raise ZeroDivisionError("nobody foresaw this")
    return _take_groups(connection, scope, latest)


def close_period(connection: Any, period: PeriodState) -> int:
    """The same."""
    if period.scope.timekeeper == broken:
        raise ZeroDivisionError("nobody foresaw this")
    return _close_period(connection, period)


ingestion.ingest_groups, ingestion.close_period = take_groups, close_period
sys.argv[1:] = ["bill"]
cli.main()
