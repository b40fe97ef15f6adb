"""`evaluate --html`: the results as one page that loads nothing from anywhere."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from processors.evaluation.comparison import Case, ModelGroupings, grouping_of
from processors.evaluation.measures import MEASURES
from processors.evaluation.worst_day import worst_day
from streams.evaluate.charts import MAX_BLOCKS_ACROSS, DayChart, ReliabilityDiagram, day_chart, reliability_diagram
from streams.evaluate.evaluation_run import Evaluation, GroupingResult
from streams.evaluate.mistakes_report import MistakesReport, cause_sentences
from streams.evaluate.tables import BLOCK_MEASURES, blocking_sentence, outcomes_sentence

DAYS = 3
"""How many days of a model are shown."""


class ModelShown(msgspec.Struct, frozen=True):
    """What the page shows of a model besides its row in the tables."""

    rated: GroupingResult
    reliability: ReliabilityDiagram | None
    days: tuple[DayChart, ...]
    mistakes: MistakesReport


def page(found: Evaluation, cases: Sequence[Case], trials: Sequence[ModelGroupings]) -> str:
    """Renders the page. All text that people wrote is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("streams.evaluate", "."), autoescape=True, undefined=StrictUndefined)
    each = zip(found.rated, trials, found.mistakes, strict=False)
    return environment.get_template("evaluation.html").render(
        found=found,
        measures=MEASURES,
        by_block=BLOCK_MEASURES,
        folds=any(trial.kind == "learned" for trial in trials),
        models=[_model(rated, cases, trial, wrong) for rated, trial, wrong in each],
        lines_of=cause_sentences,
        found_by=blocking_sentence,
        chosen_by=outcomes_sentence,
    )


def _model(rated: GroupingResult, cases: Sequence[Case], trial: ModelGroupings, mistakes: MistakesReport) -> ModelShown:
    of = {case.stream: (case, grouping_of(groups)) for case, groups in zip(cases, trial.groups, strict=True)}
    wrong = sorted(of, key=lambda name: (rated.streams[name]["B3-F"], name))
    days = (worst_day(*of[name], MAX_BLOCKS_ACROSS) for name in wrong)
    shown = islice((day for day in days if day.wrong_pairs), DAYS)
    return ModelShown(
        rated=rated,
        reliability=None if rated.confidence is None else reliability_diagram(rated.confidence),
        days=tuple(day_chart(day, rated.streams[day.stream]["B3-F"]) for day in shown),
        mistakes=mistakes,
    )
