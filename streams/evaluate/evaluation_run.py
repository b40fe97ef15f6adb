"""What `evaluate` finds out: how models and simple rules group the same labelled streams, and how well."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from connectors.sources.detect import Source, parts_of
from connectors.sources.event import Event, Notes
from connectors.sources.formats.event_lines import read_events
from connectors.sources.formats.gold_labels import Truth, true_groups
from connectors.sources.numbering import Stream, streams_of
from processors.evaluation.blocking_recall import Blocking, blocked, blocking, looked
from processors.evaluation.bootstrap import Measured, measured
from processors.evaluation.calibration import Worth, worth
from processors.evaluation.choices import Choices, all_choices, choices
from processors.evaluation.comparison import Case, Entrant, Trial, compete, grouping_of, sums_of, sure_of
from processors.evaluation.counting import SUMS, Sums
from processors.evaluation.measures import MEASURES, measures
from processors.evaluation.rule_baselines import DAY_US, MINUTE_US, Grid, families
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from schemas.errors import SourceError
from streams.evaluate.mistakes_report import Mistaken

GRID = Grid(
    gaps_us=tuple(minutes * MINUTE_US for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10080)),
    within_us=(10 * MINUTE_US, 60 * MINUTE_US, DAY_US, 7 * DAY_US, 30 * DAY_US),
    likenesses=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
)
"""What the peers may choose from, from lines of talk to work that is taken up again weeks later."""


class Block(msgspec.Struct, frozen=True):
    """A block of time, by its number from 1: the mean over its streams."""

    number: int
    streams: int
    mean: dict[str, float]


class Rated(msgspec.Struct, frozen=True):
    """One way of grouping with its figures: a `model`, a `learned` one (models that were trained for this judgement),
    or a `peer` with the values that were chosen for it.

    `streams` has each stream's own measures, `blocks` those of each block of time, where the streams were cut.
    A peer has no `confidence`, `blocking` and `choices`: it claims nothing, and compares as it likes.
    """

    name: str
    kind: str
    chosen: str
    groups: int
    measured: Measured
    streams: dict[str, dict[str, float]]
    blocks: tuple[Block, ...] = ()
    confidence: Worth | None = None
    blocking: Blocking | None = None
    choices: Choices | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What `--json` says. `events` are those that are judged; a peer's values are the best by the measure `by`.

    `prequential` is the same of the streams cut into blocks of time, each block but the first judged by itself;
    `mistakes` are each model's worst, where they were asked for.
    """

    events: int
    streams: int
    true_groups: int
    by: str
    seed: int
    rated: tuple[Rated, ...]
    prequential: "Evaluation | None" = None
    mistakes: tuple[Mistaken, ...] = ()


def labelled_files(paths: Sequence[Path], notes: Notes) -> list[Path]:
    """The files to read. Raises SourceError where one can't have true groups in it."""
    parts = [part for path in paths for part in parts_of(path, notes)]
    for source, file in parts:
        if source is not Source.EVENTS:
            raise SourceError(
                f"{file}: is of kind {source.value}, which has no true groups. Give event lines with `group` "
                "(docs/evaluating.md)."
            )
    return list(dict.fromkeys(file for _, file in parts))


def cases_of(files: Sequence[Path], notes: Notes, skip_system: bool) -> list[Case]:
    """The streams that have anything to judge, from files in the event form. Raises SourceError."""
    gold = true_groups(files, skip_system)
    streams = streams_of(_events(files, notes), notes)
    return [_case(stream, gold[stream.name]) for stream in streams if stream.name in gold]


def _events(files: Sequence[Path], notes: Notes) -> Iterator[Event]:
    """What people said of events stays out: a model is judged by what it makes of the events alone."""
    for file in files:
        for item in read_events(file, notes):
            if isinstance(item, Event):
                yield item
            else:
                notes.add("feedback, releases and activations were left out", notes.place)


def _case(stream: Stream, gold: Mapping[str, Truth]) -> Case:
    known = {id: gold[name] for id, name in stream.names.items() if name in gold}
    return Case(stream.name, stream.activities, known, names=stream.names)


def tried(cases: Sequence[Case], model: Model) -> Trial:
    """What the model makes of each stream."""
    groups = tuple(group_all(case.activities, model=model) for case in cases)
    return Trial(model.version, (model,) * len(cases), groups)


def evaluation(cases: Sequence[Case], trials: Sequence[Trial], *, by: str, seed: int) -> Evaluation:
    """The models' figures beside those of the peers."""
    ours = [_of_model(cases, trial, seed) for trial in trials]
    peers = [_rated(cases, peer, seed) for peer in compete(cases, families(GRID), by)]
    return Evaluation(
        events=sum(len(case.gold) for case in cases),
        streams=len({case.stream for case in cases}),
        true_groups=sum(len(set(case.gold.values())) for case in cases),
        by=by,
        seed=seed,
        rated=(*ours, *peers),
    )


def _rated(cases: Sequence[Case], one: Entrant, seed: int) -> Rated:
    of_streams: dict[str, Sums] = {}
    of_blocks: dict[int, list[Sums]] = {}
    for case, sums in zip(cases, one.sums, strict=True):
        of_streams[case.stream] = of_streams.get(case.stream, 0) + sums
        of_blocks.setdefault(case.block, []).append(sums)
    return Rated(
        name=one.name,
        kind="peer",
        chosen=one.chosen,
        groups=round(sum(sums[SUMS.index("groups")] for sums in one.sums)),
        measured=measured(list(of_streams.values()), seed),
        streams={stream: _by_name(measures(sums)) for stream, sums in of_streams.items()},
        blocks=tuple(_block(number, of_blocks[number]) for number in sorted(of_blocks) if number),
    )


def _of_model(cases: Sequence[Case], trial: Trial, seed: int) -> Rated:
    """A model's figures, with those that a peer hasn't."""
    groupings = [grouping_of(groups) for groups in trial.groups]
    every = list(zip(cases, groupings, map(looked, cases, trial.models), strict=True))
    sums = tuple(sums_of(case, grouping) for case, grouping, _ in every)
    sure = [one for case, groups in zip(cases, trial.groups, strict=True) for one in sure_of(case, groups)]
    return msgspec.structs.replace(
        _rated(cases, Entrant(trial.name, trial.chosen, sums), seed),
        kind=trial.kind,
        confidence=worth(sure),
        blocking=blocking(blocked(case, seen) for case, _, seen in every),
        choices=all_choices(choices(*one) for one in every),
    )


def _block(number: int, streams: Sequence[Sums]) -> Block:
    return Block(number + 1, len(streams), _by_name(measures(np.stack(streams)).mean(axis=0)))


def _by_name(values: Sums) -> dict[str, float]:
    return dict(zip(MEASURES, values.tolist(), strict=True))
