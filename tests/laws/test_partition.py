"""Laws 1, 2, 4 and 5 on a worker's whole deciding, at the level of bytes: change events in, records out.

A history is written once. It is then delivered as a broker and a crash may deliver it: in any batches, with batches
that come again, with aborted data that comes again later at higher offsets, and with owners that die before or after
their write.
"""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.grouping.batch import group_all
from processors.grouping.working_set import Decision, WorkingSet
from processors.partition.partition import Partition
from schemas.changes import decode_change
from schemas.dead_letters import DeadLetterRecord, decode_dead_letter
from schemas.groups import PublishedGroup, PublishedMark, decode_published, encode_group
from schemas.keys import GroupKey, MarkKey, RowKey, Scope, decode_groups_key
from schemas.outcomes import Ok, Skip
from schemas.topics import DEAD_LETTERS, GROUPS, MAX_RECORD_BYTES, WORKING_SET, ConsumerRecord, ProducerRecord
from schemas.values import Activity, Value
from streams.shared.model_store import ModelStore, shipped_model

MODELS, DEFAULT = ModelStore(), shipped_model().version
NUMBER = 3
DEEP = b"[" * 5_000 + b"]" * 5_000
"""JSON that is nested deeper than can be read."""
MINUTE = 60_000_000
MORNING = 1_772_442_000_000_000
TITLES = ("Lease draft Harbour.docx", "Harbour lease: comments", "Tax return 2025", "News", "", "Ω 契約 🙂")


class Topics:
    """What a broker remembers of two compacted topics: a record's last value for each key, and all in order."""

    def __init__(self) -> None:
        self.log: list[ProducerRecord] = []

    def read(self, topic: str) -> list[ConsumerRecord]:
        last = {record.key: (n, record) for n, record in enumerate(self.log) if record.topic == topic}
        return [ConsumerRecord(NUMBER, n, r.key, r.value) for n, r in sorted(last.values(), key=lambda pair: pair[0])]

    def groups(self) -> dict[tuple[Scope, int], bytes]:
        found = {}
        for record in self.read(GROUPS.name):
            assert record.key is not None
            key = decode_groups_key(record.key)
            if isinstance(key, GroupKey) and record.value is not None:
                said = decode_published(record.value)
                assert isinstance(said, PublishedGroup)
                found[Scope(key.firm, key.timekeeper), key.group] = encode_group(said.group)
        return found


def opened(topics: Topics) -> Partition:
    """An owner who has read the topics back, and looked at nobody yet."""
    partition = Partition(NUMBER, MODELS, DEFAULT)
    for record in topics.read(WORKING_SET.name):
        partition.restore(record)
    for record in topics.read(GROUPS.name):
        partition.restore_published(record)
    topics.log += partition.open()
    return partition


def owner(topics: Topics) -> Partition:
    """An owner who has looked at everybody."""
    partition = opened(topics)
    while partition.behind:
        topics.log += partition.redecide_next()
    return partition


def row(
    timekeeper: int, activity: int, minute: int, length: int | None, title: int, excluded: bool
) -> dict[str, object]:
    started = MORNING + minute * MINUTE
    return {
        "id": activity,
        "firm_id": 1,
        "timekeeper_id": timekeeper,
        "kind": "mail" if length is None else "window",
        "started_at": started,
        "ended_at": None if length is None else started + length * MINUTE,
        "zone": "Europe/Berlin",
        "words": json.dumps({"title": TITLES[title]}) if title < len(TITLES) else "not json",
        "excluded": int(excluded),
    }


def envelope(op: str, what: dict[str, object]) -> bytes:
    before, after = (what, None) if op == "d" else (None, what)
    return json.dumps({"op": op, "before": before, "after": after, "source": {"table": "activity"}}).encode()


def standing(topics: Topics) -> dict[tuple[Scope, int], str]:
    """The rows that have a dead letter which wasn't taken back, with its start; a row that has two fails."""
    found: dict[tuple[Scope, int], str] = {}
    for letter in letters(topics):
        name = (Scope(letter.firm or 0, letter.timekeeper or 0), letter.row or 0)
        assert name not in found, "one row, one letter"
        found[name] = str(json.loads(letter.value or b"")["after"]["started_at"])
    return found


def given_up(history: Sequence[bytes]) -> dict[tuple[Scope, int], str]:
    """The rows whose last value can't be used."""
    last: dict[tuple[Scope, int], str | None] = {}
    for raw in history:
        said = json.loads(raw)
        of = said["after"] or said["before"]
        bad = said["after"] is not None and of["words"] == "not json"
        last[Scope(of["firm_id"], of["timekeeper_id"]), of["id"]] = str(of["started_at"]) if bad else None
    return {name: start for name, start in last.items() if start is not None}


@st.composite
def histories(draw: st.DrawFn) -> list[bytes]:
    """Inserts, updates and deletes of up to twelve activities of two timekeepers."""
    rows = st.builds(
        row,
        st.integers(1, 2),
        st.integers(1, 12),
        st.integers(0, 3000),
        st.none() | st.integers(0, 90),
        st.integers(0, len(TITLES)),  # the one after the last can't be decoded
        st.booleans(),
    )
    return [envelope(op, what) for op, what in draw(st.lists(st.tuples(st.sampled_from("cuurd"), rows), max_size=30))]


def fold(history: Sequence[bytes]) -> dict[tuple[Scope, int], bytes]:
    """The groups of the set that a history ends in, decided at once."""
    last: dict[tuple[Scope, int], Activity | None] = {}
    for offset, raw in enumerate(history):
        outcome = decode_change(raw, NUMBER, offset)
        assert not isinstance(outcome, Skip)
        key = outcome.value.key if isinstance(outcome, Ok) else outcome.row
        value = outcome.value.value if isinstance(outcome, Ok) else None
        assert key is not None
        assert value is None or isinstance(value, Activity)
        last[Scope(key.firm, key.timekeeper), key.id] = value
    found = {}
    for scope in {scope for scope, _ in last}:
        live = [activity for (owner, _), activity in last.items() if owner == scope and activity is not None]
        for name, group in group_all(live, model=shipped_model()).items():
            found[scope, name] = encode_group(group)
    return found


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_any_delivery_with_crashes_ends_in_the_groups_of_the_set(history: list[bytes], data: st.DataObject) -> None:
    topics = Topics()
    partition = owner(topics)
    committed = 0
    while committed < len(history):
        if data.draw(st.booleans()):  # between two batches there was time for somebody
            topics.log += partition.redecide_next()
        size = data.draw(st.integers(1, 8))
        batch = [
            ConsumerRecord(NUMBER, o, b"k", history[o]) for o in range(committed, min(committed + size, len(history)))
        ]
        fate = data.draw(st.sampled_from(["acknowledged", "acknowledged", "died_before_write", "died_after_write"]))
        written = partition.absorb(batch)
        if fate != "died_before_write":
            topics.log += written
        if fate == "acknowledged":
            committed = batch[-1].offset + 1
        else:
            partition = opened(topics)
            if data.draw(st.booleans()):
                committed = data.draw(st.integers(0, committed))  # an older commit is found: more comes again
    assert topics.groups() == fold(history)
    owner(topics)
    assert topics.groups() == fold(history), "neither does the next owner find anything to say otherwise"
    assert standing(topics) == given_up(history), "a letter stands as long as its version is the row's last"


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_memory_that_outlived_another_owner_is_found_out_by_its_first_write(
    history: list[bytes], data: st.DataObject
) -> None:
    """Two workers have the partition in turn and both keep their memory. Who wasn't the last to write is fenced when
    they write; what needs no write may be acknowledged by whoever has it.
    """
    topics = Topics()
    memories = [owner(topics), owner(topics)]
    last, committed = 1, 0
    while committed < len(history):
        mine = data.draw(st.integers(0, 1))
        size = data.draw(st.integers(1, 8))
        batch = [
            ConsumerRecord(NUMBER, o, b"k", history[o]) for o in range(committed, min(committed + size, len(history)))
        ]
        written = memories[mine].absorb(batch)
        if written and mine != last:
            memories[mine], last = opened(topics), mine  # fenced: read back, which fences the other one
            written = memories[mine].absorb(batch)
        topics.log += written
        if data.draw(st.booleans()):
            committed = batch[-1].offset + 1
    assert topics.groups() == fold(history)
    owner(topics)
    assert topics.groups() == fold(history)


@settings(max_examples=40, deadline=None)
@given(histories(), st.data())
def test_aborted_data_that_comes_again_later_changes_nothing(history: list[bytes], data: st.DataObject) -> None:
    """A worker that reads uncommitted sees aborted changes; each comes again, in order, at a higher offset."""
    start = data.draw(st.integers(0, len(history)))
    end = data.draw(st.integers(start, len(history)))
    seen = [*history[:end], *history[start:]]
    topics = Topics()
    partition = owner(topics)
    for offset, raw in enumerate(seen):
        topics.log += partition.absorb([ConsumerRecord(NUMBER, offset, b"k", raw)])
    assert topics.groups() == fold(history)
    assert standing(topics) == given_up(history)


@settings(max_examples=40, deadline=None)
@given(histories())
def test_only_what_changed_is_said_and_once_for_a_batch(history: list[bytes]) -> None:
    topics = Topics()
    partition = owner(topics)
    batch = [ConsumerRecord(NUMBER, offset, b"k", raw) for offset, raw in enumerate(history)]
    written = partition.absorb(batch)
    keys = [(record.topic, record.key) for record in written if record.topic != "dead-letters"]
    assert len(keys) == len(set(keys))
    about = [(record.key, record.value is None) for record in written if record.topic == "dead-letters"]
    assert len(about) == len(set(about)), "written once, and taken back once"
    assert all(record.value is not None for record in written if record.topic == GROUPS.name), (
        "nothing to take back yet"
    )
    topics.log += written
    assert partition.absorb(batch) == [], "what is known already is not said again"
    records = len(topics.log)
    heir = owner(topics)
    assert len(topics.log) == records, "nothing is said otherwise by the next owner"
    assert heir.absorb(batch) == []


def test_a_mark_comes_after_all_before_it_and_before_all_after_it() -> None:
    first = envelope("c", row(1, 1, 0, 30, 0, False))
    later = envelope("c", row(1, 2, 600, 30, 2, False))
    mark_row = {"id": 9, "firm_id": 1, "timekeeper_id": 1, "kind": "verify", "token": "t"}
    mark = json.dumps({"op": "c", "before": None, "after": mark_row, "source": {"table": "mark"}}).encode()
    records = [ConsumerRecord(NUMBER, offset, b"k", raw) for offset, raw in enumerate((first, mark, later))]
    written = [r for r in Partition(NUMBER, MODELS, DEFAULT).absorb(records) if r.topic == GROUPS.name]
    keys = [decode_groups_key(r.key) for r in written]
    assert keys[:2] == [GroupKey(1, 1, 1), MarkKey(1, 1, "verify")]
    # How sure the first group is may hang on what else there is, and then it is said again: after the mark.
    assert keys[2:] in ([GroupKey(1, 1, 2)], [GroupKey(1, 1, 1), GroupKey(1, 1, 2)])
    assert isinstance(decode_published(written[1].value or b""), PublishedMark)


def test_a_row_that_becomes_unusable_leaves_its_group_and_is_a_dead_letter() -> None:
    good, bad = row(1, 1, 0, 30, 0, False), {**row(1, 1, 0, 30, 0, False), "words": "not json"}
    topics = Topics()
    partition = owner(topics)
    for offset, raw in enumerate((envelope("c", good), envelope("u", bad))):
        topics.log += partition.absorb([ConsumerRecord(NUMBER, offset, b"k", raw)])
    assert topics.groups() == {}
    assert [json.loads(r.value or b"")["reason"] for r in topics.read("dead-letters")] == ["bad_words"]
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 2, b"k", envelope("u", good))])
    assert set(topics.groups()) == {(Scope(1, 1), 1)}, "mended in its row, it is back"
    assert standing(topics) == {}, "and its letter is answered"


def test_a_buried_record_is_a_dead_letter_and_its_row_leaves_its_group() -> None:
    topics = Topics()
    partition = owner(topics)
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 0, b"k", envelope("c", row(1, 1, 0, 30, 0, False)))])
    poison = ConsumerRecord(NUMBER, 1, b"k", envelope("u", row(1, 1, 0, 40, 0, False)))
    topics.log += partition.dead_letter(poison, "failed 3 times: a bug")
    assert topics.groups() == {}
    assert [json.loads(r.value or b"")["reason"] for r in topics.read("dead-letters")] == ["bug"]
    heir = owner(topics)
    assert heir.absorb([poison]) == [], "known as gone, and not tried again"
    topics.log += heir.absorb([ConsumerRecord(NUMBER, 2, b"k", envelope("d", row(1, 1, 0, 40, 0, False)))])
    assert standing(topics) == {}, "a row that is deleted needs no mending"


def test_what_a_stranger_wrote_to_groups_is_said_anew_or_taken_back() -> None:
    topics = Topics()
    partition = owner(topics)
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 0, b"k", envelope("c", row(1, 1, 0, 30, 0, False)))])
    right = topics.groups()
    deep = ((b"[1,1,78]", b'{"said":"group","x":' + DEEP + b"}"), (DEEP, b"x"))
    for key, value in ((b"[1,1,1]", b"garbage"), (b"[1,1,77]", b"garbage"), (b"\xff", b"x"), (b"[1]", None), *deep):
        topics.log.append(ProducerRecord(GROUPS.name, NUMBER, key, value))
    owner(topics)
    strange = (b"\xff", b"[1]", DEEP)
    topics.log = [record for record in topics.log if record.key not in strange]
    assert topics.groups() == right


def test_an_older_letter_that_comes_again_takes_nothing_from_a_newer_row() -> None:
    bad, good = {**row(1, 1, 0, 30, 0, False), "words": "not json"}, row(1, 1, 0, 30, 0, False)
    batch = [ConsumerRecord(NUMBER, 5, b"k", envelope("u", bad)), ConsumerRecord(NUMBER, 7, b"k", envelope("u", good))]
    topics = Topics()
    partition = owner(topics)
    for _ in range(2):  # both come again, as after a death before the commit
        for record in batch:
            topics.log += partition.absorb([record])
        partition = owner(topics)
    assert set(topics.groups()) == {(Scope(1, 1), 1)}


def test_an_activation_whose_model_has_gone_is_a_dead_letter_and_the_partition_opens() -> None:
    activation = {"id": 4, "firm_id": 1, "timekeeper_id": 1, "model_version": DEFAULT}
    change = json.dumps({"op": "c", "before": None, "after": activation, "source": {"table": "activation"}}).encode()
    topics = Topics()
    partition = owner(topics)
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 0, b"k", change)])
    kept = [record for record in topics.log if record.topic == WORKING_SET.name]
    topics.log = [
        ProducerRecord(k.topic, k.partition, k.key, (k.value or b"").replace(DEFAULT.encode(), b"gone")) for k in kept
    ]
    heir = owner(topics)
    assert [letter.reason for letter in letters(topics)] == ["unknown_model"]
    records = len(topics.log)
    owner(topics)
    assert len(topics.log) == records, "written once"
    topics.log += heir.absorb([ConsumerRecord(NUMBER, 1, b"k", change)])
    assert letters(topics) == [], "with the model there, it is answered"


class Broken:
    """A bug of ours: some timekeepers' sets can't be decided while one of their activities says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
        decide = WorkingSet.decide
        self.there = True

        def broken(working_set: WorkingSet) -> Decision:
            if self.there and any(says in a.words.title for a in working_set._activities.values()):
                raise ZeroDivisionError("nobody foresaw this")
            return decide(working_set)

        monkeypatch.setattr(WorkingSet, "decide", broken)


def mark(timekeeper: int, number: int, kind: str) -> bytes:
    what = {"id": number, "firm_id": 1, "timekeeper_id": timekeeper, "kind": kind, "token": "t", "period_id": 1}
    return json.dumps({"op": "c", "before": None, "after": what, "source": {"table": "mark"}}).encode()


def marks(topics: Topics) -> set[MarkKey]:
    keys = [decode_groups_key(record.key or b"") for record in topics.read(GROUPS.name)]
    return {key for key in keys if isinstance(key, MarkKey)}


def letters(topics: Topics) -> list[DeadLetterRecord]:
    return [decode_dead_letter(record.value) for record in topics.read("dead-letters") if record.value]


def test_a_timekeeper_whose_set_fails_is_set_aside_and_made_good_after_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug came with an upgrade: it fails on what was kept before. Others go on; nothing of it is lost."""
    topics = Topics()
    partition = owner(topics)
    history = [envelope("c", row(who, who * 10, 0, 30, 0 if who == 1 else 2, False)) for who in (1, 2)]
    topics.log += partition.absorb([ConsumerRecord(NUMBER, offset, b"k", raw) for offset, raw in enumerate(history)])
    before = topics.groups()

    bug = Broken(monkeypatch, says="Lease")
    partition = owner(topics)
    assert set(partition.quarantined) == {Scope(1, 1)}
    later = [envelope("c", row(who, who * 10 + 1, 5, 30, 4, False)) for who in (1, 2)]
    asked = [mark(who, 90 + who, "close") for who in (1, 2)] + [mark(1, 95, "verify")]
    for offset, raw in enumerate([*later, *asked], 2):
        topics.log += partition.absorb([ConsumerRecord(NUMBER, offset, b"k", raw)])
    history += later
    assert topics.groups()[Scope(1, 1), 10] == before[Scope(1, 1), 10], "as it was last said"
    assert (Scope(1, 2), 20) in topics.groups()
    whole = fold_without_a_bug(bug, history)
    assert {name: group for name, group in topics.groups().items() if name[0] == Scope(1, 2)} == {
        name: group for name, group in whole.items() if name[0] == Scope(1, 2)
    }, "nobody else waits"
    assert marks(topics) == {MarkKey(1, 2, "close:92"), MarkKey(1, 1, "verify")}, "only the one's own period waits"
    owner(topics)
    (letter,) = letters(topics)  # one, however often it was tried
    assert (letter.reason, letter.firm, letter.timekeeper, letter.row) == ("bug", 1, 1, None)
    assert "nobody foresaw this" in letter.detail

    bug.there = False
    owner(topics)
    assert topics.groups() == whole
    assert MarkKey(1, 1, "close:91") in marks(topics)
    assert letters(topics) == []
    records = len(topics.log)
    owner(topics)
    assert len(topics.log) == records, "made good once"


def fold_without_a_bug(bug: Broken, history: Sequence[bytes]) -> dict[tuple[Scope, int], bytes]:
    bug.there = False
    found = fold(history)
    bug.there = True
    return found


def test_two_letters_of_who_was_set_aside_are_both_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One version fails at deciding, the next at a row that it reads before it reads that there is a letter."""
    topics = Topics()
    history = [envelope("c", row(1, activity, 0, 30, 0, False)) for activity in (1, 2)]
    topics.log += owner(topics).absorb(
        [ConsumerRecord(NUMBER, offset, b"k", raw) for offset, raw in enumerate(history)]
    )
    bug = Broken(monkeypatch, says="Lease")
    owner(topics)
    apply = WorkingSet.apply
    with monkeypatch.context() as until_mended:

        def broken(working_set: WorkingSet, key: RowKey, version: int, value: Value | None) -> bool:
            if key.id == 1:
                raise ZeroDivisionError("nobody foresaw this either")
            return apply(working_set, key, version, value)

        until_mended.setattr(WorkingSet, "apply", broken)
        owner(topics)
    assert len(letters(topics)) == 2
    bug.there = False
    owner(topics)
    assert letters(topics) == []
    assert topics.groups() == fold(history)


def test_a_burial_that_does_not_help_sets_the_timekeeper_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics()
    partition = owner(topics)
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 0, b"k", envelope("c", row(1, 1, 0, 30, 0, False)))])
    Broken(monkeypatch, says="Lease")
    topics.log += partition.dead_letter(
        ConsumerRecord(NUMBER, 1, b"k", envelope("c", row(1, 2, 0, 30, 2, False))), "a bug"
    )
    assert set(partition.quarantined) == {Scope(1, 1)}
    assert [(letter.row, letter.reason) for letter in letters(topics)] == [(2, "bug"), (None, "bug")]
    assert set(topics.groups()) == {(Scope(1, 1), 1)}


def test_no_change_is_blamed_for_what_was_there_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that fails by itself is found before the change is tried; so the change is kept, and not buried."""
    topics = Topics()
    topics.log += owner(topics).absorb([ConsumerRecord(NUMBER, 0, b"k", envelope("c", row(1, 1, 0, 30, 0, False)))])
    Broken(monkeypatch, says="Lease")
    partition = opened(topics)
    change = ConsumerRecord(NUMBER, 1, b"k", envelope("c", row(1, 2, 0, 30, 2, False)))
    topics.log += partition.redecide_owner_of(change)
    topics.log += partition.absorb([change])
    assert set(partition.quarantined) == {Scope(1, 1)}
    assert b'[1,1,"activity",2]' in {record.key for record in topics.read(WORKING_SET.name)}


def test_for_whom_a_change_was_given_up_the_next_failure_is_enough() -> None:
    topics = Topics()
    partition = owner(topics)
    first, second, stranger = (
        ConsumerRecord(NUMBER, offset, b"k", envelope("c", row(who, offset, 0, 30, 0, False)))
        for offset, who in ((1, 1), (2, 1), (3, 2))
    )
    hopeless = []
    for _ in range(3):
        topics.log.append(partition.record_failure(first))
        hopeless.append(partition.is_exhausted(first))
        partition = owner(topics)
    assert hopeless == [False, False, True]
    topics.log += [partition.record_failure(second), partition.record_failure(stranger)]
    partition = owner(topics)
    assert partition.is_exhausted(second), "else each change of theirs could end everybody's process twice"
    assert not partition.is_exhausted(stranger)


def test_a_change_that_was_given_up_is_held_against_nobody_once_it_is_answered() -> None:
    topics = Topics()
    partition = owner(topics)
    first, second, fails_once, retry, edit = (
        ConsumerRecord(NUMBER, offset, b"k", envelope("u", row(1, activity, 0, 30, 0, False)))
        for offset, activity in ((1, 1), (2, 2), (3, 3), (4, 1), (5, 2))
    )
    for _ in range(3):
        topics.log.append(partition.record_failure(first))
        partition = owner(topics)
    topics.log += partition.dead_letter(first, "a bug")
    topics.log.append(partition.record_failure(second))
    assert partition.is_exhausted(second)
    partition = owner(topics)
    topics.log += partition.dead_letter(second, "a bug")  # at its first failure
    for answer, still in ((retry, True), (edit, False)):
        topics.log += owner(topics).absorb([answer])
        partition = owner(topics)
        partition.record_failure(fails_once)
        assert partition.is_exhausted(fails_once) is still, "as long as a letter stands, and no longer"
    assert not letters(topics)


def test_a_change_whose_record_no_broker_takes_is_an_error_and_can_be_buried(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = Topics()
    partition = owner(topics)
    large = {**row(1, 1, 0, 30, 0, False), "words": json.dumps({"title": "x" * MAX_RECORD_BYTES[WORKING_SET.name]})}
    record = ConsumerRecord(NUMBER, 0, b"k", envelope("c", large))
    with pytest.raises(ValueError, match=r"working-set takes 83\d+ bytes"):
        partition.absorb([record])
    topics.log += owner(topics).dead_letter(record, "too large")
    assert [letter.value for letter in letters(topics)] == [record.value]
    assert topics.groups() == {}


@pytest.mark.parametrize("table", ["attempt", "aside", "ours:attempt", "ours:aside", "ours:other"])
def test_no_table_of_a_stranger_is_taken_for_what_is_kept_beside_the_rows(table: str) -> None:
    what = {"id": 99, "firm_id": 1, "timekeeper_id": 1}
    change = json.dumps({"op": "c", "before": None, "after": what, "source": {"table": table}}).encode()
    topics = Topics()
    partition = owner(topics)
    topics.log += partition.absorb([ConsumerRecord(NUMBER, 50, b"k", change)])
    records = len(topics.log)
    heir = owner(topics)
    assert len(topics.log) == records, "no letter is taken back that nobody wrote"
    assert [letter.reason for letter in letters(topics)] == ["unknown_table"]
    good = ConsumerRecord(NUMBER, 99, b"k", envelope("c", row(1, 1, 0, 30, 0, False)))
    assert not heir.was_tried(good)
    assert not heir.is_exhausted(good)


def test_a_record_that_no_letter_holds_stays_at_its_origin() -> None:
    topics = Topics()
    record = ConsumerRecord(NUMBER, 7, b"k", b"x" * MAX_RECORD_BYTES[DEAD_LETTERS.name])
    topics.log += owner(topics).absorb([record])
    (letter,) = letters(topics)
    assert (letter.reason, letter.value) == ("not_json", None)
    assert "read the record at its origin" in letter.detail


FOREIGN = (
    (b"\xff", b"{}"),
    (DEEP, b"{}"),
    (b'[1,1,"activity",1]', b"garbage"),
    (b'[1,1,"activity",2]', b"\xff"),
    (b'[1,1,"activity",3]', b'{"x":' + DEEP + b"}"),
    (b'[1,1,"activity",4]', b'{"version":1,"row":' + DEEP + b"}"),
)


def test_what_a_stranger_wrote_to_the_working_set_is_a_dead_letter_and_the_partition_opens() -> None:
    topics = Topics()
    for key, value in FOREIGN:
        topics.log.append(ProducerRecord(WORKING_SET.name, NUMBER, key, value))
    assert owner(topics).quarantined == {}
    assert {letter.value for letter in letters(topics)} == {value for _, value in FOREIGN}
    assert {letter.reason for letter in letters(topics)} <= {"not_json", "bad_column"}


def test_a_row_of_a_table_that_this_version_does_not_know_sets_its_timekeeper_aside() -> None:
    """As after a downgrade. A version that knows it makes it good."""
    topics = Topics()
    topics.log.append(ProducerRecord(WORKING_SET.name, NUMBER, b'[1,1,"later",1]', b'{"version":1,"row":{"id":1}}'))
    topics.log += owner(topics).absorb([ConsumerRecord(NUMBER, 2, b"k", envelope("c", row(2, 2, 0, 30, 0, False)))])
    assert set(owner(topics).quarantined) == {Scope(1, 1)}
    assert set(topics.groups()) == {(Scope(1, 2), 2)}
