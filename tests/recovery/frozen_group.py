"""`group`, which freezes itself when it is about to write a row that says FREEZE; run as a script by the tests.

Frozen there, it has decided on a value that is old by the time it wakes up, and nothing but the fence keeps it back.
"""

import os
import signal
from collections.abc import Iterable

from connectors.kafka.records.fenced_writer import FencedWriter
from schemas.topics import ProducerRecord
from streams.group import command

_write = FencedWriter.write


def write(self: FencedWriter, records: Iterable[ProducerRecord]) -> None:
    """As a machine that is suspended would, between deciding and writing."""
    if any(b"FREEZE" in (record.value or b"") for record in records):
        os.kill(os.getpid(), signal.SIGSTOP)
    _write(self, records)


FencedWriter.write = write  # type: ignore[method-assign]
command.command()
