"""What two strands have in common: from all links between their members, as whole numbers.

A strand is what `placing` makes of activities. Where one of a piece of work doesn't say what it belongs to (a new
document, the first of many), what comes after it often does; so strands are joined once more, by what all of their
links say together.

A strand's list are the earlier ones that its members' links lead to, and those whose members' links lead to it.
"""

import numpy as np

from processors.grouping.similarity.log_odds import places

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
"""Features of pairs of activities of which more is never less kindred: of two strands the greatest counts."""

LEAST_TOLD = int(places(np.array([-3_000_000]))[0])
"""Links with lesser odds tie no strands: they say next to nothing, and there are many. Their place in the table."""

BITS = 3
"""How many leading bits are told of sizes and of seconds, so that who grows by one is mostly what it was to others."""

LOGIT_STEP, SHARE_STEP = 100, 20
"""To how many thousandths logits and shares are told, for the same reason."""

BETWEEN = tuple(f"{name}_between" for name in SHARED)

PAIRS = {
    "linked": "Thousandths of a logit: the strongest link between their members.",
    "begins": "The same of all links of the activity that began the later one to the earlier one's, summed as odds.",
    "share": "Thousandths of what the later one's members make of their links that go to the earlier one, the mean.",
    "back": "The same of the earlier one's members, towards the later one.",
    "earlier_size": "How many members the earlier one has.",
    "earlier_span": "Seconds from the earlier one's first start to its last end.",
    "later_by": "Seconds from the earlier one's first start to the later one's.",
    "after": "Seconds from the earlier one's last end to the later one's first start, 0 where they overlap.",
    "alongside": "Seconds in which both were under way.",
    **{
        name: f"The greatest `{of}` of a link between them, as its step tells it; missing where no link has one."
        for name, of in zip(BETWEEN, SHARED, strict=True)
    },
}
"""Features of a pair of strands, the earlier one of which began first, and what each is."""

LISTED = {
    "less_linked": "By how much `linked` is less than the greatest of the list.",
    "less_share": "By how much `share` is less than the greatest of the list.",
}
"""The same of a pair in its list."""

OWN = {
    "size": "How many members the later one has.",
    "span": "Seconds from its first start to its last end.",
    "tied": "How many earlier strands there are links with.",
    "most_linked": "The greatest `linked` of the list.",
    "most_share": "The greatest `share` of the list.",
}
"""The same of the later strand and its list: the same for all of its pairs, and for a beginning."""

TIES: tuple[str, ...] = (*PAIRS, *LISTED, *OWN)
"""The names of all columns, in order."""
