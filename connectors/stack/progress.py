"""How long work says how far it is: the shape that a screen, a log or nothing at all can stand behind."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Where progress goes. Called from several threads at once."""

    def step(self, what: str, total_bytes: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
        """A piece of work under way; what it yields is called with each number of bytes done. None: size unknown."""

    def say(self, text: str) -> None:
        """One line that a person should read."""


class Silent:
    """Progress that goes nowhere."""

    @contextmanager
    def step(self, what: str, total_bytes: int | None = None) -> Iterator[Callable[[int], None]]:
        """Yields a function that does nothing."""
        yield lambda _done: None

    def say(self, text: str) -> None:
        """Says nothing."""
