"""Trains models to be evaluated: on other people's streams (cross-validation), or on the past (prequential).

out of fold:   streams ──▶ folds; for each fold: train on the other folds ──▶ group the fold's streams
prequential:   streams ──▶ blocks of time; for each block but the first: train on all before ──▶ group the block
"""

from collections.abc import Callable, Sequence

from processors.evaluation.comparison import Case, ModelGroupings
from processors.evaluation.prequential_blocks import cut_into_blocks, history_of
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from processors.training.labelled_streams import Labelled, deal_folds
from processors.training.model_training import learn
from schemas.errors import SourceError
from streams.files.source_options import counted
from streams.shared.terminal import TerminalProgress

TrainModel = Callable[[Sequence[Case], str], Model]
"""Makes a model of labelled streams, with a name."""


def model_trainer(base: Model, screen: TerminalProgress) -> TrainModel:
    """Returns a function that trains as `train` does, starting from `base`, and reports its progress."""

    def learned(cases: Sequence[Case], name: str) -> Model:
        known = sum(len(case.gold) for case in cases)
        streams = [to_labelled_stream(case) for case in cases]
        with screen.step(f"{name}: learned from {counted(known, 'event')} of {counted(len(cases), 'stream')}"):
            return learn(base, streams, name, lambda said: screen.say(f"{name}: {said}"))

    return learned


def to_labelled_stream(case: Case) -> Labelled:
    """Converts a case to a stream for training."""
    return Labelled(case.stream, case.activities, case.gold)


def cross_validate(cases: Sequence[Case], folds: int, train: TrainModel) -> ModelGroupings:
    """Groups each stream by a model that was trained on the streams of the other folds only.

    Raises SourceError if there are fewer streams than folds.
    """
    if len(cases) < folds:
        raise SourceError(
            f"--folds {folds}: only {counted(len(cases), 'stream')} can be judged. Give fewer folds, or more streams; "
            "of one stream, --prequential judges what came next."
        )
    models: dict[str, Model] = {}
    for number, part in enumerate(deal_folds([to_labelled_stream(case) for case in cases], folds), start=1):
        judged = {one.name for one in part}
        model = train([case for case in cases if case.stream not in judged], f"fold {number} of {folds}")
        models |= dict.fromkeys(judged, model)
    return _group_by_own_models(cases, [models[case.stream] for case in cases], "out of fold", f"{folds} folds")


def evaluate_prequentially(cases: Sequence[Case], blocks: int, train: TrainModel) -> tuple[list[Case], ModelGroupings]:
    """Groups each block of a stream but the first by a model that was trained on all streams' earlier blocks.

    Raises SourceError if no stream has two judged events.
    """
    cut = [cut_into_blocks(case, blocks) for case in cases]
    judged, models = list[Case](), list[Model]()
    for number in range(1, blocks):
        here = [of[number] for of in cut if of[number].gold]
        if here:
            model = train([history_of(of[:number]) for of in cut], f"block {number + 1} of {blocks}")
            judged += here
            models += [model] * len(here)
    if not judged:
        raise SourceError("--prequential: no stream has two events with a true group, of which one could come after.")
    return judged, _group_by_own_models(judged, models, "prequential", f"{blocks} blocks")


def _group_by_own_models(cases: Sequence[Case], models: Sequence[Model], name: str, setup: str) -> ModelGroupings:
    every = zip(cases, models, strict=True)
    groups = tuple(group_all(case.activities, model=model) for case, model in every)
    return ModelGroupings(name, tuple(models), groups, kind="learned", setup=setup)
