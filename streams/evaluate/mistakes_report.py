"""A model's worst mistakes, to be read by a person: what lies together or apart, in their own titles, and why."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from processors.evaluation.comparison import Case, Trial, grouping_of
from processors.evaluation.error_causes import Cause, Causes, Link, Reason
from processors.evaluation.mistakes import Mistake, merges, splits, worst
from processors.evaluation.titles import cut, title_of, titles_of
from processors.grouping.outcome.reasons import in_words
from schemas.groups import SCORE_SCALE, FeatureContribution, Group
from schemas.values import Activity

MISTAKES, PIECES, TITLES = 6, 4, 3
"""How many mistakes of each kind are shown, of a mistake how many pieces, and of a piece how many titles and ids."""


class LinkShown(msgspec.Struct, frozen=True):
    """A link to an earlier event (its own id and title), the strongest `of` so many: its logit, and what spoke for and
    against it, in words.
    """

    earlier: str
    title: str
    of: int
    score: float
    why: tuple[str, ...]
    against: tuple[str, ...]


class CauseShown(msgspec.Struct, frozen=True):
    """Why a piece's first event lies where it lies; see `processors.evaluation.error_causes.Cause`."""

    event: str
    title: str
    joined: LinkShown | None
    own: int
    missed: LinkShown | None


class PieceShown(msgspec.Struct, frozen=True):
    """A piece of a mistake: the true group's name or what our group claims (the other is empty), its events, some of
    their ids and titles, and how many more titles there are. The piece that began first has no cause.
    """

    name: str
    claim: str
    events: int
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    more: int
    cause: CauseShown | None


class MistakeShown(msgspec.Struct, frozen=True):
    """A mistake, of a true group with this name, or of a group of ours that claims this."""

    stream: str
    name: str
    claim: str
    wrong_pairs: int
    events: int
    pieces: tuple[PieceShown, ...]
    more: int


class Mistaken(msgspec.Struct, frozen=True):
    """A model's worst mistakes: what it put together and belongs apart, and the other way round."""

    name: str
    merges: tuple[MistakeShown, ...]
    splits: tuple[MistakeShown, ...]


class Stream(msgspec.Struct, frozen=True):
    """A stream, what a model made of it, and how to find out why."""

    case: Case
    groups: Mapping[int, Group]
    grouping: Mapping[int, int]
    activities: Mapping[int, Activity]
    causes: Causes


def mistaken(cases: Sequence[Case], trial: Trial, most: int) -> Mistaken:
    """So many of each kind, those of most wrong pairs first."""
    found: dict[str, tuple[Case, int, Mapping[int, int]]] = {
        case.stream: (case, at, grouping_of(trial.groups[at])) for at, case in enumerate(cases)
    }
    merged = worst([one for case, _, grouping in found.values() for one in merges(case, grouping)], most)
    split = worst([one for case, _, grouping in found.values() for one in splits(case, grouping)], most)
    streams = {}
    for name in {one.stream for one in (*merged, *split)}:
        case, at, grouping = found[name]
        causes = Causes(case, grouping, trial.models[at])
        streams[name] = Stream(case, trial.groups[at], grouping, {one.id: one for one in case.activities}, causes)
    return Mistaken(
        name=trial.name,
        merges=tuple(_shown(one, streams[one.stream], ours_is_whole=True) for one in merged),
        splits=tuple(_shown(one, streams[one.stream], ours_is_whole=False) for one in split),
    )


def _shown(mistake: Mistake, of: Stream, *, ours_is_whole: bool) -> MistakeShown:
    causes = of.causes.of(mistake)
    pieces = tuple(
        PieceShown(
            name=cut(str(piece.name)) if ours_is_whole else "",
            claim="" if ours_is_whole else _claim(of.groups, piece.name),
            events=len(piece.ids),
            ids=tuple(_own_id(of, id) for id in piece.ids[:TITLES]),
            titles=(titles := titles_of(of.activities[id] for id in piece.ids))[:TITLES],
            more=max(len(titles) - TITLES, 0),
            cause=None if cause is None else _cause(cause, of),
        )
        for piece, cause in zip(mistake.pieces[:PIECES], causes, strict=False)
    )
    return MistakeShown(
        stream=mistake.stream,
        name="" if ours_is_whole else cut(str(mistake.name)),
        claim=_claim(of.groups, mistake.name) if ours_is_whole else "",
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
    return f"{group.disposition.value}, {100 * group.confidence / SCORE_SCALE:.0f}% sure: {reasons}"


def _own_id(of: Stream, id: int) -> str:
    return cut(of.case.names.get(id, str(id)))


def _cause(cause: Cause, of: Stream) -> CauseShown:
    return CauseShown(
        event=_own_id(of, cause.event),
        title=title_of(of.activities[cause.event]),
        joined=_link(cause.joined, of),
        own=cause.own,
        missed=_link(cause.missed, of),
    )


def _link(link: Link | None, of: Stream) -> LinkShown | None:
    if link is None:
        return None
    return LinkShown(
        earlier=_own_id(of, link.earlier),
        title=title_of(of.activities[link.earlier]),
        of=link.of,
        score=link.score / SCORE_SCALE,
        why=tuple(map(_reason, link.why)),
        against=tuple(map(_reason, link.against)),
    )


def _reason(reason: Reason) -> str:
    """In words, with what it was learned from: `a long time lies between (-1.2) [gap: 3,600 or more]`."""
    return f"{in_words(FeatureContribution(reason.feature, reason.added))} [{reason.feature}: {reason.value}]"


def lines_of(cause: CauseShown) -> Iterator[str]:
    """What decided, in a sentence for the group that it is in, and one for its own."""
    joined, missed = cause.joined, cause.missed
    if joined is None:
        yield f"“{cause.title}” began a group"
    else:
        yield f"“{cause.title}” was joined to “{joined.title}”, {_told(joined)}"
    if missed is not None:
        yield f"its own that it was not joined to: “{missed.title}”, {_told(missed)}"
    elif cause.own:
        yield f"it was compared with none of the {cause.own} earlier ones of its own that are elsewhere"
    else:
        yield "it is the first of its own"


def _told(link: LinkShown) -> str:
    best = f"the best of {link.of}, " if link.of > 1 else ""
    said = [f"For: {'; '.join(link.why)}"] if link.why else []
    said += [f"Against: {'; '.join(link.against)}"] if link.against else []
    return ". ".join([f"{best}at {link.score:+.1f}", *said])
