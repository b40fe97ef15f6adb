"""How each event was assigned when it arrived: whether it rightly began a group or joined one, and what went wrong.

Groups grow in the order of events, so every wrong grouping began with a wrong assignment. Its kind says where to look:
in blocking, in the score of something new, or in what tells groups apart. Events that aren't judged are ignored.
"""

from collections.abc import Hashable, Iterable

import msgspec

from processors.evaluation.blocking_recall import ComparedEvents
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping


class AssignmentOutcomes(msgspec.Struct, frozen=True):
    """Counts that sum to the events. Right: `began` a group, or `joined` one with an earlier event of its true group.

    Wrong: `mixed_in` is the first of its true group, but joined another one; `split_off` has an earlier event of its
    true group, but began a group; `astray` has one too, and joined a group without any. `unseen` counts those of the
    latter two that were compared with none of their own group, in addition.
    """

    began: int
    joined: int
    mixed_in: int
    split_off: int
    astray: int
    unseen: int


def assignment_outcomes(case: Case, grouping: Grouping, compared: ComparedEvents) -> AssignmentOutcomes:
    """The outcomes of one stream."""
    true: dict[Hashable, set[int]] = {}  # in which groups there is one already
    groups: set[int] = set()
    found = dict.fromkeys(AssignmentOutcomes.__struct_fields__, 0)
    for _, id in sorted((one.started_at, one.id) for one in case.activities if one.id in case.gold):
        group, own = grouping.get(id, id), true.setdefault(case.gold[id], set())
        found[_outcome(group, own, groups, was_compared=id in compared.same_group)] += 1
        own.add(group)
        groups.add(group)
    return AssignmentOutcomes(**found)


def _outcome(group: int, groups_of_true: set[int], groups: set[int], *, was_compared: bool) -> str:
    if not groups_of_true:
        return "mixed_in" if group in groups else "began"
    if group in groups_of_true:
        return "joined"
    if not was_compared:
        return "unseen"
    return "astray" if group in groups else "split_off"


def sum_outcomes(streams: Iterable[AssignmentOutcomes]) -> AssignmentOutcomes:
    """The outcomes of all streams."""
    each = list(streams)
    return AssignmentOutcomes(
        **{name: sum(getattr(one, name) for one in each) for name in AssignmentOutcomes.__struct_fields__}
    )
