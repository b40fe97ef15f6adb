"""Law 6, paid once: what was paid for is kept, also where the database is away for a while. Needs no stack."""

import socketserver
import threading
from typing import ClassVar

import pytest
from sqlalchemy.exc import OperationalError

from connectors.mariadb.narration import reservations
from connectors.mariadb.narration.llm_calls import CallUsage
from connectors.mariadb.server.engine import connect, database_url
from connectors.mariadb.server.transactions import retry_while_unavailable
from schemas.errors import StackError

AWAY = StackError("MariaDB does not answer.")
BUSY = OperationalError("UPDATE narrative", None, Exception(1205, "Lock wait timeout exceeded"))


class Work:
    """Fails as told, then is done; counts."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.tried = list(failures), 0

    def __call__(self) -> None:
        self.tried += 1
        if self.failures:
            raise self.failures.pop(0)


def test_it_is_tried_again_until_the_database_is_back() -> None:
    work = Work(AWAY, BUSY, AWAY)
    retry_while_unavailable(work, 60)
    assert work.tried == 4


def test_it_ends_where_the_database_stays_away() -> None:
    work = Work(*[AWAY] * 10_000)
    with pytest.raises(StackError):
        retry_while_unavailable(work, 0.3)
    assert 1 < work.tried < 10_000


def test_a_bug_is_not_tried_again() -> None:
    work = Work(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        retry_while_unavailable(work, 60)
    assert work.tried == 1


class Restarting(socketserver.BaseRequestHandler):
    """A server that is going down: it hangs up on whoever calls."""

    calls: ClassVar[list[object]] = []

    def handle(self) -> None:
        self.calls.append(self.client_address)


def test_an_answer_is_offered_again_to_a_database_that_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations, "STORE_RETRY_S", 1.0)
    with socketserver.TCPServer(("127.0.0.1", 0), Restarting) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        engine = connect(database_url(*server.server_address, "pipeline", "not a secret"))
        with pytest.raises(StackError, match="does not answer"):
            reservations.store_answer(engine, 1, CallUsage("answered", 1, 1, 1), [])
        engine.dispose()
        server.shutdown()
    assert len(Restarting.calls) > 1
