"""What is in doubt is settled by records, and looked at again only by who has nothing better to do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schemas.keys import Scope
from streams.bill.stale_members import MAX_RECHECK_S, MIN_RECHECK_S, StaleMembers

ANN, BEN = Scope(1, 1), Scope(1, 2)
scopes = st.dictionaries(st.sampled_from([ANN, BEN]), st.sets(st.integers(1, 5), min_size=1))


@given(st.lists(st.tuples(scopes, scopes)))
def test_in_doubt_is_what_was_doubted_and_not_settled_since(batches: list[tuple[dict[Scope, set[int]], ...]]) -> None:
    doubts, expected = StaleMembers(), set()
    for doubted, settled in batches:
        doubts.after_batch(doubted, settled, 0.0)
        expected -= {(scope, id) for scope, ids in settled.items() for id in ids}
        expected |= {(scope, id) for scope, ids in doubted.items() for id in ids}
    assert {(scope, id) for scope, ids in doubts.members.items() for id in ids} == expected
    assert doubts.count == len(expected)
    assert doubts.is_due(MAX_RECHECK_S + MIN_RECHECK_S, busy=True) == bool(expected)


def test_what_a_record_explains_is_never_looked_at() -> None:
    doubts = StaleMembers()
    doubts.after_batch({ANN: {7}}, {}, now=10.0)
    doubts.after_batch({}, {ANN: {7, 8}}, now=10.1)
    assert not doubts.is_due(1_000.0, busy=False)


def test_a_partition_at_rest_is_looked_at_soon_and_a_busy_one_late_however_much_it_doubts() -> None:
    doubts = StaleMembers()
    for tenth in range(400):
        now = tenth / 10
        doubts.after_batch({ANN: {tenth}}, {}, now)
        assert doubts.is_due(now, busy=True) == (now >= MIN_RECHECK_S + MAX_RECHECK_S)
        assert doubts.is_due(now, busy=False) == (now >= MIN_RECHECK_S)


def test_looks_that_find_nothing_become_rare() -> None:
    doubts, looks, now = StaleMembers(), [], 0.0
    doubts.after_batch({ANN: {7}}, {}, now)
    while now < 300:
        if doubts.is_due(now, busy=False):
            looks.append(now)
            doubts.after_recheck({ANN: {7}}, now)
        now += 0.05
    between = [round(later - earlier) for earlier, later in pairwise(looks)]
    assert between == sorted(between)
    assert between[-1] == MAX_RECHECK_S
    doubts.after_recheck({}, now)
    assert not doubts.is_due(1e9, busy=False)
