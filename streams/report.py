"""`evaluate --html`: the figures and what is behind them, as one page that loads nothing from anywhere."""

from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec

from processors.evaluation.contest import Case, grouping_of
from processors.evaluation.days import worst_day
from processors.evaluation.measures import MEASURES
from processors.evaluation.mistakes import Mistake, merges, splits, worst
from processors.evaluation.titles import cut, titles_of
from processors.grouping.reasons import in_words
from schemas.groups import MICRO, Group
from streams.judging import Evaluation, Rated, Trial
from streams.pictures import FINEST, Lanes, Reliability, lanes, reliability

DAYS, MISTAKES, PIECES, TITLES = 3, 6, 4, 3
"""How many days and mistakes of each kind are shown, of a mistake how many pieces, and of a piece how many titles."""


class PieceShown(msgspec.Struct, frozen=True):
    """A piece of a mistake: the true group's name or what our group claims (the other is empty), its events, some of
    their titles, and how many more there are.
    """

    name: str
    claim: str
    events: int
    titles: tuple[str, ...]
    more: int


class MistakeShown(msgspec.Struct, frozen=True):
    """A mistake to be read, of a true group with this name, or of a group of ours that claims this."""

    stream: str
    name: str
    claim: str
    wrong_pairs: int
    events: int
    pieces: tuple[PieceShown, ...]
    more: int


class ModelShown(msgspec.Struct, frozen=True):
    """What the page shows of a model beside its row in the tables."""

    rated: Rated
    reliability: Reliability | None
    days: tuple[Lanes, ...]
    merges: tuple[MistakeShown, ...]
    splits: tuple[MistakeShown, ...]


def page(found: Evaluation, cases: Sequence[Case], trials: Sequence[Trial]) -> str:
    """The page; every text that people wrote is escaped in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("streams"), autoescape=True, undefined=StrictUndefined)
    models = [_model(one, cases, trial) for one, trial in zip(found.rated, trials, strict=False)]
    return environment.get_template("evaluation.html").render(found=found, measures=MEASURES, models=models)


def _model(rated: Rated, cases: Sequence[Case], trial: Trial) -> ModelShown:
    of = {case.stream: (case, groups) for case, groups in zip(cases, trial.groups, strict=True)}
    groupings = {name: grouping_of(groups) for name, (_, groups) in of.items()}
    wrong = sorted(of, key=lambda name: (rated.streams[name]["B3-F"], name))
    days = (worst_day(of[name][0], groupings[name], FINEST) for name in wrong)
    shown = islice((day for day in days if day.wrong_pairs), DAYS)
    merged = worst([one for name, (case, _) in of.items() for one in merges(case, groupings[name])], MISTAKES)
    split = worst([one for name, (case, _) in of.items() for one in splits(case, groupings[name])], MISTAKES)
    return ModelShown(
        rated=rated,
        reliability=None if rated.confidence is None else reliability(rated.confidence),
        days=tuple(lanes(day, rated.streams[day.stream]["B3-F"]) for day in shown),
        merges=tuple(_shown(one, *of[one.stream], ours_is_whole=True) for one in merged),
        splits=tuple(_shown(one, *of[one.stream], ours_is_whole=False) for one in split),
    )


def _shown(mistake: Mistake, case: Case, groups: Mapping[int, Group], *, ours_is_whole: bool) -> MistakeShown:
    activities = {one.id: one for one in case.activities}
    pieces = tuple(
        PieceShown(
            name=cut(str(piece.name)) if ours_is_whole else "",
            claim="" if ours_is_whole else _claim(groups, piece.name),
            events=len(piece.ids),
            titles=(titles := titles_of(activities[id] for id in piece.ids))[:TITLES],
            more=max(len(titles) - TITLES, 0),
        )
        for piece in mistake.pieces[:PIECES]
    )
    return MistakeShown(
        stream=mistake.stream,
        name="" if ours_is_whole else cut(str(mistake.name)),
        claim=_claim(groups, mistake.name) if ours_is_whole else "",
        wrong_pairs=mistake.wrong_pairs,
        events=sum(len(piece.ids) for piece in mistake.pieces),
        pieces=pieces,
        more=max(len(mistake.pieces) - PIECES, 0),
    )


def _claim(groups: Mapping[int, Group], name: object) -> str:
    """How sure a group is and why, in words. What is excluded is in no group, and claims nothing."""
    group = groups.get(name) if isinstance(name, int) else None
    if group is None:
        return "in no group"
    reasons = "; ".join(map(in_words, group.why)) or ("an event by itself" if len(group.members) == 1 else "no reason")
    return f"{group.disposition.value}, {100 * group.confidence / MICRO:.0f}% sure: {reasons}"
