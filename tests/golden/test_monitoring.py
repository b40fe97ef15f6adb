"""A consumer's status on small examples that were worked out by hand: see `monitoring/statuses.toml`."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from processors.monitoring.status import Commit, Status, Watched, group_status, partition_status

CASES = tomllib.loads(Path(__file__).with_name("monitoring").joinpath("statuses.toml").read_text(encoding="utf-8"))
OWNED = {"yes": True, "no": False, "unknown": None}
NOW_S, ALLOWED_S = 100, 10


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["name"])
def test_a_partition_is_as_the_rules_say(case: dict[str, Any]) -> None:
    watched = Watched(
        commits=tuple(Commit(*commit) for commit in case["commits"]),
        place=case["place"],
        lag_s=case["lag"],
        owned=OWNED[case["owned"]],
        missing=case.get("missing", False),
    )
    assert partition_status(watched, NOW_S, ALLOWED_S) == case["status"]


@pytest.mark.parametrize("case", CASES["group"], ids=lambda case: case["name"])
def test_a_group_is_as_its_worst_partition(case: dict[str, Any]) -> None:
    assert group_status(map(Status, case["partitions"])) == case["status"]
