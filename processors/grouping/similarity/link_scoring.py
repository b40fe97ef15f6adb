"""An activity's links: the earlier ones that it was compared with and found alike, with the score of each."""

from collections.abc import Iterator

import numpy as np

from processors.grouping.candidates.candidate_pairs import Integers, Pairs
from processors.grouping.features.activity_table import Table
from processors.grouping.features.pair_features import features
from processors.grouping.model.grouping_model import Model, Regime
from processors.grouping.similarity.classifier import classifiers
from processors.grouping.similarity.links import Given
from processors.grouping.similarity.log_odds import places

CHUNK = 65_536
"""Pairs that are scored in one go; bounds memory, and has no part in the result."""


def link(model: Model, table: Table, pairs: Pairs) -> Iterator[tuple[Regime, Given]]:
    """The links of the activities that these lists are of, in any order, by slot: what the model scores at its floor or
    above. Who has an empty list isn't named.
    """
    slots = table.slots(pairs.ids.tolist())
    talks = table.talks(slots[pairs.own])
    for regime, lists in ((Regime.TALK, talks), (Regime.WORK, ~talks)):
        for some in pairs.some(lists & (pairs.counts > 0)).chunks(CHUNK):
            yield regime, _scored(model, table, regime, some, slots)


def _scored(model: Model, table: Table, regime: Regime, pairs: Pairs, slots: Integers) -> Given:
    classifier, floor = classifiers(model)[regime], model.joining[regime].floor
    lists = table.lists(pairs, slots)
    found = classifier.stepped(features(lists, classifier.asked))
    scores = classifier.score(found, lists.which, pairs.counts, floor)
    kept, of = np.flatnonzero(scores >= floor), pairs.of
    return Given(
        own=slots[pairs.own],
        counts=np.bincount(of[kept], minlength=len(pairs.counts)),
        others=slots[pairs.earlier[kept]],
        odds=places(scores[kept]),
        steps=found.rows(kept, lists.which, of, classifier.scale.columns),
    )
