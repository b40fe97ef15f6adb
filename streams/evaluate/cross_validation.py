"""Models that are trained to be judged: by people they didn't learn from, and by what came after.

out of fold:   streams ──▶ folds; of each fold: learn from the other folds ──▶ group the fold's streams
prequential:   streams ──▶ blocks of time; of each block but the first: learn from all before ──▶ group the block
"""

from collections.abc import Callable, Sequence

from processors.evaluation.comparison import Case, Trial
from processors.evaluation.prequential_blocks import blocks_of, past_of
from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import Model
from processors.training.labelled_streams import Labelled, dealt
from processors.training.model_training import learn
from schemas.errors import SourceError
from streams.files.source_options import counted
from streams.shared.terminal import Screen

Learner = Callable[[Sequence[Case], str], Model]
"""Makes a model of labelled streams, with a name."""


def learner(base: Model, screen: Screen) -> Learner:
    """As `train` learns, over that base; tells how far it is."""

    def learned(cases: Sequence[Case], name: str) -> Model:
        known = sum(len(case.gold) for case in cases)
        streams = [labelled(case) for case in cases]
        with screen.step(f"{name}: learned from {counted(known, 'event')} of {counted(len(cases), 'stream')}"):
            return learn(base, streams, name, lambda said: screen.say(f"{name}: {said}"))

    return learned


def labelled(case: Case) -> Labelled:
    """A stream as one to learn from."""
    return Labelled(case.stream, case.activities, case.gold)


def out_of_fold(cases: Sequence[Case], folds: int, teach: Learner) -> Trial:
    """Each stream grouped by a model that learned from streams of other folds only.

    Raises SourceError where there are fewer streams than folds.
    """
    if len(cases) < folds:
        raise SourceError(
            f"--folds {folds}: only {counted(len(cases), 'stream')} can be judged. Give fewer folds, or more streams; "
            "of one stream, --prequential judges what came next."
        )
    models: dict[str, Model] = {}
    for number, part in enumerate(dealt([labelled(case) for case in cases], folds), start=1):
        judged = {one.name for one in part}
        model = teach([case for case in cases if case.stream not in judged], f"fold {number} of {folds}")
        models |= dict.fromkeys(judged, model)
    return _trial(cases, [models[case.stream] for case in cases], "out of fold", f"{folds} folds")


def prequential(cases: Sequence[Case], blocks: int, teach: Learner) -> tuple[list[Case], Trial]:
    """The streams' blocks but the first, each grouped by a model that learned from all streams' blocks before it.

    Raises SourceError where no stream has two judged events.
    """
    cut = [blocks_of(case, blocks) for case in cases]
    judged, models = list[Case](), list[Model]()
    for number in range(1, blocks):
        here = [of[number] for of in cut if of[number].gold]
        if here:
            model = teach([past_of(of[:number]) for of in cut], f"block {number + 1} of {blocks}")
            judged += here
            models += [model] * len(here)
    if not judged:
        raise SourceError("--prequential: no stream has two events with a true group, of which one could come after.")
    return judged, _trial(judged, models, "prequential", f"{blocks} blocks")


def _trial(cases: Sequence[Case], models: Sequence[Model], name: str, chosen: str) -> Trial:
    every = zip(cases, models, strict=True)
    groups = tuple(group_all(case.activities, model=model) for case, model in every)
    return Trial(name, tuple(models), groups, kind="learned", chosen=chosen)
