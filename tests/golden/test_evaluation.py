"""Measures, confidences and simple rules on examples that were worked out by hand: see the files in `evaluation/`."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from msgspec.structs import replace

from processors.billing.entries.billing_day import instant
from processors.evaluation.blocking_recall import (
    BlockingCounts,
    BlockingRecall,
    ComparedEvents,
    blocking_recall,
    compared_events,
    count_blocking,
)
from processors.evaluation.calibration import Calibration, JudgedConfidence, calibrate
from processors.evaluation.choices import AssignmentOutcomes, assignment_outcomes, sum_outcomes
from processors.evaluation.comparison import Case, case_sums, judged_confidences
from processors.evaluation.error_causes import Cause, ErrorCauses, Link, PairContribution
from processors.evaluation.measures import MEASURES, contingency_sums, measures
from processors.evaluation.mistakes import Mistake, Piece, worst_mistakes, wrong_merges, wrong_splits
from processors.evaluation.rule_baselines import (
    MINUTE_US,
    Grouping,
    group_by_gap,
    group_by_similarity,
    one_a_day,
    singletons,
)
from processors.evaluation.similarity_baseline import nearest_earlier
from processors.evaluation.worst_day import worst_day
from processors.grouping.model.grouping_model import Channel, Reach
from schemas.groups import Disposition, Group, Member
from schemas.values import Activity, Kind, Words
from streams.evaluate.charts import LegendEntry, day_chart, reliability_diagram
from streams.evaluate.tables import blocking_sentence, calibration_sentence, outcomes_sentence
from tests.title_model import BY_TITLE, DAY_US

FOLDER = Path(__file__).with_name("evaluation")
MEASURED, CONFIDENCES, PEERS = (
    tomllib.loads(FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    for name in ("measures", "confidences", "peers")
)


@pytest.mark.parametrize("case", MEASURED["case"], ids=lambda case: case["name"])
def test_measures_are_as_on_paper(case: dict[str, Any]) -> None:
    streams = [contingency_sums(zip(one["gold"], one["ours"], strict=True)) for one in case["streams"].values()]
    pooled = dict(zip(MEASURES, measures(np.sum(streams, axis=0)), strict=True))
    mean = dict(zip(MEASURES, measures(np.stack(streams)).mean(axis=0), strict=True))
    assert pooled == pytest.approx(case["pooled"], abs=0.005)
    assert mean == pytest.approx(case.get("mean", case["pooled"]), abs=0.005)


@pytest.mark.parametrize("case", CONFIDENCES["case"], ids=lambda case: case["name"])
def test_confidences_are_worth_what_they_are_on_paper(case: dict[str, Any]) -> None:
    groups = [
        JudgedConfidence(round(sure * 1_000_000), right, shown, events) for sure, right, shown, events in case["groups"]
    ]
    found = calibrate(groups, case["bins"])
    assert found is not None
    assert [(one.groups, one.confidence, one.right) for one in found.bins] == [
        pytest.approx(tuple(one), abs=0.00005) for one in case["expected_bins"]
    ]
    assert found.groups == len(groups)
    for name in ("error", "auroc", "precision", "coverage", "coverage_events", "right"):
        assert getattr(found, name) == pytest.approx(case.get(name), abs=0.00005), name


def test_no_groups_have_no_worth() -> None:
    assert calibrate([]) is None


def berlin(text: str) -> int:
    return instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")))


def event(id: int, at: str, until: str = "", title: str = "") -> Activity:
    ended = berlin(until) if until else None
    return Activity(id, Kind.OTHER, berlin(at), ended, "Europe/Berlin", Words(title=title))


EVENTS = [event(*one) for one in PEERS["events"]]


def ruled(rule: str) -> Grouping:
    match rule.split():
        case ["gap", minutes]:
            return group_by_gap(EVENTS, int(minutes) * MINUTE_US)
        case ["like", likeness, "in", minutes]:
            return group_by_similarity(nearest_earlier(EVENTS, int(minutes) * MINUTE_US), float(likeness))
        case ["singletons"]:
            return singletons(EVENTS)
        case _:
            return one_a_day(EVENTS)


@pytest.mark.parametrize("rule", PEERS["expected"])
def test_simple_rules_group_as_on_paper(rule: str) -> None:
    found: dict[int, list[int]] = {}
    for id, name in sorted(ruled(rule).items()):
        found.setdefault(name, []).append(id)
    assert sorted(found.values()) == PEERS["expected"][rule]
    assert all(name == ids[0] for name, ids in found.items())


def test_likeness_is_the_cosine_on_paper() -> None:
    found = {one.id: (one.earlier, round(one.similarity, 3)) for one in nearest_earlier(EVENTS, 10_080 * MINUTE_US)}
    assert found == {1: (None, 0), 2: (None, 0), 3: (1, 0.362), 4: (1, 0.665), 5: (2, 0.541), 6: (None, 0)}


CASE = Case("ada", tuple(EVENTS), {1: "L", 2: "B", 3: "L", 4: "L", 6: "P"})
"""What event 5 belongs to nobody knows: it is grouped, and never judged."""
OURS = {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 6}


def test_what_nobody_knows_is_left_out_of_every_group() -> None:
    assert (
        case_sums(CASE, OURS).tolist() == contingency_sums([("L", 1), ("B", 1), ("L", 1), ("L", 4), ("P", 6)]).tolist()
    )


def test_an_event_in_no_group_is_one_of_its_own() -> None:
    assert case_sums(CASE, {1: 1, 2: 1, 3: 1}).tolist() == case_sums(CASE, OURS).tolist()


def test_recall_by_blocking_is_as_on_paper() -> None:
    """Words have nothing in common, and who looks back one step only finds of L 3 and 4, of B nothing."""
    near = replace(BY_TITLE, reach=dict.fromkeys(Channel, Reach(1, DAY_US)))
    words = ("lease", "budget", "plans", "photos", "travel", "music")
    activities = tuple(event(id, f"2026-03-02 09:0{id}", title=word) for id, word in enumerate(words, 1))
    case = Case("ada", activities, {1: "L", 2: "B", 3: "L", 4: "L", 6: "B"})

    def of(case: Case) -> BlockingCounts:
        return count_blocking(case, compared_events(case, near))

    found = of(case)
    assert found == BlockingCounts(
        events=5, compared=4, pairs=4, pairs_found=1, next_pairs=3, next_found=1, later_found=1
    )
    assert blocking_recall([found]) == BlockingRecall(0.8, 4, 25, pytest.approx(100 / 3), pytest.approx(100 / 3))
    out = (*activities[:3], replace(activities[3], excluded=True), *activities[4:])
    assert of(replace(case, activities=out)) == replace(found, compared=3, pairs_found=0, next_found=0, later_found=0)
    alone = blocking_recall([of(replace(case, gold={1: "L"}))])
    assert alone == BlockingRecall(0, 0, None, None, None)
    assert blocking_sentence(blocking_recall([found, found])) == (
        "Blocking compares an event with 0.8 earlier ones on average: with one of its own group 33.3% of those that "
        "have one, 33.3% with the one just before it there, and all in all 25.0% of 8 true pairs."
    )
    assert blocking_sentence(alone).endswith("0.0 earlier ones on average; there are no true pairs to be found.")


def test_what_became_of_each_event_when_its_turn_came() -> None:
    """1 begins L and 2 is put to it; 3 rightly joins 1; 4 begins a group instead; 6 begins P, and 5 isn't judged. That
    4 was compared with one of L hangs on blocking.
    """
    seen = ComparedEvents(9, {3: (1,), 4: (3,)})
    found = assignment_outcomes(CASE, OURS, seen)
    assert found == AssignmentOutcomes(began=2, joined=1, mixed_in=1, split_off=1, astray=0, unseen=0)
    assert assignment_outcomes(CASE, OURS, ComparedEvents(9, {3: (1,)})) == replace(found, split_off=0, unseen=1)
    assert assignment_outcomes(CASE, {**OURS, 4: 6, 6: 6}, seen) == replace(
        found, began=1, mixed_in=2
    )  # 4 comes before 6
    assert assignment_outcomes(CASE, {1: 1, 2: 2, 3: 2, 4: 4, 6: 6}, seen) == AssignmentOutcomes(3, 0, 0, 1, 1, 0)
    assert sum_outcomes([found, found]) == AssignmentOutcomes(4, 2, 2, 2, 0, 0)
    assert outcomes_sentence(AssignmentOutcomes(50, 20, 10, 10, 6, 4)) == (
        "Of 100 events, each when its turn came, 50.0% rightly began a group and 20.0% joined their own; 10.0% should "
        "have begun one and joined another, 10.0% began one and should have joined their own, 6.0% joined another than "
        "their own, and 4.0% were compared with none of their own."
    )


def test_mistakes_count_their_wrong_pairs_and_name_their_pieces() -> None:
    assert wrong_merges(CASE, OURS) == [Mistake("ada", 1, 2, (Piece("L", (1, 3)), Piece("B", (2,))))]
    assert wrong_splits(CASE, OURS) == [Mistake("ada", "L", 2, (Piece(1, (1, 3)), Piece(4, (4,))))]


def test_the_largest_piece_of_a_mistake_comes_first() -> None:
    case = Case("ada", (), {1: "B", 2: "L", 3: "L"})
    assert wrong_merges(case, {1: 1, 2: 1, 3: 1}) == [Mistake("ada", 1, 2, (Piece("L", (2, 3)), Piece("B", (1,))))]


FOUR = tuple(
    event(id, f"2026-03-02 09:0{id}", title=title) for id, title in enumerate(("Lease", "Lease", "Budget", "Budget"), 1)
)
TITLED = {1: 1, 2: 1, 3: 3, 4: 3}
"""What a model makes of them that goes by titles."""


def test_the_cause_of_a_wrong_merge_is_the_link_that_made_it() -> None:
    case = Case("ada", FOUR, {1: "L", 2: "other", 3: "B", 4: "B"})
    (mistake,) = wrong_merges(case, TITLED)
    assert ErrorCauses(case, TITLED, BY_TITLE).causes_of(mistake) == [
        None,
        Cause(
            2,
            Link(1, 1, 3_000_000, (PairContribution("title", "1 or more", 3_000_000),), ()),
            same_group_count=0,
            missed_link=None,
        ),
    ]


def test_the_cause_of_a_wrong_split_is_the_link_that_was_missed() -> None:
    """4 was joined to 3, and would have been to 2 or 1, of which the later one is told."""
    case = Case("ada", FOUR, {1: "L", 2: "L", 3: "B", 4: "L"})
    (mistake,) = wrong_splits(case, TITLED)
    another = Link(2, 2, -1_000_000, (), (PairContribution("title", "below 1", -1_000_000),))
    joined = Link(3, 1, 3_000_000, (PairContribution("title", "1 or more", 3_000_000),), ())
    assert ErrorCauses(case, TITLED, BY_TITLE).causes_of(mistake) == [
        None,
        Cause(4, joined, same_group_count=2, missed_link=another),
    ]


def test_who_is_compared_with_none_of_its_own_says_so() -> None:
    near = replace(BY_TITLE, reach=dict.fromkeys(Channel, Reach(1, DAY_US)))
    case = Case("ada", FOUR, {1: "L", 3: "L"})
    assert ErrorCauses(case, TITLED, near).cause_of(3) == Cause(3, None, same_group_count=1, missed_link=None)
    out = replace(case, activities=(*FOUR[:2], replace(FOUR[2], excluded=True), FOUR[3]))
    assert ErrorCauses(out, {1: 1, 2: 1, 4: 4}, BY_TITLE).cause_of(3) == Cause(
        3, None, same_group_count=1, missed_link=None
    )


def test_the_worst_mistakes_come_first() -> None:
    two, three = (Mistake("ada", "L", wrong, (Piece(1, (1,)),)) for wrong in (2, 3))
    other = Mistake("bob", "L", 3, (Piece(1, (1,)),))
    assert worst_mistakes([two, other, three], 2) == [three, other]


def group(ids: tuple[int, ...], disposition: Disposition, confidence: int) -> Group:
    return Group(tuple(Member(id, "") for id in ids), disposition, confidence, 0, 0, 0, "model")


def test_a_group_is_right_if_it_is_exactly_a_true_one_among_the_judged() -> None:
    groups = {
        1: group((1, 3), Disposition.WORK, 900_000),  # 4 is lacking
        2: group((2, 5), Disposition.HELD, 400_000),  # 5 isn't judged, 2 is all of B
        4: group((4,), Disposition.OUTLIER, 990_000),  # claims nothing
        6: group((6,), Disposition.WORK, 800_000),
    }
    assert judged_confidences(CASE, groups) == [
        JudgedConfidence(900_000, False, True, 2),
        JudgedConfidence(400_000, True, False, 1),
        JudgedConfidence(800_000, True, True, 1),
    ]
    assert judged_confidences(CASE, {5: group((5,), Disposition.WORK, 1)}) == []
    all_of_it_and_more = {1: group((1, 2, 3, 4), Disposition.WORK, 500_000)}
    assert judged_confidences(CASE, all_of_it_and_more) == [JudgedConfidence(500_000, False, True, 4)]


def test_the_worst_day_has_its_blocks_in_rows_and_partners_in_one_colour() -> None:
    """Ours has 1, 2, 3 together: of the pairs (1, 3), (1, 4), (3, 4) it misses two, and two of its own are wrong."""
    day = worst_day(CASE, OURS, max_blocks=12)  # from 9:00 to 11:59
    assert day.min_block_us == 179 * MINUTE_US // 12
    assert (day.stream, str(day.day), day.zone, day.wrong_pairs) == ("ada", "2026-03-02", "Europe/Berlin", 4)
    assert day.matched_groups == (("L", 1),)
    assert [(block.activity.id, block.row, block.colour) for block in day.ours] == [
        (1, 0, 0),
        (2, 0, 0),
        (3, 1, 0),  # 2 still has the first row
        (4, 0, None),
    ]
    assert [(block.activity.id, block.row, block.colour) for block in day.gold] == [
        (1, 0, 0),
        (2, 0, None),
        (3, 1, 0),
        (4, 0, 0),
    ]


def test_the_legend_names_what_both_lanes_have_in_a_colour() -> None:
    """Of L and our group 1 those are 1 and 3; 2 is ours alone, 4 truly."""
    shown = day_chart(worst_day(CASE, OURS, max_blocks=12), score=50)
    assert shown.legend == (LegendEntry("0", "1", "L", "Lease Quarrymill draft", 2),)
    assert [box.colour for box in shown.ours] == ["0", "0", "0", "none"]
    assert [box.colour for box in shown.gold] == ["0", "none", "0", "0"]


def test_colours_go_to_the_twelve_largest() -> None:
    many = [event(id, f"2026-03-02 {id:02d}:00") for id in range(5, 19)]
    case = Case("ada", tuple(many), {one.id: f"true {one.id}" for one in many})
    shown = day_chart(worst_day(case, {one.id: one.id for one in many}, max_blocks=200), score=50)
    assert [box.colour for box in shown.ours] == [*map(str, range(12)), "rest", "rest"]
    assert [piece.name for piece in shown.legend] == [f"true {id}" for id in range(5, 17)]
    assert [tick.label for tick in shown.ticks] == ["06:00", "08:00", "10:00", "12:00", "14:00", "16:00", "18:00"]


def test_the_line_of_the_diagram_goes_through_its_dots() -> None:
    found = calibrate([JudgedConfidence(200_000, False, True, 1), JudgedConfidence(900_000, True, True, 1)], 2)
    assert found is not None
    shown = reliability_diagram(found)
    assert [(dot.x, dot.y) for dot in shown.dots] == [(20, 0), (90, 100)]
    assert shown.line == "20.00,100.00 90.00,0.00"


def test_what_confidences_are_worth_is_a_sentence() -> None:
    found = Calibration(8, 0.25, 0.125, 0.75, 0.5, 0.375, 0.625, ())
    assert calibration_sentence(found) == (
        "25.0% of 8 groups are right; confidences are off by 12.5% (calibration error); a right group is surer than a "
        "wrong one 75.0% of the time (AUROC). 37.5% are shown (with 62.5% of the events), of which 50.0% are right."
    )
    nothing = Calibration(1, 1.0, 0.3, None, None, 0.0, 0.0, ())
    assert calibration_sentence(nothing) == (
        "100.0% of 1 group are right; confidences are off by 30.0% (calibration error); there aren't both right and "
        "wrong ones. None is shown."
    )
