"""Learns a grouping model from labelled streams: words, trees, and how sure groups may be.

Streams are dealt into folds. What is asked of a stream is asked with words counted over the others, and everything that
is chosen (how trees are grown, when to join, how sure a group is) is chosen by what models make of streams that they
didn't see. The same folds choose all of it, of a few ways each: confidence is told a little better than it is.

    fold ──▶ words of the others ──▶ examples ──▶ trees of the others ──▶ strands of the fold ──▶ trees of the others'
    strands ──▶ groups of the fold ──▶ confidence
    all folds' examples, and strands ──▶ trees; all streams ──▶ words
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.cluster_pair_features import TIES
from processors.grouping.clustering.cluster_similarity import Merger
from processors.grouping.model.grouping_model import Joining, Model, Pruning, Regime, Similarity, with_manifest
from processors.grouping.similarity.log_odds import LEAST
from processors.training.boosting import Settings
from processors.training.confidence_training import Judged, fitted
from processors.training.examples import Examples, examples, joined
from processors.training.held_out_results import outcomes, surely_better, worth, worths
from processors.training.labelled_streams import Labelled, dealt, enough, taught
from processors.training.micro_cluster_examples import Strung, lessons_of, strung, sums_of
from processors.training.tree_training import Grown, Lessons, Tell, grown
from processors.training.vocabulary import vocabulary

GROWN = {
    Regime.WORK: (
        Settings(leaves=4, levels=2, rate=0.2, rounds=250, share=0.25, beyond=2),
        Settings(leaves=24, levels=-1, rate=0.15, rounds=200, ridge=20.0, ahead=0.03),
    ),
    Regime.TALK: (
        Settings(leaves=4, levels=2, rate=0.2, rounds=200),
        Settings(leaves=32, levels=-1, rate=0.1, rounds=600, ridge=20.0),
    ),
}
"""How trees over pairs of activities may be grown: small for few streams, large for many; which, is measured.
Over work large ones must be well ahead: small ones are asked faster, and at an equal loss they group better.
"""

MERGED = (Settings(leaves=8, levels=4, rate=0.1, rounds=300),)
"""How trees over pairs of strands are grown."""

OVERS = {Regime.WORK: (0, 300_000, 1_500_000, 3_000_000), Regime.TALK: (1_000_000,)}
"""What may have to speak for joining a strand (`Joining.over`): where words are many nothing; where beginnings say
little, so much that strands stay short, and what they belong to is decided when more of them is known.
"""

MERGINGS = {Regime.WORK: (-300_000, 0, 300_000), Regime.TALK: (-900_000,)}
"""The same for joining a group (`Joining.merging`). Of talk there is one of each: in the training part of the corpus
that it is learned from conversations begin oftener than in its dev part, by which these are chosen.
"""


class Fold(msgspec.Struct, frozen=True):
    """Streams, and the model with words of all others."""

    streams: Sequence[Labelled]
    base: Model


class Joined(msgspec.Struct, frozen=True):
    """When to join in one regime, and the trees of strands, of which there may be none."""

    joining: Joining
    merging: Grown | None


def learn(
    base: Model,
    streams: Sequence[Labelled],
    name: str,
    tell: Tell = lambda _: None,
    words_of: Callable[[Labelled], bool] = lambda _: True,
) -> Model:
    """The base model with what these streams teach; the same for the same streams, in whatever order they come.

    `words_of` says whose words are counted: a generator's say nothing about anybody's.
    """
    streams = [taught(stream) for stream in streams]
    blocks, worded = enough(streams), [one for one in streams if words_of(one)]
    folds = [_fold(base, part, [one for one in blocks if words_of(one)]) for part in dealt(blocks) if part]
    told = {regime: _telling(tell, regime) for regime in Regime}
    trees = {regime: grown(_lessons(folds, regime), len(folds), GROWN[regime], told[regime]) for regime in Regime}
    linked = [_with_trees(fold.base, trees, number) for number, fold in enumerate(folds)]
    joined_by = _joined(base, folds, linked, told)
    pruning, judged = _judged(base, folds, [_with_joining(one, joined_by, at) for at, one in enumerate(linked)])
    whole = _with_joining(_with_trees(with_words(base, worded), trees, ALL), joined_by, ALL)
    confidence = fitted(judged) if any(judged) else base.confidence  # of nothing but outliers nothing is learned
    return with_manifest(msgspec.structs.replace(whole, pruning=pruning, confidence=confidence, name=name, version=""))


ALL = None
"""In the place of a fold's number: what was learned from all of them."""


def _telling(tell: Tell, regime: Regime) -> Tell:
    return lambda said: tell(f"{regime.value}: {said}")


def _with_trees(model: Model, trees: Mapping[Regime, Grown | None], number: int | None) -> Model:
    """With the trees of the fold of that number; where none were grown the model keeps its own."""
    found = {regime: _trees(one, number) for regime, one in trees.items() if one}
    return msgspec.structs.replace(model, similarity={**model.similarity, **found})


def _with_joining(model: Model, by: Mapping[Regime, Joined], number: int | None) -> Model:
    joining = {regime: one.joining for regime, one in by.items()}
    merging = {regime: _trees(one.merging, number) for regime, one in by.items() if one.merging}
    kept = {regime: trees for regime, trees in model.merging.items() if regime not in by}  # what wasn't judged with it
    return msgspec.structs.replace(model, joining={**model.joining, **joining}, merging=kept | merging)


def _trees(of: Grown, number: int | None) -> Similarity:
    return of.of_all if number is None else of.of_folds[number]


def _joined(
    base: Model, folds: Sequence[Fold], models: Sequence[Model], told: Mapping[Regime, Tell]
) -> dict[Regime, Joined]:
    """When to join, and trees of strands: of what is tried, the best for streams that weren't learned from."""
    tried = sorted({over for overs in OVERS.values() for over in overs})
    found: dict[Regime, dict[int, list[Strung]]] = {regime: {over: [] for over in OVERS[regime]} for regime in Regime}
    of: list[int] = []
    for number, (fold, model) in enumerate(zip(folds, models, strict=True)):
        for stream in fold.streams:
            of.append(number)
            for over, by_regime in zip(tried, strung(stream.activities, stream.gold, model, tried), strict=True):
                for regime, one in by_regime.items():
                    if over in found[regime]:
                        found[regime][over].append(one)
    return {
        regime: best
        for regime, every in found.items()
        if (best := _best(base.joining[regime], MERGINGS[regime], every, of, len(folds), told[regime]))
    }


def _best(
    joining: Joining,
    mergings: Sequence[int],
    tried: Mapping[int, Sequence[Strung]],
    of: Sequence[int],
    folds: int,
    tell: Tell,
) -> Joined | None:
    """The first that is tried with the best of its mergings, or a later one that is surely better: one person's longest
    piece of work weighs more than most that differs. `tried` has the strands of all streams for each `Joining.over`.
    """
    best: tuple[npt.NDArray[np.float64], Joined] | None = None
    for over, every in tried.items():
        streams = [(one, number) for one, number in zip(every, of, strict=True) if one.gold]
        if not streams:
            return None
        merging = grown(_tie_lessons(streams), folds, MERGED, lambda _: None)
        mergers = [Merger(merging.of_folds[number]) if merging else None for _, number in streams]
        values = [
            (worths([sums_of(one, merger, at) for (one, _), merger in zip(streams, mergers, strict=True)]), at)
            for at in (mergings if merging else mergings[:1])
        ]
        value, threshold = max(values, key=lambda one: one[0].mean())
        if best is None or surely_better(value, best[0]):
            best = value, Joined(Joining(over, joining.floor, threshold), merging)
        tell(f"strands that join by {over / 1e6:g} or more: {value.mean():.1f}, kept {best[0].mean():.1f}")
    return best[1] if best else None


def _judged(base: Model, folds: Sequence[Fold], models: Sequence[Model]) -> tuple[Pruning, list[list[Judged]]]:
    """How to prune, as the base does or only who is alone, and of each fold which groups are right then."""
    tried = [base.pruning, msgspec.structs.replace(base.pruning, loose=LEAST)]
    found = []
    for fold, model in zip(folds, models, strict=True):
        pruned = [msgspec.structs.replace(model, pruning=pruning) for pruning in tried]
        found.append([outcomes(stream, pruned) for stream in fold.streams])
    best = max(range(len(tried)), key=lambda at: worth([one[at].sums for part in found for one in part]))
    return tried[best], [[judged for one in part for judged in one[best].judged] for part in found]


def _tie_lessons(streams: Sequence[tuple[Strung, int]]) -> Lessons:
    parts = [lessons_of(one) for one, _ in streams]
    counts = [len(examples.counts) for examples, _ in parts]
    weights = [sizes**0.5 * max(len(sizes), 1) ** -0.5 for _, sizes in parts]
    filled = [examples for examples, _ in parts if len(examples.counts)]
    if not filled:
        return Lessons(joined([parts[0][0]]), np.zeros(0, dtype=np.int64), np.zeros(0), TIES)
    return Lessons(joined(filled), np.repeat([number for _, number in streams], counts), np.concatenate(weights), TIES)


def with_words(base: Model, streams: Sequence[Labelled]) -> Model:
    """The base model with the words of these streams; with its own where there are none."""
    if not streams:
        return base
    told = vocabulary(streams, base.apps)
    # What says nothing anywhere, such as "inbox", was found out by hand.
    silent = {word: 0 for word, weight in base.rarity.items() if weight == 0}
    return msgspec.structs.replace(
        base, rarity=told.rarity | silent, rarity_else=told.rarity_else, opening=told.opening
    )


def _fold(base: Model, part: Sequence[Labelled], worded: Sequence[Labelled]) -> Fold:
    names = {one.name for one in part}
    return Fold(part, with_words(base, [one for one in worded if one.name not in names]))


def _lessons(folds: Sequence[Fold], regime: Regime) -> Lessons:
    found: list[Examples] = []
    of: list[int] = []
    for number, fold in enumerate(folds):
        found += [examples(one.activities, one.gold, fold.base, regime) for one in fold.streams]
        of += [number] * len(fold.streams)
    counts = [len(one.counts) for one in found]
    # Neither shall the longest streams decide everything, nor a short one as much as a long one.
    weights = [max(count, 1) ** -0.5 for count in counts]
    return Lessons(joined(found), np.repeat(of, counts), np.repeat(weights, counts))
