"""A timekeeper's partition, as the pinned plugin's own hash gives it; tests/end_to_end holds it to what capture writes.

MurmurHash3.getInstance().hash((Object) Long.valueOf(id)), as unsigned, in Java:
1 2363804845, 2 3943161344, 3 1701980596, 200 3498105500, 3000000000 3493140907, 2^63-1 3497749140
"""

import pytest

from schemas.keys import Scope
from schemas.topics import partition_of


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(1, 2), 13),  # 2363804845 + 3943161344 = 2011998893 (mod 2^31) = 13 (mod 16)
        (Scope(2, 1), 13),  # a sum: whose is which doesn't matter
        (Scope(200, 3_000_000_000), 7),  # 3498105500 + 3493140907 = 548795463 = 7
        (Scope(3, 2**63 - 1), 8),  # 1701980596 + 3497749140 = 904762440 = 8
    ],
)
def test_the_partition_is_the_plugins(scope: Scope, expected: int) -> None:
    assert partition_of(scope) == expected
