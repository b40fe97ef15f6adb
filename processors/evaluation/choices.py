"""What became of each event when its turn came: whether it rightly began a group or joined one, and what went wrong.

Groups grow in the order of events, so every wrong grouping began with a wrong choice; the kinds of those say where to
look: in blocking, in what speaks for something new, or in what tells groups apart. Events that aren't judged are as if
they weren't there.
"""

from collections.abc import Hashable, Iterable

import msgspec

from processors.evaluation.blocking_recall import Looked
from processors.evaluation.comparison import Case
from processors.evaluation.rule_baselines import Grouping


class Choices(msgspec.Struct, frozen=True):
    """Counts that sum to the events. Rightly `began` a group, or `joined` one with an earlier one of its true group.

    Wrongly: `mixed_in` begin their true group, and joined another one; `split_off` have an earlier one of their true
    group, and began a group; `astray` have one, too, and joined a group without any. Of the latter two `unseen` were
    compared with none of their own: they are counted apart from them.
    """

    began: int
    joined: int
    mixed_in: int
    split_off: int
    astray: int
    unseen: int


def choices(case: Case, grouping: Grouping, looked: Looked) -> Choices:
    """Of one stream."""
    true: dict[Hashable, set[int]] = {}  # in which groups there is one already
    groups: set[int] = set()
    found = dict.fromkeys(Choices.__struct_fields__, 0)
    for _, id in sorted((one.started_at, one.id) for one in case.activities if one.id in case.gold):
        group, own = grouping.get(id, id), true.setdefault(case.gold[id], set())
        found[_kind(group, own, groups, seen=id in looked.own)] += 1
        own.add(group)
        groups.add(group)
    return Choices(**found)


def _kind(group: int, own: set[int], groups: set[int], *, seen: bool) -> str:
    if not own:
        return "mixed_in" if group in groups else "began"
    if group in own:
        return "joined"
    if not seen:
        return "unseen"
    return "astray" if group in groups else "split_off"


def all_choices(streams: Iterable[Choices]) -> Choices:
    """Those of all streams."""
    each = list(streams)
    return Choices(**{name: sum(getattr(one, name) for one in each) for name in Choices.__struct_fields__})
