"""Reads events whose true groups are known: what `evaluate` judges by, and what `train` learns from."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connectors.sources.detect import Source, parts_of
from connectors.sources.event import Event, Notes
from connectors.sources.formats.event_lines import read_events
from connectors.sources.formats.gold_labels import Truth, true_groups
from connectors.sources.numbering import Stream, streams_of
from processors.evaluation.comparison import Case
from schemas.errors import SourceError


def labelled_files(paths: Sequence[Path], notes: Notes) -> list[Path]:
    """The files to read. Raises SourceError for a file that can't contain true groups."""
    parts = [part for path in paths for part in parts_of(path, notes)]
    for source, file in parts:
        if source is not Source.EVENTS:
            raise SourceError(
                f"{file}: is of kind {source.value}, which has no true groups. Give event lines with `group` "
                "(docs/evaluating.md)."
            )
    return list(dict.fromkeys(file for _, file in parts))


def read_cases(files: Sequence[Path], notes: Notes, skip_system: bool) -> list[Case]:
    """Reads the streams that have judged events from files in the event form. Raises SourceError."""
    gold = true_groups(files, skip_system)
    streams = streams_of(_read_events_only(files, notes), notes)
    return [_case(stream, gold[stream.name]) for stream in streams if stream.name in gold]


def _read_events_only(files: Sequence[Path], notes: Notes) -> Iterator[Event]:
    """Skips feedback: a model is judged by the groups it makes from the events alone."""
    for file in files:
        for item in read_events(file, notes):
            if isinstance(item, Event):
                yield item
            else:
                notes.add("feedback, releases and activations were left out", notes.place)


def _case(stream: Stream, gold: Mapping[str, Truth]) -> Case:
    known = {id: gold[name] for id, name in stream.names.items() if name in gold}
    return Case(stream.name, stream.activities, known, source_ids=stream.names)
