"""`evaluate --html`: the figures and what is behind them, as one page that loads nothing from anywhere."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from processors.evaluation.comparison import Case, Trial, grouping_of
from processors.evaluation.measures import MEASURES
from processors.evaluation.worst_day import worst_day
from streams.evaluate.charts import FINEST, Lanes, Reliability, lanes, reliability
from streams.evaluate.evaluation_run import Evaluation, Rated
from streams.evaluate.mistakes_report import Mistaken, lines_of
from streams.evaluate.tables import BY_BLOCK, chosen_by, found_by

DAYS = 3
"""How many days of a model are shown."""


class ModelShown(msgspec.Struct, frozen=True):
    """What the page shows of a model beside its row in the tables."""

    rated: Rated
    reliability: Reliability | None
    days: tuple[Lanes, ...]
    mistakes: Mistaken


def page(found: Evaluation, cases: Sequence[Case], trials: Sequence[Trial]) -> str:
    """The page; every text that people wrote is escaped in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("streams.evaluate", "."), autoescape=True, undefined=StrictUndefined)
    each = zip(found.rated, trials, found.mistakes, strict=False)
    return environment.get_template("evaluation.html").render(
        found=found,
        measures=MEASURES,
        by_block=BY_BLOCK,
        folds=any(trial.kind == "learned" for trial in trials),
        models=[_model(rated, cases, trial, wrong) for rated, trial, wrong in each],
        lines_of=lines_of,
        found_by=found_by,
        chosen_by=chosen_by,
    )


def _model(rated: Rated, cases: Sequence[Case], trial: Trial, mistakes: Mistaken) -> ModelShown:
    of = {case.stream: (case, grouping_of(groups)) for case, groups in zip(cases, trial.groups, strict=True)}
    wrong = sorted(of, key=lambda name: (rated.streams[name]["B3-F"], name))
    days = (worst_day(*of[name], FINEST) for name in wrong)
    shown = islice((day for day in days if day.wrong_pairs), DAYS)
    return ModelShown(
        rated=rated,
        reliability=None if rated.confidence is None else reliability(rated.confidence),
        days=tuple(lanes(day, rated.streams[day.stream]["B3-F"]) for day in shown),
        mistakes=mistakes,
    )
