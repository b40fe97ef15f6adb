"""Learns a grouping model from labelled streams: words, trees, thresholds and the confidence of groups.

Streams are dealt into folds. The features of a stream use words counted over the other folds. Settings of trees,
thresholds and the confidence are chosen by how models group streams that they weren't learned from. The same folds
choose all of these, among a few values each, so the stated confidence is a little better than the true one.

    fold ──▶ words of the others ──▶ training lists ──▶ trees of the others ──▶ micro-clusters of the fold
    ──▶ trees over the others' cluster pairs ──▶ groups of the fold ──▶ confidence
    training lists and cluster pairs of all folds ──▶ trees; all streams ──▶ words
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.cluster_pair_features import CLUSTER_PAIR_FEATURES
from processors.grouping.clustering.cluster_similarity import ClusterSimilarity
from processors.grouping.model.grouping_model import (
    ClusteringThresholds,
    Domain,
    Model,
    Pruning,
    Similarity,
    with_manifest,
)
from processors.grouping.similarity.log_odds import LEAST
from processors.training.boosting import Settings
from processors.training.confidence_training import JudgedGroup, fit_confidence
from processors.training.examples import Examples, examples, joined
from processors.training.held_out_results import outcomes, surely_better, worth, worths
from processors.training.labelled_streams import Labelled, deal_folds, enough_streams, labelled_only
from processors.training.micro_cluster_examples import ClusteredStream, cluster_stream, examples_of, sums_of
from processors.training.tree_training import Tell, TrainedTrees, TrainingLists, train_trees
from processors.training.vocabulary import vocabulary

GROWN = {
    Domain.WORK: (
        Settings(leaves=4, levels=2, rate=0.2, rounds=250, share=0.25, beyond=2),
        Settings(leaves=24, levels=-1, rate=0.15, rounds=200, ridge=20.0, ahead=0.03),
    ),
    Domain.TALK: (
        Settings(leaves=4, levels=2, rate=0.2, rounds=200),
        Settings(leaves=32, levels=-1, rate=0.1, rounds=600, ridge=20.0),
    ),
}
"""How trees over pairs of activities may be grown: small trees for few streams, large ones for many, chosen by measured
loss. For work, large trees must be well ahead, because small ones are faster to evaluate and group better at an equal
loss.
"""

MERGED = (Settings(leaves=8, levels=4, rate=0.1, rounds=300),)
"""How trees over cluster pairs are grown."""

OVERS = {Domain.WORK: (0, 300_000, 1_500_000, 3_000_000), Domain.TALK: (1_000_000,)}
"""The thresholds that are tried for joining a micro-cluster (`ClusteringThresholds.over`). Where activities have many
words, 0 suffices. Where the first activities show little, a high threshold keeps micro-clusters short, and what they
belong to is decided when more of them is known.
"""

MERGINGS = {Domain.WORK: (-300_000, 0, 300_000), Domain.TALK: (-900_000,)}
"""The same for joining a group (`ClusteringThresholds.merging`). Talk has only one value of each: conversations begin
more often in the training part of its corpus than in the dev part, by which these two values were chosen.
"""


class Fold(msgspec.Struct, frozen=True):
    """The streams of a fold, and the model with the words of all others."""

    streams: Sequence[Labelled]
    base: Model


class ChosenThresholds(msgspec.Struct, frozen=True):
    """When to join in one domain, and the trees over cluster pairs; None where there are none."""

    joining: ClusteringThresholds
    merging: TrainedTrees | None


def learn(
    base: Model,
    streams: Sequence[Labelled],
    name: str,
    tell: Tell = lambda _: None,
    words_of: Callable[[Labelled], bool] = lambda _: True,
) -> Model:
    """Returns the base model with all that is learned from these streams. The result is the same for the same streams
    in any order.

    `words_of` tells whether the words of a stream are counted: those of a generated stream aren't a person's.
    """
    streams = [labelled_only(stream) for stream in streams]
    blocks, worded = enough_streams(streams), [one for one in streams if words_of(one)]
    folds = [_fold(base, part, [one for one in blocks if words_of(one)]) for part in deal_folds(blocks) if part]
    tells = {domain: _telling(tell, domain) for domain in Domain}
    trees = {
        domain: train_trees(_training_lists(folds, domain), len(folds), GROWN[domain], tells[domain])
        for domain in Domain
    }
    linked = [_with_trees(fold.base, trees, number) for number, fold in enumerate(folds)]
    joined_by = _choose_thresholds(base, folds, linked, tells)
    pruning, judged = _judged(base, folds, [_with_joining(one, joined_by, at) for at, one in enumerate(linked)])
    whole = _with_joining(_with_trees(with_words(base, worded), trees, ALL), joined_by, ALL)
    # Where all groups are outliers there is nothing to fit.
    confidence = fit_confidence(judged) if any(judged) else base.confidence
    return with_manifest(msgspec.structs.replace(whole, pruning=pruning, confidence=confidence, name=name, version=""))


ALL = None
"""Used in the place of a fold's number: learned from all folds."""


def _telling(tell: Tell, domain: Domain) -> Tell:
    return lambda text: tell(f"{domain.value}: {text}")


def _with_trees(model: Model, trees: Mapping[Domain, TrainedTrees | None], number: int | None) -> Model:
    """Returns the model with the trees of the fold of that number. Where none were grown the model keeps its own."""
    found = {domain: _trees(one, number) for domain, one in trees.items() if one}
    return msgspec.structs.replace(model, similarity={**model.similarity, **found})


def _with_joining(model: Model, by: Mapping[Domain, ChosenThresholds], number: int | None) -> Model:
    joining = {domain: one.joining for domain, one in by.items()}
    merging = {domain: _trees(one.merging, number) for domain, one in by.items() if one.merging}
    # In domains without chosen thresholds the model keeps its trees.
    kept = {domain: trees for domain, trees in model.merging.items() if domain not in by}
    return msgspec.structs.replace(model, joining={**model.joining, **joining}, merging=kept | merging)


def _trees(of: TrainedTrees, number: int | None) -> Similarity:
    return of.of_all if number is None else of.of_folds[number]


def _choose_thresholds(
    base: Model, folds: Sequence[Fold], models: Sequence[Model], tells: Mapping[Domain, Tell]
) -> dict[Domain, ChosenThresholds]:
    """Chooses thresholds and trees over cluster pairs: of those tried, the best for streams that weren't
    learned from.
    """
    tried = sorted({over for overs in OVERS.values() for over in overs})
    found: dict[Domain, dict[int, list[ClusteredStream]]] = {
        domain: {over: [] for over in OVERS[domain]} for domain in Domain
    }
    of: list[int] = []
    for number, (fold, model) in enumerate(zip(folds, models, strict=True)):
        for stream in fold.streams:
            of.append(number)
            for over, by_regime in zip(
                tried, cluster_stream(stream.activities, stream.gold, model, tried), strict=True
            ):
                for domain, one in by_regime.items():
                    if over in found[domain]:
                        found[domain][over].append(one)
    return {
        domain: best
        for domain, every in found.items()
        if (best := _best(base.joining[domain], MERGINGS[domain], every, of, len(folds), tells[domain]))
    }


def _best(
    joining: ClusteringThresholds,
    mergings: Sequence[int],
    tried: Mapping[int, Sequence[ClusteredStream]],
    of: Sequence[int],
    folds: int,
    tell: Tell,
) -> ChosenThresholds | None:
    """Returns the first threshold that is tried, with the best of its mergings, or a later one that is clearly better.
    The margin is needed because the longest piece of work of one person outweighs most differences.

    `tried` has the micro-clusters of all streams for each `ClusteringThresholds.over`.
    """
    best: tuple[npt.NDArray[np.float64], ChosenThresholds] | None = None
    for over, every in tried.items():
        streams = [(one, number) for one, number in zip(every, of, strict=True) if one.gold]
        if not streams:
            return None
        merging = train_trees(_cluster_pair_lists(streams), folds, MERGED, lambda _: None)
        similarities = [ClusterSimilarity(merging.of_folds[number]) if merging else None for _, number in streams]
        values = [
            (
                worths(
                    [sums_of(one, similarity, at) for (one, _), similarity in zip(streams, similarities, strict=True)]
                ),
                at,
            )
            for at in (mergings if merging else mergings[:1])
        ]
        value, threshold = max(values, key=lambda one: one[0].mean())
        if best is None or surely_better(value, best[0]):
            best = value, ChosenThresholds(ClusteringThresholds(over, joining.floor, threshold), merging)
        tell(f"micro-clusters over {over / 1e6:g}: {value.mean():.1f}, best so far {best[0].mean():.1f}")
    return best[1] if best else None


def _judged(base: Model, folds: Sequence[Fold], models: Sequence[Model]) -> tuple[Pruning, list[list[JudgedGroup]]]:
    """Chooses between the base's pruning and one of lone activities only. Returns it with the judged groups of each
    fold.
    """
    tried = [base.pruning, msgspec.structs.replace(base.pruning, loose=LEAST)]
    found = []
    for fold, model in zip(folds, models, strict=True):
        pruned = [msgspec.structs.replace(model, pruning=pruning) for pruning in tried]
        found.append([outcomes(stream, pruned) for stream in fold.streams])
    best = max(range(len(tried)), key=lambda at: worth([one[at].sums for part in found for one in part]))
    return tried[best], [[judged for one in part for judged in one[best].judged] for part in found]


def _cluster_pair_lists(streams: Sequence[tuple[ClusteredStream, int]]) -> TrainingLists:
    parts = [examples_of(one) for one, _ in streams]
    counts = [len(examples.counts) for examples, _ in parts]
    weights = [sizes**0.5 * max(len(sizes), 1) ** -0.5 for _, sizes in parts]
    filled = [examples for examples, _ in parts if len(examples.counts)]
    if not filled:
        return TrainingLists(joined([parts[0][0]]), np.zeros(0, dtype=np.int64), np.zeros(0), CLUSTER_PAIR_FEATURES)
    return TrainingLists(
        joined(filled),
        np.repeat([number for _, number in streams], counts),
        np.concatenate(weights),
        CLUSTER_PAIR_FEATURES,
    )


def with_words(base: Model, streams: Sequence[Labelled]) -> Model:
    """Returns the base model with the words of these streams; unchanged where there are none."""
    if not streams:
        return base
    learned = vocabulary(streams, base.apps)
    # Words that carry no meaning anywhere, such as "inbox", were collected by hand.
    silent = {word: 0 for word, weight in base.rarity.items() if weight == 0}
    return msgspec.structs.replace(
        base, rarity=learned.rarity | silent, rarity_else=learned.rarity_else, opening=learned.opening
    )


def _fold(base: Model, part: Sequence[Labelled], worded: Sequence[Labelled]) -> Fold:
    names = {one.name for one in part}
    return Fold(part, with_words(base, [one for one in worded if one.name not in names]))


def _training_lists(folds: Sequence[Fold], domain: Domain) -> TrainingLists:
    found: list[Examples] = []
    of: list[int] = []
    for number, fold in enumerate(folds):
        found += [examples(one.activities, one.gold, fold.base, domain) for one in fold.streams]
        of += [number] * len(fold.streams)
    counts = [len(one.counts) for one in found]
    # So that the longest streams don't decide everything, nor a short one as much as a long one.
    weights = [max(count, 1) ** -0.5 for count in counts]
    return TrainingLists(joined(found), np.repeat(of, counts), np.repeat(weights, counts))
