"""How consumers and links are, on small examples that were worked out by hand: see the files in `monitoring/`."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from processors.monitoring.links import (
    Capture,
    Link,
    Program,
    bytes_behind,
    capture_link,
    for_own_servers,
    letters_link,
    server_link,
    worker_link,
)
from processors.monitoring.status import Commit, ObservedPartition, Status, group_status, partition_status

FOLDER = Path(__file__).with_name("monitoring")
CASES = tomllib.loads(FOLDER.joinpath("statuses.toml").read_text(encoding="utf-8"))
LINKS = tomllib.loads(FOLDER.joinpath("links.toml").read_text(encoding="utf-8"))
OWNED = {"yes": True, "no": False, "unknown": None}
NOW_S, ALLOWED_S, WINDOW_S = 100, 10, 60


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["name"])
def test_a_partition_is_as_the_rules_say(case: dict[str, Any]) -> None:
    watched = ObservedPartition(
        commits=tuple(Commit(*commit) for commit in case["commits"]),
        place=case["place"],
        lag_s=case["lag"],
        owned=OWNED[case["owned"]],
        missing=case.get("missing", False),
    )
    assert partition_status(watched, NOW_S, ALLOWED_S, WINDOW_S) == case["status"]


@pytest.mark.parametrize("case", CASES["group"], ids=lambda case: case["name"])
def test_a_group_is_as_its_worst_partition(case: dict[str, Any]) -> None:
    assert group_status(map(Status, case["partitions"])) == case["status"]


FILES = [("binlog.000001", 1000), ("binlog.000002", 2000), ("binlog.000003", 500)]


@pytest.mark.parametrize("case", LINKS["binlog"], ids=lambda case: case["name"])
def test_the_distance_in_the_binlog_is_as_on_paper(case: dict[str, Any]) -> None:
    assert bytes_behind(FILES, *case["at"]) == (None if case.get("purged") else case["behind"])


@pytest.mark.parametrize("case", LINKS["capture"], ids=lambda case: case["name"])
def test_capture_is_told_as_on_paper(case: dict[str, Any]) -> None:
    link = capture_link(Capture(**case["capture"]))
    assert (link.well, link.said, link.mend) == (case["well"], case["said"], case["mend"])


@pytest.mark.parametrize("case", LINKS["worker"], ids=lambda case: case["name"])
def test_a_worker_is_told_as_on_paper(case: dict[str, Any]) -> None:
    program, status = Program(**case["program"]), Status(case["status"])
    link = worker_link(program, status, case["members"], case["lag"], case["seconds"])
    assert (link.well, link.said, link.mend) == (case["well"], case["said"], case["mend"])


@pytest.mark.parametrize("case", LINKS["letters"], ids=lambda case: case["said"])
def test_dead_letters_are_told_as_on_paper(case: dict[str, Any]) -> None:
    link = letters_link(case["counts"])
    assert (link.well, link.said) == (case["well"], case["said"])


@pytest.mark.parametrize("case", LINKS["server"], ids=lambda case: case["said"])
def test_a_server_that_does_not_answer_is_told_in_a_few_words(case: dict[str, Any]) -> None:
    link = server_link("kafka", case["refused"], case["hangs"])
    assert (link.well, link.up, link.said, link.mend) == (False, False, case["said"], case["mend"])


@pytest.mark.parametrize("case", LINKS["elsewhere"], ids=lambda case: f"{case['name']}: {case['mend']}")
def test_servers_of_somebodys_own_are_mended_where_they_run(case: dict[str, Any]) -> None:
    link = Link(name=case["name"], well=not case["mend"], said="as it is", mend=case["mend"])
    there = for_own_servers(link)
    assert (there.name, there.well, there.said, there.mend) == (link.name, link.well, link.said, case["there"])
