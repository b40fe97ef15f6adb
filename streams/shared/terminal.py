"""Progress of long work: bars on a terminal, elsewhere (CI, a file) one line for each finished step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

WIDTH = 140
"""Columns of a table that goes into a file or a pipe, which has no width: enough for a narrative beside its matter."""


def table_console() -> Console:
    """The console for tables: as wide as the terminal, or wide enough to be readable without one."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, WIDTH))


class TerminalProgress:
    """A `connectors.stack.progress.Progress` for people; a context manager, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @contextmanager
    def step(self, what: str, total_bytes: int | None = None) -> Iterator[Callable[[int], None]]:
        """Shows a bar while the body runs; a spinner if the size is unknown."""
        task = self._bars.add_task(what, total=total_bytes)
        began = time.monotonic()
        yield lambda done: self._bars.advance(task, done)
        self._bars.update(task, total=total_bytes or 1, completed=total_bytes or 1)
        self._bars.update(task, visible=total_bytes is not None)
        if not self._console.is_terminal or total_bytes is None:
            size = f", {total_bytes / 1e6:.0f} MB" if total_bytes else ""
            self._bars.console.print(f"✓ {what}{size} ({time.monotonic() - began:.1f} s)")

    def say(self, text: str) -> None:
        """Prints one line above the bars."""
        self._bars.console.print(text)
