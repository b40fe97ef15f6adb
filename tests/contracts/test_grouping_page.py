"""The page on grouping says of each feature what its code says."""

from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from processors.grouping.clustering.cluster_pair_features import CLUSTER_PAIR_FEATURES, LISTED, PAIRS
from processors.grouping.clustering.cluster_pair_features import OWN as STRANDS_OWN
from processors.grouping.features.content_features import CONTENTS
from processors.grouping.features.context_features import OWN, RELATIONS
from processors.grouping.features.pair_features import FEATURES, TIMES
from processors.grouping.features.talk_features import BETWEEN, SPEAKER
from processors.training.boosting import MONOTONE

PAGE = Path(__file__).parents[2] / "docs" / "grouping.md"
EVERY: dict[str, Callable[[Any], Any]] = {**TIMES, **CONTENTS, **RELATIONS, **OWN, **BETWEEN, **SPEAKER}
SPEAKS = {1: "only for", -1: "only against", 0: "either way"}


def test_each_feature_has_a_function() -> None:
    assert sorted(EVERY) == sorted(FEATURES)


@pytest.mark.parametrize("name", FEATURES)
def test_the_page_says_of_a_feature_what_its_code_says(name: str) -> None:
    said = " ".join(cleandoc(EVERY[name].__doc__ or "").split())
    assert f"\n| `{name}` | {said} | {SPEAKS[MONOTONE.get(name, 0)]} |\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CLUSTER_PAIR_FEATURES)
def test_the_page_says_of_what_strands_have_in_common_what_the_code_says(name: str) -> None:
    said = {**PAIRS, **LISTED, **STRANDS_OWN}[name]
    assert f"\n| `{name}` | {said} | {SPEAKS[MONOTONE.get(name, 0)]} |\n" in PAGE.read_text(encoding="utf-8")
