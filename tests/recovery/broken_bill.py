"""`bill` with a bug of ours in it: it fails on every group of one timekeeper. Run as a script by the tests.

broken_bill.py TIMEKEEPER
"""

import sys
from typing import Any

from connectors.mariadb import taking
from schemas.keys import Scope
from streams import cli

_take_groups, broken = taking.take_groups, int(sys.argv[1])


def take_groups(connection: Any, scope: Scope, latest: Any) -> tuple[set[int], int]:
    """Stands for code that meets what nobody foresaw."""
    if scope.timekeeper == broken and latest:
        raise ZeroDivisionError("nobody foresaw this")
    return _take_groups(connection, scope, latest)


taking.take_groups = take_groups
sys.argv[1:] = ["bill"]
cli.main()
