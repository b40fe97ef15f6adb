"""Trees that are never walked end where walking them ends, and what each feature adds sums to the logit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.grouping.model.trees import MOST_LEAVES, Integers, Split, Tree
from processors.grouping.similarity.forest import NO_FLOOR, Forest, ForestContributions

FEATURES = 5
values = st.integers(-(10**6), 10**6)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    splits: list[Split] = []
    leaves: list[int] = []

    def grow(room: int) -> int:
        """A node with so many leaves under it at most; its number."""
        if room < 2 or (splits and draw(st.booleans())):
            leaves.append(draw(values))
            return ~(len(leaves) - 1)
        number = len(splits)
        splits.append(Split(0, 0, 0, 0, 0))
        left = grow(room // 2)
        right = grow(room - room // 2)
        feature, step = draw(st.integers(0, FEATURES - 1)), draw(st.integers(0, 254))
        splits[number] = Split(feature, step, left, right, draw(values), draw(st.booleans()))
        return number

    grow(draw(st.integers(2, MOST_LEAVES)))
    return Tree(tuple(splits), tuple(leaves))


forests = st.lists(trees(), max_size=6)
rows = st.lists(st.lists(st.integers(0, 255), min_size=FEATURES, max_size=FEATURES), max_size=8)


def walked(tree: Tree, row: list[int]) -> int:
    node = 0
    while node >= 0:
        split = tree.splits[node]
        at = row[split.feature]
        node = split.left if (at <= split.step if at else split.missing_left) else split.right
    return tree.leaves[~node]


def matrix(asked: list[list[int]]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.array(asked, dtype=np.uint8).reshape(len(asked), FEATURES)


def score(grown: list[Tree], asked: list[list[int]]) -> Integers:
    return Forest(grown, FEATURES).score(matrix(asked))


@settings(deadline=None)
@given(forests, rows)
def test_a_row_ends_where_walking_ends(grown: list[Tree], asked: list[list[int]]) -> None:
    assert score(grown, asked).tolist() == [sum(walked(tree, row) for tree in grown) for row in asked]


@settings(deadline=None)
@given(forests, st.lists(rows.filter(len), min_size=1, max_size=4), st.data())
def test_lists_say_what_whole_rows_say_beyond_what_is_known_of_the_list(
    grown: list[Tree], lists: list[list[list[int]]], data: st.DataObject
) -> None:
    """Two features are of pairs, two of contents that pairs share, and the last one is of the list."""
    counts = np.array([len(one) for one in lists])
    pairs = np.concatenate([matrix(one)[:, :2] for one in lists])
    contents = matrix(data.draw(rows.filter(len)))[:, 2:4]
    own = matrix([one[0] for one in lists])[:, 4:]
    which = np.array(data.draw(st.lists(st.integers(0, len(contents) - 1), min_size=len(pairs), max_size=len(pairs))))
    first = data.draw(st.integers(0, len(grown)))
    of = np.repeat(np.arange(len(lists)), counts)
    whole = score(grown, np.concatenate((pairs, contents[which], own[of]), axis=1).tolist())
    bare = score(grown, np.concatenate((np.zeros((len(lists), 4), dtype=np.uint8), own), axis=1).tolist())
    found = Forest(grown, FEATURES, 1, first).lists(pairs, contents, own, which, counts, NO_FLOOR)
    assert found.tolist() == (whole - bare[of]).tolist()


@settings(deadline=None)
@given(forests, rows)
def test_what_features_add_sums_to_the_logit(grown: list[Tree], asked: list[list[int]]) -> None:
    found = ForestContributions(grown, FEATURES).contributions(matrix(asked))
    assert found.sum(axis=1).tolist() == score(grown, asked).tolist()
    assert found.shape == (len(asked), FEATURES + 1)
    asks = {split.feature for tree in grown for split in tree.splits}
    assert not found[:, [one for one in range(FEATURES) if one not in asks]].any()


@settings(deadline=None)
@given(forests, rows, st.integers(1, 7))
def test_another_batch_gives_the_same(grown: list[Tree], asked: list[list[int]], size: int) -> None:
    pieces = [score(grown, asked[at : at + size]) for at in range(0, len(asked), size)]
    assert [one for piece in pieces for one in piece.tolist()] == score(grown, asked).tolist()


@pytest.mark.parametrize(
    ("splits", "leaves"),
    [
        ((), (1,)),
        ((Split(0, 1, -1, -2, 0),), (1,)),
        ((Split(0, 1, -2, -1, 0),), (1, 2)),
        ((Split(0, 1, 0, -2, 0),), (1, 2)),
        ((Split(0, 1, 1, -2, 0),), (1, 2)),
        ((Split(0, 1, -1, -1, 0),), (1, 2)),
        ((Split(0, 1, -1, -2, 0),), (1, 10**9)),
    ],
    ids=[
        "no split",
        "a leaf too few",
        "leaves from right to left",
        "a circle",
        "out of it",
        "a leaf twice",
        "too much",
    ],
)
def test_what_is_no_tree_is_refused(splits: tuple[Split, ...], leaves: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a tree"):
        Tree(splits, leaves)
