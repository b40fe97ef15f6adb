"""`bill`, killed or frozen by itself at one point of its way; run as a script by the recovery tests.

faulty_bill.py POINT SIGNAL [bill's own arguments]

POINT: before_take, inside_take, after_take: a batch's transaction; reserving: a call's transaction, which holds the
budget; asking: the call is written down and not sent. SIGNAL: KILL, STOP until it is woken, or CUT: MariaDB hangs up
inside a batch's transaction, each time.
"""

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from connectors.llm.gateway import Gateway
from connectors.mariadb.billing import ingestion, offsets
from connectors.mariadb.narration import reservations
from connectors.mariadb.server import engine
from streams import cli

engine.IDLE_TRANSACTION_TIMEOUT_S = 4  # a test doesn't wait for a minute
point, what = sys.argv[1:3]
happened = False


def fault() -> None:
    """Once: as a power cut would, or as a machine that hangs."""
    global happened
    if not happened:
        happened = True
        sys.stdout.write(f"now {what}\n")
        sys.stdout.flush()
        # To this very thread: sent to the process, another thread may take it, and this one goes on for a moment.
        signal.pthread_kill(threading.get_ident(), signal.Signals[f"SIG{what}"])


def wrapped(original: Callable[..., Any], before: bool) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if before:
            fault()
        result = original(*arguments, **named)
        if not before:
            fault()
        return result

    return call


def cut(connection: Connection, *arguments: Any, **named: Any) -> None:
    advance(connection, *arguments, **named)
    connection.execute(text("KILL CONNECTION CONNECTION_ID()"))


advance = offsets.advance

match point:
    case "inside_take" if what == "CUT":
        offsets.advance = cut
    case "before_take":
        ingestion.ingest = wrapped(ingestion.ingest, before=True)
    case "inside_take":  # its place is moved and locked, nothing is committed
        offsets.advance = wrapped(offsets.advance, before=False)
    case "after_take":
        ingestion.ingest = wrapped(ingestion.ingest, before=False)
    case "reserving":
        reservations.insert_call = wrapped(reservations.insert_call, before=False)
    case "asking":
        Gateway._send = wrapped(Gateway._send, before=True)  # type: ignore[method-assign]
    case _:
        raise SystemExit(f"no such point: {point}")

sys.argv[1:] = ["bill", *sys.argv[3:]]
cli.main()
