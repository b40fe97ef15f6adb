"""A grouping model made by hand, so that what it makes of events can be told on paper: equal titles are one work.

The same title speaks for two activities by 3 logits, another one against them by 1; every group is 88% sure and shown.
"""

from processors.grouping.model.grouping_model import (
    FORMAT,
    KIND,
    Additive,
    Channel,
    ClusteringThresholds,
    Confidence,
    Domain,
    Model,
    Pruning,
    Reach,
    Similarity,
)
from processors.grouping.model.trees import Split, Tree

DAY_US = 86_400_000_000
TITLE = 0  # of the names that it has edges for

_SPLITS = (Split(TITLE, 0, ~0, 1, 0), Split(TITLE, 1, ~1, ~2, 0))  # none, another, the same
_BY_TITLE = Similarity({"title": (1,)}, (Tree(_SPLITS, (0, -1_000_000, 3_000_000)),))

BY_TITLE = Model(
    kind=KIND,
    format=FORMAT,
    name="by-title",
    about="Made by hand.",
    apps=frozenset({"word", "excel"}),
    rarity={},
    rarity_else=1_000,
    opening={},
    reach={channel: Reach(most=3, within_us=30 * DAY_US) for channel in Channel},
    similarity=dict.fromkeys(Domain, _BY_TITLE),
    joining=dict.fromkeys(Domain, ClusteringThresholds(over=0, floor=0)),
    merging={},
    pruning=Pruning(lone_us=0, loose=-(10**9), least=2),
    confidence=Confidence(Additive(2_000_000, {}), 500_000),
)
