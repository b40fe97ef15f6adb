"""A stream cut in time, to be judged prequentially: what comes next is judged with what was there until then.

Blocks have as many judged events each as can be. A block is judged by itself: a true group that goes on over its ends
counts as one group in each.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise

from processors.evaluation.comparison import Case


def cut_into_blocks(case: Case, blocks: int) -> tuple[Case, ...]:
    """The stream as it was known at the end of each block, with that block's events to be judged.

    What isn't judged belongs to the block before the next judged event. With fewer judged events than blocks some
    have none.
    """
    order = sorted(case.activities, key=lambda one: (one.started_at, one.id))
    judged = [at for at, one in enumerate(order) if one.id in case.gold]
    # From rank i of n on it is block i * blocks // n; the first of block b has the least such rank.
    firsts = [-(-number * len(judged) // blocks) for number in range(blocks + 1)]
    return tuple(
        Case(
            stream=case.stream,
            activities=tuple(order[: judged[end] if end < len(judged) else len(order)]),
            gold={order[at].id: case.gold[order[at].id] for at in judged[first:end]},
            block=number,
            source_ids=case.source_ids,
        )
        for number, (first, end) in enumerate(pairwise(firsts))
    )


def history_of(blocks: Sequence[Case]) -> Case:
    """What was known at the end of these blocks of a stream, one at least, with all their true groups."""
    gold: dict[int, Hashable] = {}
    for one in blocks:
        gold |= one.gold
    return Case(blocks[-1].stream, blocks[-1].activities, gold, source_ids=blocks[-1].source_ids)
