"""Whatever stands on `changes`, deciding on it and telling of it ends no worker: tried without any stack.

tests/end_to_end/test_bad_input_topic.py writes the same to the real topic.
"""

import json
from itertools import count

import pytest

from processors.partition.partition import Partition
from schemas.keys import OriginKey, decode_dead_letter_key
from schemas.topics import CHANGES, DEAD_LETTERS, ConsumerRecord
from streams.group.decision_log import log_decisions
from streams.shared.model_store import ModelStore, shipped_model
from tests.bad_input import NONE
from tests.contracts.test_change_decoding import activity
from tests.end_to_end.test_bad_input_topic import NOBODYS, Made, cases

CASES = cases(Made(json.loads(activity()), count(NOBODYS)))


@pytest.mark.parametrize("name", CASES)
def test_it_is_decided_and_told(name: str) -> None:
    one = CASES[name]
    partition = Partition(3, ModelStore(), shipped_model().version, belongs=lambda _: not one.astray)
    record = ConsumerRecord(3, 40, one.key, one.value)
    outgoing = partition.absorb([record])
    letters = [decode_dead_letter_key(out.key) for out in outgoing if out.topic == DEAD_LETTERS.name]
    assert letters == ([] if one.reason == NONE else [OriginKey(CHANGES.name, 3, 40)])
    log_decisions([record], outgoing)
