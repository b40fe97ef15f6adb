"""Asks several things at once and waits for none of them longer than is allowed."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from schemas.errors import StackError, TimeloomError

A = TypeVar("A")


class ProbeTimeout(StackError):
    """No answer in time: somebody is there and hangs, or the machine is at its end."""


class Probe(Generic[A]):
    """A question that is being asked. Its thread ends with the process: nobody waits for a server that hangs."""

    def __init__(self, server: str, call: Callable[[], A]) -> None:
        self._server, self._call = server, call
        self._answer: A | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, deadline: float) -> A:
        """What came until `deadline` (monotonic seconds). Raises what the question raised, or Late."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            raise ProbeTimeout(f"{self._server} didn't answer in time: it hangs or is busy (--within 10 waits longer)")
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # None only where the question's answer is None

    def result(self, deadline: float) -> tuple[A | None, TimeloomError | None]:
        """The answer, or why there is none. A bug is raised."""
        try:
            return self.wait(deadline), None
        except TimeloomError as error:
            return None, error

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except BaseException as error:  # noqa: BLE001  # it is raised where the answer is asked for
            self._error = error
