"""Strands: what people keep apart stays apart, whichever strand an activity moves to; each is asked about by its own
regime's trees.
"""

import pytest
from msgspec.structs import replace

from processors.grouping.batch import group_all
from processors.grouping.model.grouping_model import ClusteringThresholds, Domain, Similarity
from processors.grouping.model.trees import Split, Tree
from schemas.groups import encode_group
from schemas.values import Activity, Apart, Kind, Words
from tests.laws.grouping_strategies import MINUTE, MODEL, MORNING, apply, fresh, said
from tests.title_model import BY_TITLE

JOINS_STRANDS = replace(
    MODEL, version="joins", joining=dict.fromkeys(Domain, ClusteringThresholds(3_000_000, -8_000_000, -2_000_000))
)
ANN, QUARRYMILL = ("ann@quarrymill.test",), ("Quarrymill/lease 4.docx",)
THISTLEDOWN = ("Thistledown/budget.xlsx", "Thistledown/notes.txt")
LEASE, BUDGET, LONG = "Lease Quarrymill draft 4.docx - Word", "Budget Thistledown 2031.xlsx - Excel", "x" * 3_000


def row(id: int, kind: Kind, second: int, lasts: int | None, words: Words, app: str = "Word") -> Activity:
    start = MORNING + second * 1_000_000
    return Activity(id, kind, start, None if lasts is None else start + lasts * 1_000_000, "UTC", words, app=app)


ROWS = [
    row(1, Kind.WINDOW, 0, 0, Words("Inbox - Outlook", "bob: which budget?", people=ANN, files=THISTLEDOWN), "Outlook"),
    row(3, Kind.MESSAGE, 300, None, Words("", LONG, files=QUARRYMILL), "Outlook"),
    row(7, Kind.MAIL, 240, None, Words(LEASE, LONG, actor="bob", people=ANN, files=THISTLEDOWN)),
    row(8, Kind.WINDOW, 3000, None, Words(BUDGET, people=ANN, files=QUARRYMILL)),
    row(10, Kind.ENTRY, 1200, 20, Words(LEASE, actor="bob", people=ANN, files=THISTLEDOWN), "Outlook"),
    row(11, Kind.WINDOW, 2, 0, Words(LEASE, people=ANN, files=QUARRYMILL)),
    row(12, Kind.WINDOW, 2, None, Words(BUDGET, actor="bob", people=ANN)),
    row(4, Kind.WINDOW, 3000, 3000, Words("(3) RE: Lease Quarrymill - comments - Outlook", LONG), "Outlook"),
    row(6, Kind.WINDOW, 3000, 3000, Words(LEASE, "Übergabe am Nordhafen", actor="ann")),
]


def test_who_is_apart_is_decided_again_where_the_other_moves_to_another_strand() -> None:
    apart = Apart(1, (8,), (3,))
    working_set = fresh(JOINS_STRANDS)
    apply(working_set, 0, ("feedback", 1, apart))
    for version, value in enumerate(ROWS, 1):
        apply(working_set, version, ("activity", value.id, value))
        working_set.decide()
        whole = group_all(ROWS[:version], [apart], model=JOINS_STRANDS)
        assert said(working_set) == {name: encode_group(group) for name, group in whole.items()}
    groups = {member.id: name for name, group in working_set.groups.items() for member in group.members}
    assert groups[8] != groups[3]


def always(speaks: int) -> Similarity:
    """Trees that say the same of all ties."""
    return Similarity({"linked": (-1_000_000,)}, (Tree((Split(0, 0, ~0, ~1, 0),), (0, speaks)),))


@pytest.mark.parametrize("of_talk", [{}, {Domain.TALK: always(-3_000_000)}], ids=["none of talk", "against it"])
def test_who_turns_out_to_be_talk_is_asked_about_by_trees_of_talk(of_talk: dict[Domain, Similarity]) -> None:
    """The same title speaks for two by 3, which is too little for one strand; their tie makes a group of them."""
    model = replace(
        BY_TITLE,
        version="by-hand",
        joining=dict.fromkeys(Domain, ClusteringThresholds(over=3_500_000, floor=-8_000_000)),
        merging={Domain.WORK: always(3_000_000), **of_talk},
    )
    first, window, line = (
        Activity(id, kind, MORNING + id * MINUTE, None, "UTC", Words(title="Lease plan"))
        for id, kind in ((1, Kind.WINDOW), (2, Kind.WINDOW), (2, Kind.MESSAGE))
    )
    working_set = fresh(model)
    for version, value in enumerate((first, window)):
        apply(working_set, version, ("activity", value.id, value))
    working_set.decide()
    assert [len(group.members) for group in working_set.groups.values()] == [2]
    apply(working_set, 2, ("activity", 2, line))
    working_set.decide()
    whole = group_all([first, line], model=model)
    assert sorted(whole) == [1, 2]
    assert said(working_set) == {name: encode_group(group) for name, group in whole.items()}
