"""Scores candidate pairs, and returns those that pass the model's floor as links of the later activity."""

from collections.abc import Iterator

import numpy as np

from processors.grouping.candidates.candidate_pairs import Integers, Pairs
from processors.grouping.features.activity_table import ActivityTable
from processors.grouping.features.pair_features import features
from processors.grouping.model.grouping_model import Domain, Model
from processors.grouping.similarity.classifier import classifiers
from processors.grouping.similarity.links import GivenLinks
from processors.grouping.similarity.log_odds import table_positions

CHUNK = 65_536
"""The number of pairs that are scored at once. It bounds memory and doesn't affect the result."""


def score_links(model: Model, table: ActivityTable, pairs: Pairs) -> Iterator[tuple[Domain, GivenLinks]]:
    """Yields the links of the activities that these lists belong to, by slot and in any order: the pairs that the model
    scores at its floor or above. Activities with an empty list are left out.
    """
    slots = table.slots(pairs.ids.tolist())
    talks = table.talks(slots[pairs.own])
    for domain, lists in ((Domain.TALK, talks), (Domain.WORK, ~talks)):
        for some in pairs.some(lists & (pairs.counts > 0)).chunks(CHUNK):
            yield domain, _scored(model, table, domain, some, slots)


def _scored(model: Model, table: ActivityTable, domain: Domain, pairs: Pairs, slots: Integers) -> GivenLinks:
    classifier, floor = classifiers(model)[domain], model.joining[domain].floor
    lists = table.lists(pairs, slots)
    found = classifier.stepped(features(lists, classifier.asked))
    scores = classifier.score(found, lists.which, pairs.counts, floor)
    kept, of = np.flatnonzero(scores >= floor), pairs.of
    return GivenLinks(
        own=slots[pairs.own],
        counts=np.bincount(of[kept], minlength=len(pairs.counts)),
        others=slots[pairs.earlier[kept]],
        odds=table_positions(scores[kept]),
        steps=found.rows(kept, lists.which, of, classifier.scale.columns),
    )
