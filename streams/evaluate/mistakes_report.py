"""The mistakes report: a model's worst mistakes, with the activities' titles and the reasons, for people to read."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from processors.evaluation.comparison import Case, ModelGroupings, grouping_of
from processors.evaluation.error_causes import Cause, ErrorCauses, Link, PairContribution
from processors.evaluation.mistakes import (
    Mistake,
    activity_title,
    count_titles,
    shorten,
    worst_mistakes,
    wrong_merges,
    wrong_splits,
)
from processors.grouping.outcome.reasons import in_words
from schemas.groups import SCORE_SCALE, FeatureContribution, Group
from schemas.values import Activity

MAX_MISTAKES, MAX_PIECES, MAX_TITLES = 6, 4, 3
"""How many mistakes of each kind are shown, of a mistake how many pieces, and of a piece how many titles and ids."""


class LinkView(msgspec.Struct, frozen=True):
    """A link to an earlier event (its own id and title), the strongest of `of` links: its log-odds, and the
    contributions for and against it, in words.
    """

    earlier: str
    title: str
    of: int
    score: float
    why: tuple[str, ...]
    against: tuple[str, ...]


class CauseView(msgspec.Struct, frozen=True):
    """Why the first event of a piece was assigned as it was; see `processors.evaluation.error_causes.Cause`."""

    event: str
    title: str
    joined: LinkView | None
    own: int
    missed: LinkView | None


class PieceView(msgspec.Struct, frozen=True):
    """A piece of a mistake: the true group's name or our group's explanation (the other is empty), its events, some of
    their ids and titles, and the number of further titles. The piece that began first has no cause.
    """

    name: str
    claim: str
    events: int
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    more: int
    cause: CauseView | None


class MistakeView(msgspec.Struct, frozen=True):
    """A mistake about a true group with this name, or about a group of ours with this explanation."""

    stream: str
    name: str
    claim: str
    wrong_pairs: int
    events: int
    pieces: tuple[PieceView, ...]
    more: int


class MistakesReport(msgspec.Struct, frozen=True):
    """A model's worst mistakes: wrong merges (belong apart) and wrong splits (belong together)."""

    name: str
    merges: tuple[MistakeView, ...]
    splits: tuple[MistakeView, ...]


class StreamContext(msgspec.Struct, frozen=True):
    """A stream, the groups that a model made of it, and what explains them."""

    case: Case
    groups: Mapping[int, Group]
    grouping: Mapping[int, int]
    activities: Mapping[int, Activity]
    causes: ErrorCauses


def mistakes_report(cases: Sequence[Case], trial: ModelGroupings, limit: int) -> MistakesReport:
    """Returns the `limit` worst mistakes of each kind, by the number of wrong pairs."""
    found: dict[str, tuple[Case, int, Mapping[int, int]]] = {
        case.stream: (case, at, grouping_of(trial.groups[at])) for at, case in enumerate(cases)
    }
    merged = worst_mistakes(
        [one for case, _, grouping in found.values() for one in wrong_merges(case, grouping)], limit
    )
    split = worst_mistakes([one for case, _, grouping in found.values() for one in wrong_splits(case, grouping)], limit)
    streams = {}
    for name in {one.stream for one in (*merged, *split)}:
        case, at, grouping = found[name]
        causes = ErrorCauses(case, grouping, trial.models[at])
        streams[name] = StreamContext(
            case, trial.groups[at], grouping, {one.id: one for one in case.activities}, causes
        )
    return MistakesReport(
        name=trial.name,
        merges=tuple(_mistake_view(one, streams[one.stream], ours_is_whole=True) for one in merged),
        splits=tuple(_mistake_view(one, streams[one.stream], ours_is_whole=False) for one in split),
    )


def _mistake_view(mistake: Mistake, context: StreamContext, *, ours_is_whole: bool) -> MistakeView:
    causes = context.causes.causes_of(mistake)
    pieces = tuple(
        PieceView(
            name=shorten(str(piece.name)) if ours_is_whole else "",
            claim="" if ours_is_whole else _describe_group(context.groups, piece.name),
            events=len(piece.ids),
            ids=tuple(_source_id_of(context, id) for id in piece.ids[:MAX_TITLES]),
            titles=(titles := count_titles(context.activities[id] for id in piece.ids))[:MAX_TITLES],
            more=max(len(titles) - MAX_TITLES, 0),
            cause=None if cause is None else _cause_view(cause, context),
        )
        for piece, cause in zip(mistake.pieces[:MAX_PIECES], causes, strict=False)
    )
    return MistakeView(
        stream=mistake.stream,
        name="" if ours_is_whole else shorten(str(mistake.name)),
        claim=_describe_group(context.groups, mistake.name) if ours_is_whole else "",
        wrong_pairs=mistake.wrong_pairs,
        events=sum(len(piece.ids) for piece in mistake.pieces),
        pieces=pieces,
        more=max(len(mistake.pieces) - MAX_PIECES, 0),
    )


def _describe_group(groups: Mapping[int, Group], name: object) -> str:
    """The confidence and explanation of a group, in words. Excluded activities are in no group."""
    group = groups.get(name) if isinstance(name, int) else None
    if group is None:
        return "in no group"
    reasons = "; ".join(map(in_words, group.why)) or ("an event by itself" if len(group.members) == 1 else "no reason")
    return f"{group.disposition.value}, {100 * group.confidence / SCORE_SCALE:.0f}% sure: {reasons}"


def _source_id_of(context: StreamContext, id: int) -> str:
    return shorten(context.case.source_ids.get(id, str(id)))


def _cause_view(cause: Cause, context: StreamContext) -> CauseView:
    return CauseView(
        event=_source_id_of(context, cause.event),
        title=activity_title(context.activities[cause.event]),
        joined=_link_view(cause.joined_link, context),
        own=cause.same_group_count,
        missed=_link_view(cause.missed_link, context),
    )


def _link_view(link: Link | None, context: StreamContext) -> LinkView | None:
    if link is None:
        return None
    return LinkView(
        earlier=_source_id_of(context, link.earlier),
        title=activity_title(context.activities[link.earlier]),
        of=link.compared,
        score=link.score / SCORE_SCALE,
        why=tuple(map(_contribution_text, link.reasons_for)),
        against=tuple(map(_contribution_text, link.reasons_against)),
    )


def _contribution_text(reason: PairContribution) -> str:
    """A contribution in words, with the range it was learned from: `a long time lies between (-1.2) [gap: 3,600 or
    more]`.
    """
    return f"{in_words(FeatureContribution(reason.feature, reason.added))} [{reason.feature}: {reason.value}]"


def cause_sentences(cause: CauseView) -> Iterator[str]:
    """Two sentences: what decided for the group that an event is in, and what it lacked for its true group."""
    joined, missed = cause.joined, cause.missed
    if joined is None:
        yield f"“{cause.title}” began a group"
    else:
        yield f"“{cause.title}” was joined to “{joined.title}”, {_describe_link(joined)}"
    if missed is not None:
        yield f"its own that it was not joined to: “{missed.title}”, {_describe_link(missed)}"
    elif cause.own:
        yield f"it was compared with none of the {cause.own} earlier ones of its own that are elsewhere"
    else:
        yield "it is the first of its own"


def _describe_link(link: LinkView) -> str:
    best = f"the best of {link.of}, " if link.of > 1 else ""
    said = [f"For: {'; '.join(link.why)}"] if link.why else []
    said += [f"Against: {'; '.join(link.against)}"] if link.against else []
    return ". ".join([f"{best}at {link.score:+.1f}", *said])
