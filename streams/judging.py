"""What `evaluate` finds out: how models and simple rules group the same labelled streams, and how well."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from connectors.sources.event import Event, Notes
from connectors.sources.events import read_events
from connectors.sources.gold import Truth, true_groups
from connectors.sources.numbering import Stream, streams_of
from processors.evaluation.calibration import Worth, worth
from processors.evaluation.contest import Case, Entrant, compete, grouping_of, sums_of, sure_of
from processors.evaluation.counting import SUMS, Sums
from processors.evaluation.intervals import Measured, measured
from processors.evaluation.measures import MEASURES, measures
from processors.evaluation.peers import DAY_US, MINUTE_US, Grid, families
from processors.grouping.batch import group_all
from processors.grouping.model import Model
from schemas.groups import Group

GRID = Grid(
    gaps_us=tuple(minutes * MINUTE_US for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10080)),
    within_us=(10 * MINUTE_US, 60 * MINUTE_US, DAY_US, 7 * DAY_US, 30 * DAY_US),
    likenesses=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
)
"""What the peers may choose from, from lines of talk to work that is taken up again weeks later."""


class Rated(msgspec.Struct, frozen=True):
    """One way of grouping with its figures: a `model`, or a `peer` with the values that were chosen for it.

    `streams` has each stream's own measures; `confidence` is None of a peer, which claims nothing.
    """

    name: str
    kind: str
    chosen: str
    groups: int
    measured: Measured
    streams: dict[str, dict[str, float]]
    confidence: Worth | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What `--json` says. `events` are those that are judged; a peer's values are the best by the measure `by`."""

    events: int
    streams: int
    true_groups: int
    by: str
    seed: int
    rated: tuple[Rated, ...]


class Trial(msgspec.Struct, frozen=True):
    """What a model made of the streams, in their order."""

    model: Model
    groups: tuple[Mapping[int, Group], ...]


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
    return Case(stream.name, stream.activities, known)


def tried(cases: Sequence[Case], model: Model) -> Trial:
    """What the model makes of each stream."""
    return Trial(model, tuple(group_all(case.activities, model=model) for case in cases))


def evaluation(cases: Sequence[Case], trials: Sequence[Trial], *, by: str, seed: int) -> Evaluation:
    """The models' figures beside those of the peers."""
    entrants = [(_entrant(cases, trial), _worth(cases, trial)) for trial in trials]
    peers = compete(cases, families(GRID), by)
    every = [*entrants, *((peer, None) for peer in peers)]
    rated = tuple(
        Rated(
            name=one.name,
            kind="model" if n < len(trials) else "peer",
            chosen=one.chosen,
            groups=round(sum(sums[SUMS.index("groups")] for sums in one.sums)),
            measured=measured(one.sums, seed),
            streams={case.stream: _by_name(sums) for case, sums in zip(cases, one.sums, strict=True)},
            confidence=sure,
        )
        for n, (one, sure) in enumerate(every)
    )
    return Evaluation(
        events=sum(len(case.gold) for case in cases),
        streams=len(cases),
        true_groups=sum(len(set(case.gold.values())) for case in cases),
        by=by,
        seed=seed,
        rated=rated,
    )


def _entrant(cases: Sequence[Case], trial: Trial) -> Entrant:
    every = zip(cases, trial.groups, strict=True)
    return Entrant(trial.model.version, "", tuple(sums_of(case, grouping_of(groups)) for case, groups in every))


def _worth(cases: Sequence[Case], trial: Trial) -> Worth | None:
    every = zip(cases, trial.groups, strict=True)
    return worth([sure for case, groups in every for sure in sure_of(case, groups)])


def _by_name(sums: Sums) -> dict[str, float]:
    return dict(zip(MEASURES, measures(sums).tolist(), strict=True))
