"""Reads true groups, which only evaluation may read. No other reader has a field for them.

They stand in the event form: `group` (null if not known), `annotated` (false: context, not judged) and `system` (a
machine's line).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from connectors.sources.formats.event_faults import fault_of
from connectors.sources.formats.event_lines import REMARKS
from connectors.sources.text_files import lines
from schemas.errors import SourceError

Truth = str | int


class _Line(msgspec.Struct):
    stream: str
    id: str | int
    kind: Any = None
    group: Any = None
    annotated: Any = True
    system: Any = False


class Label(msgspec.Struct, frozen=True):
    """The true group in a line; None if it isn't known."""

    stream: str
    id: str
    group: Truth | None
    annotated: bool
    system: bool


_line = msgspec.json.Decoder(_Line)


def true_groups(files: Iterable[Path], skip_system: bool = False) -> dict[str, dict[str, Truth]]:
    """Returns the true group of every judged event, by stream and id; without machines' lines if those are skipped.

    Raises SourceError if a label can't be read, if two lines of an event differ, or if nothing is judged.
    """
    files = list(files)
    first: dict[tuple[str, str], tuple[Label, str]] = {}
    for where, label in (found for file in files for found in _labels(file)):
        before, place = first.setdefault((label.stream, label.id), (label, where))
        if before != label:
            raise SourceError(
                f"{where}: event {label.id!r} of stream {label.stream!r} has another label than in {place}. "
                "Give an event one true group."
            )
    found: dict[str, dict[str, Truth]] = {}
    for label, _ in first.values():
        if label.group is not None and label.annotated and not (skip_system and label.system):
            found.setdefault(label.stream, {})[label.id] = label.group
    if not found:
        raise SourceError(
            f"{', '.join(map(str, files)) or 'EVENTS'}: no event has a true group to judge by. Add `group` to those "
            "whose piece of work is known (docs/evaluating.md), or look at the groups: ./timeloom preview PATH"
        )
    return found


def _labels(file: Path) -> Iterator[tuple[str, Label]]:
    for number, raw in lines(file):
        if raw.strip():
            where = f"{file}, line {number}"
            try:
                line = _line.decode(raw)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                raise SourceError(f"{where}: {fault_of(where, raw)}") from error
            if line.kind not in REMARKS:
                yield where, _label(where, line)


def _label(where: str, line: _Line) -> Label:
    if isinstance(line.group, bool) or not isinstance(line.group, str | int | None):
        raise SourceError(f"{where}: `group` must be a text or a whole number, or null where nobody knows it.")
    for name, value in (("annotated", line.annotated), ("system", line.system)):
        if not isinstance(value, bool):
            raise SourceError(f"{where}: `{name}` must be true or false. Correct it, or leave it out.")
    return Label(line.stream, str(line.id), line.group, line.annotated, line.system)
