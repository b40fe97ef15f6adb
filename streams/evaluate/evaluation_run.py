"""The evaluation run: groups the same labelled streams by models and by rules, and measures the results."""

from collections.abc import Sequence

import msgspec
import numpy as np

from processors.evaluation.blocking_recall import BlockingRecall, blocking_recall, compared_events, count_blocking
from processors.evaluation.bootstrap import MeasureIntervals, bootstrap_measures
from processors.evaluation.calibration import Calibration, calibrate
from processors.evaluation.choices import AssignmentOutcomes, assignment_outcomes, sum_outcomes
from processors.evaluation.comparison import (
    Case,
    ComparedGrouping,
    ModelGroupings,
    case_sums,
    compare,
    grouping_of,
    judged_confidences,
)
from processors.evaluation.measures import CONTINGENCY_SUMS, MEASURES, SumsArray, measures
from processors.evaluation.rule_baselines import DAY_US, MINUTE_US, ParameterGrid, rule_baselines
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from streams.evaluate.mistakes_report import MistakesReport

BASELINE_GRID = ParameterGrid(
    gaps_us=tuple(minutes * MINUTE_US for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440, 2880, 10080)),
    lookbacks_us=(10 * MINUTE_US, 60 * MINUTE_US, DAY_US, 7 * DAY_US, 30 * DAY_US),
    similarities=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
)
"""What the peers may choose from, from lines of talk to work that is taken up again weeks later."""


class BlockResult(msgspec.Struct, frozen=True):
    """The results of one block of time, numbered from 1: the mean over its streams."""

    number: int
    streams: int
    mean: dict[str, float]


class GroupingResult(msgspec.Struct, frozen=True):
    """One way of grouping and its measures. `kind` is `model`, `learned` (trained for this evaluation) or `peer` (a
    rule baseline, with its tuned parameters).

    `streams` has the measures of each stream, `blocks` those of each block of time if streams were cut. A rule baseline
    has no `confidence`, `blocking` and `choices`: it has no confidences and no candidate pairs.
    """

    name: str
    kind: str
    chosen: str
    groups: int
    measured: MeasureIntervals
    streams: dict[str, dict[str, float]]
    blocks: tuple[BlockResult, ...] = ()
    confidence: Calibration | None = None
    blocking: BlockingRecall | None = None
    choices: AssignmentOutcomes | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """What `--json` prints. `events` counts the judged events; the parameters of rule baselines are the best by the
    measure `by`.

    `prequential` has the same for streams cut into blocks of time, each block but the first judged by itself;
    `mistakes` has each model's worst mistakes, if they were asked for.
    """

    events: int
    streams: int
    true_groups: int
    by: str
    seed: int
    rated: tuple[GroupingResult, ...]
    prequential: "Evaluation | None" = None
    mistakes: tuple[MistakesReport, ...] = ()


def group_cases(cases: Sequence[Case], model: Model) -> ModelGroupings:
    """Groups each stream by the model."""
    groups = tuple(group_all(case.activities, model=model) for case in cases)
    return ModelGroupings(model.version, (model,) * len(cases), groups)


def evaluate_groupings(
    cases: Sequence[Case], trials: Sequence[ModelGroupings], *, tuning_measure: str, seed: int
) -> Evaluation:
    """Measures the models' groupings and those of the rule baselines."""
    ours = [_model_result(cases, trial, seed) for trial in trials]
    peers = [
        _grouping_result(cases, peer, seed) for peer in compare(cases, rule_baselines(BASELINE_GRID), tuning_measure)
    ]
    return Evaluation(
        events=sum(len(case.gold) for case in cases),
        streams=len({case.stream for case in cases}),
        true_groups=sum(len(set(case.gold.values())) for case in cases),
        by=tuning_measure,
        seed=seed,
        rated=(*ours, *peers),
    )


def _grouping_result(cases: Sequence[Case], compared: ComparedGrouping, seed: int) -> GroupingResult:
    of_streams: dict[str, SumsArray] = {}
    of_blocks: dict[int, list[SumsArray]] = {}
    for case, sums in zip(cases, compared.sums, strict=True):
        of_streams[case.stream] = of_streams.get(case.stream, 0) + sums
        of_blocks.setdefault(case.block, []).append(sums)
    return GroupingResult(
        name=compared.name,
        kind="peer",
        chosen=compared.parameter,
        groups=round(sum(sums[CONTINGENCY_SUMS.index("groups")] for sums in compared.sums)),
        measured=bootstrap_measures(list(of_streams.values()), seed),
        streams={stream: _by_measure(measures(sums)) for stream, sums in of_streams.items()},
        blocks=tuple(_block_result(number, of_blocks[number]) for number in sorted(of_blocks) if number),
    )


def _model_result(cases: Sequence[Case], trial: ModelGroupings, seed: int) -> GroupingResult:
    """A model's measures, with confidence, blocking and choices."""
    groupings = [grouping_of(groups) for groups in trial.groups]
    every = list(zip(cases, groupings, map(compared_events, cases, trial.models), strict=True))
    sums = tuple(case_sums(case, grouping) for case, grouping, _ in every)
    sure = [one for case, groups in zip(cases, trial.groups, strict=True) for one in judged_confidences(case, groups)]
    return msgspec.structs.replace(
        _grouping_result(cases, ComparedGrouping(trial.name, trial.setup, sums), seed),
        kind=trial.kind,
        confidence=calibrate(sure),
        blocking=blocking_recall(count_blocking(case, seen) for case, _, seen in every),
        choices=sum_outcomes(assignment_outcomes(*one) for one in every),
    )


def _block_result(number: int, streams: Sequence[SumsArray]) -> BlockResult:
    return BlockResult(number + 1, len(streams), _by_measure(measures(np.stack(streams)).mean(axis=0)))


def _by_measure(values: SumsArray) -> dict[str, float]:
    return dict(zip(MEASURES, values.tolist(), strict=True))
