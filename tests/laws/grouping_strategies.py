"""Activities, feedback and histories of them, for the laws of grouping. All of it is made up."""

from collections.abc import Callable
from itertools import chain

from hypothesis import strategies as st
from msgspec.structs import replace

from processors.grouping.model.grouping_model import Channel, ClusteringThresholds, Domain, Model, Pruning, Reach
from processors.grouping.working_set import WorkingSet
from schemas.groups import encode_group
from schemas.keys import RowKey
from schemas.values import Activity, Apart, Feedback, Kind, Together, Value, Words
from streams.shared.model_store import shipped_model

MINUTE = 60_000_000
MORNING = 1_772_000_000_000_000
"""Some morning, in microseconds."""

MODEL = shipped_model()
TIGHT = replace(
    MODEL,
    version="tight",
    reach={channel: Reach(most=2, within_us=56 * MINUTE) for channel in Channel},
    joining=dict.fromkeys(Domain, ClusteringThresholds(over=0, floor=-2_000_000)),
    pruning=Pruning(lone_us=30_000_000, loose=1_000_000, least=3),
)
"""Looks back at two only, so that the ends of every reach are met in a handful of rows."""

STRANDED = replace(
    TIGHT,
    version="stranded",
    joining=dict.fromkeys(Domain, ClusteringThresholds(over=2_500_000, floor=-8_000_000, merging=-1_500_000)),
)
"""Joins few activities and many strands, so that most groups are made of several strands."""

IDS = st.integers(1, 14)
TITLES = [
    "",
    "Lease Quarrymill draft 4.docx - Word",
    "(3) RE: Lease Quarrymill - comments - Outlook",
    "Budget Thistledown 2031.xlsx - Excel",
    "Budget Thistledown questions - Outlook",
    "Inbox - Outlook",
    "חוזה שכירות טיוטה",
    "🙂🙂🙂",
    "שלום\u202eabc\u0000",
    "Übergabeprotokoll Nordhafen – Entwurf",
]
TEXTS = ["", "", "ann: the lease has a break clause", "bob: which budget?", "x" * 3_000, "Übergabe am Nordhafen"]
FILES = [(), (), ("Quarrymill/lease 4.docx",), ("Thistledown/budget.xlsx", "Thistledown/notes.txt")]

words = st.builds(
    Words,
    title=st.sampled_from(TITLES),
    text=st.sampled_from(TEXTS),
    url=st.sampled_from(["", "", "https://example.test/lease?id=4", "https://example.test/#x"]),
    actor=st.sampled_from(["", "", "ann", "bob"]),
    people=st.sampled_from([(), (), ("ann@quarrymill.test",), ("bob@thistledown.test", "ann@quarrymill.test")]),
    files=st.sampled_from(FILES),
)


@st.composite
def activity(draw: Callable[..., int], id: int | None = None) -> Activity:
    """One of few minutes and few words, so that equal times and texts are common; few are excluded."""
    start = MORNING + draw(st.integers(0, 16)) * 7 * MINUTE
    length = draw(st.sampled_from([None, 0, 20_000_000, 5 * MINUTE, 50 * MINUTE, 365 * 1440 * MINUTE]))
    return Activity(
        id=draw(IDS) if id is None else id,
        kind=draw(st.sampled_from(Kind)),
        started_at=start,
        ended_at=None if length is None else start + length,
        zone="UTC",
        words=draw(words),
        app=draw(st.sampled_from(["", "Word", "Outlook"])),
        excluded=draw(st.integers(0, 9)) == 0,
    )


activities = st.dictionaries(IDS, st.integers()).flatmap(lambda ids: st.tuples(*(activity(id) for id in ids)).map(list))
id_lists = st.lists(IDS, min_size=1, max_size=4).map(tuple)


def feedback(id: int) -> st.SearchStrategy[Feedback]:
    """A word of that id."""
    return st.one_of(st.builds(Together, st.just(id), id_lists), st.builds(Apart, st.just(id), id_lists, id_lists))


words_said = st.integers(0, 4).flatmap(lambda count: st.tuples(*(feedback(id + 1) for id in range(count))).map(list))

Change = tuple[str, int, Value | None]
"""Table, id and the row's new value, None for deleted."""

change: st.SearchStrategy[Change] = st.one_of(
    activity().map(lambda value: ("activity", value.id, value)),
    activity().map(lambda value: ("activity", value.id, value)),
    IDS.map(lambda id: ("activity", id, None)),
    st.integers(1, 4).flatmap(feedback).map(lambda value: ("feedback", value.id, value)),
    st.integers(1, 4).map(lambda id: ("feedback", id, None)),
)
retold = st.tuples(activity(), st.sampled_from(Kind)).map(
    lambda both: [("activity", both[0].id, one) for one in (both[0], replace(both[0], kind=both[1]))]
)
"""A row that turns out to be of another kind, and is the same otherwise."""

histories: st.SearchStrategy[list[Change]] = st.lists(
    st.one_of(change.map(lambda one: [one]), change.map(lambda one: [one]), retold), min_size=12, max_size=26
).map(lambda steps: list(chain.from_iterable(steps)))


models = st.sampled_from([MODEL, TIGHT, STRANDED])


def fresh(model: Model = MODEL) -> WorkingSet:
    """A working set with nothing in it."""
    return WorkingSet({model.version: model}, model.version)


def apply(working_set: WorkingSet, version: int, step: Change) -> bool:
    """Applies one change at that version."""
    table, id, value = step
    return working_set.apply(RowKey(7, 8, table, id), version, value)


def said(working_set: WorkingSet) -> dict[int, bytes]:
    """All groups as they go on the topic."""
    return {name: encode_group(group) for name, group in working_set.groups.items()}


def live(history: list[Change]) -> tuple[list[Activity], list[Feedback]]:
    """What is in the set after that history, by a dictionary and nothing else."""
    rows = {(table, id): value for table, id, value in history}
    values = [value for value in rows.values() if value is not None]
    return (
        [value for value in values if isinstance(value, Activity)],
        [value for value in values if isinstance(value, Together | Apart)],
    )
