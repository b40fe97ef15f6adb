"""Trees that are learned listwise: whatever is right of a list shall have, together, all of its probability.

The loss of a list is -log of the summed softmax of its right answers, so any earlier member of the same group will do.
LightGBM grows the trees on features cut into steps; what comes out are whole numbers.
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
"""Of fewer rows nothing is learned."""

HIGHEST = 2**31 - 1

MONOTONE = {
    **dict.fromkeys(("gap", "days", "less_alike", "less_rare", "less_files"), -1),
    **dict.fromkeys(("overlap", "likeness", "rare_words", "title", "beginning", "page", "files", "shared_files"), 1),
    **dict.fromkeys(("file_words", "folders", "title_in_files", "files_in_title", "people"), 1),
    **dict.fromkeys(("linked", "begins", "share", "back", *BETWEEN), 1),
    **dict.fromkeys(("less_linked", "less_share", "after"), -1),
}
"""More of these never speaks against two activities, or strands, being one piece of work (1), or never for it (-1)."""

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


class Settings(msgspec.Struct, frozen=True):
    """How trees are grown: how large, how many, and how much each adds. Trees of two levels are asked the fastest.

    `ridge` is added to a leaf's hessian, which must be a fourth of it: where lists are all but decided the hessian is
    next to nothing and the gradient, if one was decided wrongly, is not, so without one leaves of large trees explode.
    Each tree may ask a `share` of the features, drawn anew: where few people are learned from, trees that may ask all
    learn those people's habits in the order in which they tell them apart, and no other sign of the same. `beyond` says
    how many times as many rounds are grown as lose the least of what isn't learned from: what is said of the best
    answer is too sure by then, but more often it is the right one. Where other ways
    are tried before, it must lose less than they do by the share `ahead`.
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
    """Gradient and hessian of the listwise loss; `weights` are the lists'."""

    def __init__(self, examples: Examples, weights: Floats) -> None:
        ends = np.cumsum(examples.counts)
        self._starts = ends - examples.counts
        self._of = np.repeat(np.arange(len(ends)), examples.counts)
        self._right = examples.right.astype(np.float64)
        self._stands = examples.stands.astype(np.float64)
        self._weights = weights

    def __call__(self, scores: Floats, _: object) -> tuple[Floats, Floats]:
        """What LightGBM asks of an objective."""
        share, right = self._shares(scores)
        weights = self._weights[self._of]
        return (share - right) * weights, np.maximum(share * (1 - share), LEAST_HESSIAN) * weights

    def loss(self, scores: Floats) -> float:
        """The weighted mean over lists, in nats."""
        share, _ = self._shares(scores)
        of_right = np.add.reduceat(share * self._right, self._starts)
        return float(-(np.log(np.maximum(of_right, 1e-12)) * self._weights).sum() / self._weights.sum())

    def _shares(self, scores: Floats) -> tuple[Floats, Floats]:
        most = np.maximum.reduceat(scores, self._starts)[self._of]
        raised = np.exp(scores - most) * self._stands
        share = raised / np.add.reduceat(raised, self._starts)[self._of]
        right = raised * self._right
        return share, right / np.add.reduceat(right, self._starts)[self._of]


class Ground:
    """Lists on which trees are grown, `weights` of one each: cut into bins once, whichever lists are learned from."""

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

    def grow(self, lists: Truths, settings: Settings) -> "Growing":
        """Begins to grow trees on these lists: the same for the same rows, whatever the machine's cores."""
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
        return Growing(lightgbm.Booster(parameters, data), objective)

    def held(self, lists: Truths) -> "Held":
        """These lists, to say what trees lose of them."""
        return Held(self._examples.some(lists), self._weights[lists])


class Growing:
    """Trees that are being grown; `booster` is LightGBM's."""

    def __init__(self, booster: Any, objective: Objective) -> None:
        self.booster, self._objective = booster, objective

    def more(self, rounds: int) -> "Growing":
        """Grows as many more trees, and returns itself."""
        for _ in range(rounds):
            self.booster.update(fobj=self._objective)
        return self


class Held:
    """Lists that trees aren't grown on."""

    def __init__(self, examples: Examples, weights: Floats) -> None:
        self._rows, self._objective = _known(examples.rows), Objective(examples, weights)
        self._scores, self._asked = np.zeros(len(self._rows)), 0

    def loss(self, growing: Growing) -> float:
        """What these lose after all the trees that there are by now."""
        booster = growing.booster
        new = booster.current_iteration() - self._asked
        self._scores += booster.predict(self._rows, start_iteration=self._asked, num_iteration=new, num_threads=1)
        self._asked += new
        return self._objective.loss(self._scores)


def _known(rows: npt.NDArray[np.int32]) -> Floats:
    """The rows as LightGBM knows them: what is missing is no number."""
    found = rows.astype(np.float64)
    found[rows == MISSING] = np.nan
    return found


def similarity_of(booster: Any, rounds: int, names: Sequence[str] = FEATURES) -> Similarity | None:
    """The booster's first trees in whole numbers; None where no tree splits. Each feature is cut where a tree cuts it,
    and nowhere else.
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
    """Whole numbers up to the threshold go left: from this one on they go right.

    A split of what is missing from all that isn't has a threshold above every number.
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
        # Where nothing was missing in training, LightGBM takes what is missing for 0.
        missing_left = node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
        step = edges[feature].index(_cut(node)) + 1
        splits[number] = Split(places[feature], step, left, right, value, missing_left)
        return number

    walk(root)
    return Tree(tuple(splits), tuple(leaves))


def _millionths(value: float) -> int:
    return round(value * 1_000_000)
