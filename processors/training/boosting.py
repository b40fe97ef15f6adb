"""Grows trees by a listwise loss: the right answers of a list together should have all of its probability.

The loss of a list is -log of the summed softmax of its right answers, so any earlier member of the same group is a
right answer. LightGBM grows the trees on features cut into bins; the result has integers only.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import floor
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from processors.grouping.clustering.cluster_pair_features import BETWEEN
from processors.grouping.features.pair_features import FEATURES, MISSING
from processors.grouping.model.grouping_model import Similarity
from processors.grouping.model.trees import Split, Tree
from processors.training.examples import Examples

MOST_EDGES = 250
LEAST_HESSIAN = 1e-3
LEAST_ROWS = 50
"""The least number of rows in a leaf."""

HIGHEST = 2**31 - 1

MONOTONE = {
    **dict.fromkeys(("gap", "days", "less_alike", "less_rare", "less_files"), -1),
    **dict.fromkeys(("overlap", "likeness", "rare_words", "title", "beginning", "page", "files", "shared_files"), 1),
    **dict.fromkeys(("file_words", "folders", "title_in_files", "files_in_title", "people"), 1),
    **dict.fromkeys(("linked", "begins", "share", "back", *BETWEEN), 1),
    **dict.fromkeys(("less_linked", "less_share", "after"), -1),
}
"""Features of which more never counts against two activities, or micro-clusters, being one piece of work (1), or never
counts for it (-1).
"""

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


class Settings(msgspec.Struct, frozen=True):
    """How trees are grown: their size, their number, and how much each adds. Trees of two levels are evaluated fastest.

    `ridge` is added to a leaf's hessian, which must be at least a fourth of it. Where lists are almost decided the
    hessian is close to 0; the gradient isn't, if one was decided wrongly. Without a ridge the leaves of large trees
    would then explode.

    Each tree may use a `share` of the features, drawn anew. Where the data is of few people, trees that may use all
    features learn the habits of those people and miss other signs of the same.

    `beyond` multiplies the number of rounds at which the held-out loss is least. After more rounds the best answer's
    probability is too high, but the best answer is right more often. `ahead` is the share by which the loss must be
    less than that of settings tried before.
    """

    leaves: int
    levels: int
    rate: float
    rounds: int
    ridge: float = 0.0
    share: float = 1.0
    beyond: int = 1
    ahead: float = 0.0


class Objective:
    """Gradient and hessian of the listwise loss; `weights` are those of the lists."""

    def __init__(self, examples: Examples, weights: Floats) -> None:
        ends = np.cumsum(examples.counts)
        self._starts = ends - examples.counts
        self._of = np.repeat(np.arange(len(ends)), examples.counts)
        self._right = examples.right.astype(np.float64)
        self._stands = examples.stands.astype(np.float64)
        self._weights = weights

    def __call__(self, scores: Floats, _: object) -> tuple[Floats, Floats]:
        """Returns gradient and hessian, as LightGBM's interface for objectives requires."""
        share, right = self._shares(scores)
        weights = self._weights[self._of]
        return (share - right) * weights, np.maximum(share * (1 - share), LEAST_HESSIAN) * weights

    def loss(self, scores: Floats) -> float:
        """Returns the weighted mean over lists, in nats."""
        share, _ = self._shares(scores)
        of_right = np.add.reduceat(share * self._right, self._starts)
        return float(-(np.log(np.maximum(of_right, 1e-12)) * self._weights).sum() / self._weights.sum())

    def _shares(self, scores: Floats) -> tuple[Floats, Floats]:
        most = np.maximum.reduceat(scores, self._starts)[self._of]
        raised = np.exp(scores - most) * self._stands
        share = raised / np.add.reduceat(raised, self._starts)[self._of]
        right = raised * self._right
        return share, right / np.add.reduceat(right, self._starts)[self._of]


class TrainingData:
    """Lists on which trees are grown, with the weight of each. They are cut into bins once, whichever lists are learned
    from.
    """

    def __init__(self, examples: Examples, weights: Floats, names: Sequence[str] = FEATURES) -> None:
        """`names` are those of the examples' columns."""
        import lightgbm

        self._examples, self._weights = examples, weights
        self._sense = [MONOTONE.get(name, 0) for name in names]
        self._data = lightgbm.Dataset(
            _known(examples.rows),
            np.zeros(len(examples.rows)),
            params={"max_bin": MOST_EDGES, "min_data_in_bin": 1, "feature_pre_filter": False, "verbosity": -1},
        ).construct()

    def grow(self, lists: Truths, settings: Settings) -> "Boosting":
        """Begins to grow trees on these lists. The result is the same for the same rows, whatever the
        machine's cores.
        """
        import lightgbm

        rows = np.flatnonzero(np.repeat(lists, self._examples.counts)).tolist()
        weights = self._weights[lists]
        parameters = {
            "objective": "none",
            "num_leaves": settings.leaves,
            "max_depth": settings.levels,
            "learning_rate": settings.rate,
            "min_data_in_leaf": LEAST_ROWS,
            "min_sum_hessian_in_leaf": max(settings.ridge / 4, LEAST_HESSIAN),
            "lambda_l2": settings.ridge,
            "feature_fraction": settings.share,
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            "monotone_constraints": self._sense,
            "seed": 1,
            "verbosity": -1,
        }
        data = self._data if lists.all() else self._data.subset(rows)
        objective = Objective(self._examples.some(lists), weights / weights.mean())
        return Boosting(lightgbm.Booster(parameters, data), objective)

    def held(self, lists: Truths) -> "HeldOut":
        """Returns these lists as held-out data, for measuring the loss."""
        return HeldOut(self._examples.some(lists), self._weights[lists])


class Boosting:
    """Trees that are being grown; `booster` is LightGBM's."""

    def __init__(self, booster: Any, objective: Objective) -> None:
        self.booster, self._objective = booster, objective

    def more(self, rounds: int) -> "Boosting":
        """Grows this many more trees, and returns itself."""
        for _ in range(rounds):
            self.booster.update(fobj=self._objective)
        return self


class HeldOut:
    """Lists on which trees aren't grown."""

    def __init__(self, examples: Examples, weights: Floats) -> None:
        self._rows, self._objective = _known(examples.rows), Objective(examples, weights)
        self._scores, self._asked = np.zeros(len(self._rows)), 0

    def loss(self, growing: Boosting) -> float:
        """Returns the loss of these lists after all trees grown so far."""
        booster = growing.booster
        new = booster.current_iteration() - self._asked
        self._scores += booster.predict(self._rows, start_iteration=self._asked, num_iteration=new, num_threads=1)
        self._asked += new
        return self._objective.loss(self._scores)


def _known(rows: npt.NDArray[np.int32]) -> Floats:
    """Returns the rows as LightGBM expects them: missing values are NaN."""
    found = rows.astype(np.float64)
    found[rows == MISSING] = np.nan
    return found


def similarity_of(booster: Any, rounds: int, names: Sequence[str] = FEATURES) -> Similarity | None:
    """Returns the booster's first trees in integers; None where no tree splits. Each feature's edges are exactly the
    thresholds of the trees.
    """
    roots = [one["tree_structure"] for one in booster.dump_model(num_iteration=rounds)["tree_info"]]
    roots = [root for root in roots if "split_feature" in root]
    if not roots:
        return None
    cuts: dict[int, set[int]] = {}
    for node in chain.from_iterable(map(_splits, roots)):
        cuts.setdefault(node["split_feature"], set()).add(_cut(node))
    asked = sorted(cuts, key=names.__getitem__)
    edges = {feature: tuple(sorted(cuts[feature])) for feature in asked}
    trees = tuple(_tree(root, edges) for root in roots)
    return Similarity({names[feature]: found for feature, found in edges.items()}, trees)


def _splits(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _cut(node: Mapping[str, Any]) -> int:
    """Returns the edge for a split's threshold: integers up to the threshold go left, and those from the edge on go
    right.

    A split of missing values from all others has a threshold above every number.
    """
    return floor(min(float(node["threshold"]), HIGHEST - 1.0)) + 1


def _tree(root: Mapping[str, Any], edges: Mapping[int, tuple[int, ...]]) -> Tree:
    splits: list[Split] = []
    leaves: list[int] = []
    places = {feature: place for place, feature in enumerate(edges)}

    def walk(node: Mapping[str, Any]) -> int:
        if "split_feature" not in node:
            leaves.append(_millionths(node["leaf_value"]))
            return ~(len(leaves) - 1)
        number = len(splits)
        splits.append(Split(0, 0, 0, 0, 0))
        left, right = walk(node["left_child"]), walk(node["right_child"])
        feature, value = node["split_feature"], _millionths(node["internal_value"])
        # Where nothing was missing in training, LightGBM treats missing values as 0.
        missing_left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        step = edges[feature].index(_cut(node)) + 1
        splits[number] = Split(places[feature], step, left, right, value, missing_left)
        return number

    walk(root)
    return Tree(tuple(splits), tuple(leaves))


def _millionths(value: float) -> int:
    return round(value * 1_000_000)
