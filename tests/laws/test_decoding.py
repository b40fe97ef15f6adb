"""Whatever bytes are on `groups`: a record that the tables can hold, or a dead letter with its reason. Never an error,
which would stop everybody behind it.
"""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mariadb.billing.ingestion import GroupsRecord
from schemas.outcomes import DeadLetter, Reason
from schemas.topics import ConsumerRecord
from streams.shared.group_records import decode
from streams.shared.published import PublishedState

HASH = "0123456789abcdef0123456789abcdef"
KEY = [1, 2, 3]
GROUP = {
    "said": "group",
    "group": {
        "members": [[3, HASH]],
        "disposition": "work",
        "confidence": 1,
        "started_at": 0,
        "ended_at": 0,
        "captured_us": 0,
        "model": "m",
    },
    "lineage": {"partition": 1, "offset": 5},
}
MARK = {"said": "mark", "mark": {"id": 7, "kind": "close", "token": "t", "period": 4}, "lineage": GROUP["lineage"]}


def outcome(key: object, value: object) -> GroupsRecord | DeadLetter:
    return decode(ConsumerRecord(0, 0, json.dumps(key).encode(), json.dumps(value).encode()))


def group(**changed: object) -> dict[str, object]:
    return {**GROUP, "group": {**GROUP["group"], **changed}}  # type: ignore[dict-item]


def test_what_a_worker_says_is_a_record() -> None:
    assert isinstance(outcome(KEY, GROUP), GroupsRecord)
    assert isinstance(outcome([1, 2, "close:4"], MARK), GroupsRecord)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ([1, 2, 2**63], GROUP),
        ([1, 2, -3], GROUP),
        ([2**70, 2, 3], GROUP),
        ([1, 2**63, 3], GROUP),
        (KEY, group(members=[])),
        (KEY, group(members=[[2**63, HASH]])),
        (KEY, group(members=[[-1, HASH]])),
        (KEY, group(members=[[3, HASH], [3, HASH]])),
        (KEY, group(members=[[4, HASH], [3, HASH]])),
        (KEY, group(members=[[3, HASH + "0"]])),
        (KEY, group(members=[[3, "x" * 32]])),
        (KEY, group(members=[[3, HASH, 9, 9]], disposition="loved")),
        (KEY, group(confidence=2**63)),
        (KEY, {**GROUP, "lineage": {"partition": 1, "offset": 2**63}}),
        ([1, 2, "close:4"], {**MARK, "mark": {"id": 2**63, "kind": "close", "token": "t"}}),
        ([1, 2, "close:4"], {**MARK, "mark": {"id": 1, "kind": "close", "token": "t", "period": 2**63}}),
        ([1, 2, "close:4"], {**MARK, "mark": {"id": 1, "kind": "open", "token": "t"}}),
        ([1, 2, "close:4"], GROUP),
        (KEY, MARK),
    ],
)
def test_what_no_table_can_hold_is_a_dead_letter(key: object, value: object) -> None:
    found = outcome(key, value)
    assert isinstance(found, DeadLetter)
    assert found.reason is Reason.BAD_COLUMN


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


DEEP = b"[" * 5_000 + b"]" * 5_000


@pytest.mark.parametrize("key", [DEEP, b"[1,2," + DEEP + b"]", b"[1,2,3]", b'[1,2,"close:4"]'])
@pytest.mark.parametrize("value", [DEEP, b'{"x":' + DEEP + b"}", b'{"said":"group","x":' + DEEP + b"}", None])
def test_what_is_nested_too_deep_is_a_dead_letter_and_says_nothing(key: bytes, value: bytes | None) -> None:
    record = ConsumerRecord(0, 0, key, value)
    found = decode(record)
    assert isinstance(found, DeadLetter) or (key, value) == (b"[1,2,3]", None)
    said = PublishedState()
    said.apply(record)
    assert not any(said.groups.values())


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=40))
def test_any_bytes_have_an_outcome(key: bytes | None, value: bytes | None) -> None:
    assert isinstance(decode(ConsumerRecord(0, 0, key, value)), GroupsRecord | DeadLetter)


@given(st.sampled_from(["members", "disposition", "confidence", "captured_us", "model", "why"]), anything)
def test_any_value_in_a_group_has_an_outcome(name: str, value: object) -> None:
    raw = msgspec.json.encode(group(**{name: value})) if _encodes(value) else b"{"
    assert isinstance(decode(ConsumerRecord(0, 0, b"[1,2,3]", raw)), GroupsRecord | DeadLetter)


def _encodes(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return False
    return True
