"""`group`, with its own work timed; run as a process. After each batch it leaves its figures in the file argv[1].

`decide` is decoding, applying, grouping and encoding; `write` is the broker's transaction (waiting included).
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.kafka.records.fenced_writer import FencedWriter
from processors.partition.partition import Partition
from streams.group import command

out = Path(sys.argv[1])
spent: dict[str, float] = {"decide_cpu_s": 0.0, "write_s": 0.0, "batches": 0}


def timed(name: str, clock: Callable[[], float], original: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, its time added up under `name`."""

    def call(*arguments: Any, **named: Any) -> Any:
        began = clock()
        try:
            return original(*arguments, **named)
        finally:
            spent[name] += clock() - began

    return call


def counted(original: Callable[..., Any]) -> Callable[..., Any]:
    """Counts the batches, and leaves the figures after each: a process that is killed leaves its last ones."""

    def call(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        spent["batches"] += 1
        out.write_text(json.dumps(spent | {"process_cpu_s": time.process_time()}))
        return result

    return call


Partition.absorb = timed("decide_cpu_s", time.thread_time, Partition.absorb)  # type: ignore[method-assign]
FencedWriter.write = counted(timed("write_s", time.monotonic, FencedWriter.write))  # type: ignore[method-assign]
command.command()
