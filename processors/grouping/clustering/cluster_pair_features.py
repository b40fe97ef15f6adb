"""Names the features of cluster pairs: what two micro-clusters have in common, from all links between their members.

Some activities don't show what they belong to: a new document, or the first activity of many. Later activities often
do. So micro-clusters, which `assignment` makes of activities, are joined once more, by all of their links. The
candidates of a micro-cluster are the earlier ones to which links of its members lead, and those whose members have
links that lead to it. All features are integers.
"""

import numpy as np

from processors.grouping.similarity.log_odds import table_positions

SHARED = (
    "likeness",
    "rare_words",
    "word_share",
    "title",
    "beginning",
    "shared_files",
    "file_words",
    "folders",
    "title_in_files",
    "people",
    "actor",
)
"""Features of activity pairs whose greater values never mean less in common. A cluster pair has the greatest value of
its links.
"""

MIN_LOGIT = int(table_positions(np.array([-3_000_000]))[0])
"""The position in the table of odds below which a link makes no cluster pair: such links are weak evidence, and are
many.
"""

BITS = 3
"""The number of leading bits to which sizes and seconds are rounded. A micro-cluster that grows by one then mostly has
the same features for the others, so that they need not be decided again.
"""

LOGIT_STEP, SHARE_STEP = 100, 20
"""The thousandths to whose multiples log-odds and shares are rounded, for the same reason."""

BETWEEN = tuple(f"{name}_between" for name in SHARED)

PAIRS = {
    "linked": "The log-odds of the strongest link between their members, in thousandths.",
    "begins": "The same of all links from the later one's first activity to the earlier one, summed as odds.",
    "share": "The mean share of its odds that a later one's member has on links to the earlier one, in thousandths.",
    "back": "The mean share of its odds that an earlier one's member has on links to the later one, in thousandths.",
    "earlier_size": "How many members the earlier one has.",
    "earlier_span": "Seconds from the earlier one's first start to its last end.",
    "later_by": "Seconds from the earlier one's first start to the later one's.",
    "after": "Seconds from the earlier one's last end to the later one's first start, 0 where they overlap.",
    "alongside": "Seconds in which both were in progress.",
    **{
        name: f"The greatest `{of}` of the links between them, read from its step; missing where no link has one."
        for name, of in zip(BETWEEN, SHARED, strict=True)
    },
}
"""Features of a cluster pair, of which the earlier micro-cluster began first, and what each means."""

LISTED = {
    "less_linked": "By how much `linked` is less than the greatest of the list.",
    "less_share": "By how much `share` is less than the greatest of the list.",
}
"""Features of a pair within its candidate list."""

OWN = {
    "size": "How many members the later one has.",
    "span": "Seconds from its first start to its last end.",
    "tied": "How many earlier micro-clusters it has links with.",
    "most_linked": "The greatest `linked` of the list.",
    "most_share": "The greatest `share` of the list.",
}
"""Features of the later micro-cluster and its list: equal for all of its pairs and for the case that it begins a group.
"""

CLUSTER_PAIR_FEATURES: tuple[str, ...] = (*PAIRS, *LISTED, *OWN)
"""The names of all columns, in order."""
