"""Small days with the groups that a person would make of them; `piece` was written by hand, and is never an input."""

import json
from pathlib import Path
from typing import Any

import pytest

from processors.grouping.batch import group_all
from schemas.groups import Disposition, Group
from schemas.values import Activity, Kind, Words
from streams.shared.model_store import shipped_model

HERE = Path(__file__).parent
DAYS = sorted(path.stem for path in HERE.glob("*.jsonl"))
FIRST_DAY_US = 1_772_323_200_000_000
"""2026-03-01, a day like any other."""


def instant(text: str) -> int:
    """Microseconds of "DAY HH:MM:SS"; the day counts from the first and may be left out, as seconds may."""
    day, _, clock = text.rpartition(" ")
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return FIRST_DAY_US + (int(day or 0) * 86_400 + hours * 3_600 + minutes * 60 + seconds) * 1_000_000


def activity(line: dict[str, Any]) -> Activity:
    until = line.get("until")
    words = Words(
        title=line.get("title", ""),
        text=line.get("text", ""),
        actor=line.get("actor", ""),
        files=tuple(line.get("files", ())),
    )
    ended_at = None if until is None else instant(until)
    return Activity(line["id"], Kind(line["kind"]), instant(line["at"]), ended_at, "UTC", words, line.get("app", ""))


def day(name: str) -> tuple[list[dict[str, Any]], dict[int, Group]]:
    lines = [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()][1:]
    return lines, dict(group_all(map(activity, lines), model=shipped_model()))


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_grouped_as_a_person_would(name: str) -> None:
    lines, groups = day(name)
    pieces: dict[str, list[int]] = {}
    for line in lines:
        pieces.setdefault(line["piece"], []).append(line["id"])
    assert sorted([member.id for member in group.members] for group in groups.values()) == sorted(pieces.values())


@pytest.mark.parametrize("name", DAYS)
def test_only_noise_is_pruned_and_nothing_is_held(name: str) -> None:
    lines, groups = day(name)
    outliers = {line["id"] for line in lines if line.get("outlier")}
    for group in groups.values():
        expected = Disposition.OUTLIER if group.members[0].id in outliers else Disposition.WORK
        assert group.disposition is expected


def test_a_group_tells_its_times_and_reasons() -> None:
    _, groups = day("two_matters_and_a_call")
    payroll = groups[3]
    assert payroll.started_at == instant("09:31")
    assert payroll.ended_at == instant("10:40")
    assert payroll.captured_us == (19 + 25) * 60_000_000
    reasons = [because.contribution for because in payroll.why]
    assert len(reasons) == 3
    assert reasons == sorted(reasons, reverse=True)
    assert min(reasons) > 0
    assert payroll.model == shipped_model().version
